"""The tools of a trial do what their names say, so that a trial without findings means something."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from lumen.wording import slack_answers
from tests.chaos.clicks import SAID
from tests.chaos.listener import Listener
from tests.chaos.pipe import Flow, Pipe
from tests.chaos.plan import KINDS, MORE, MORE_FROM, draw
from tests.chaos.recorder import Loss, Recorder

SOON = 0.5
NOTIFICATION = {"alerts": [{"fingerprint": "0aa043e5d176c819", "status": "firing", "labels": {"alertname": "A"}}]}


@pytest.mark.parametrize(("first", "kinds"), [(1, set(KINDS)), (MORE_FROM, {*KINDS, *MORE})])
def test_every_kind_of_fault_occurs_often(first: int, kinds: set[str]) -> None:
    """A seed always gives the same one to four faults; over 200 seeds each kind occurs at least 20 times."""
    seeds = range(first, first + 200)
    plans = [draw(seed) for seed in seeds]
    assert plans == [draw(seed) for seed in seeds]
    assert {len(plan) for plan in plans} == {1, 2, 3, 4}
    counts = Counter(fault.kind for plan in plans for fault in plan)
    assert set(counts) == kinds
    assert min(counts.values()) >= 20


def test_what_people_are_told_is_what_lumen_says() -> None:
    """Each beginning by which a trial knows what became of a vote in Slack is one of Lumen's own, of one text alone."""
    texts = [text for name, (text, _) in slack_answers.TEXTS.items() if name.startswith("slack.answer.")]
    assert {begin: sum(text.startswith(begin) for text in texts) for begin in SAID} == dict.fromkeys(SAID, 1)


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while chunk := await reader.read(100):
        heard.append(chunk)
        writer.write(chunk)
        await writer.drain()


heard: list[bytes] = []


@contextlib.asynccontextmanager
async def _piped() -> AsyncIterator[Pipe]:
    heard.clear()
    end = Listener(_echo)
    pipe = Pipe("test", await end.start())
    await pipe.start()
    yield pipe
    pipe.stop()
    end.stop()


async def _said(reader: asyncio.StreamReader) -> bytes | None:
    """Return what comes soon, ``b""`` for an end, None for nothing."""
    try:
        async with asyncio.timeout(SOON):
            return await reader.read(100)
    except TimeoutError:
        return None
    except OSError:
        return b""


@pytest.mark.parametrize(
    ("flow", "meanwhile", "arrives"),
    [
        (Flow.PASS, b"one", True),
        (Flow.SLOW, b"one", True),
        (Flow.STALL, None, False),
        (Flow.MUTE, None, True),
        (Flow.REFUSE, b"", False),
    ],
)
async def test_pipe(flow: Flow, meanwhile: bytes | None, arrives: bool) -> None:
    """``refuse`` ends connections, ``stall`` holds everything back, ``mute`` loses the answer of what did arrive."""
    async with _piped() as pipe:
        reader, writer = await asyncio.open_connection("127.0.0.1", pipe.port)
        writer.write(b"zero")
        assert await _said(reader) == b"zero"
        pipe.disturb(flow, delay=0.05)
        writer.write(b"one")
        assert await _said(reader) == meanwhile
        assert (b"one" in heard) is arrives
        pipe.disturb(Flow.PASS)
        if flow is Flow.STALL:
            assert await _said(reader) == b"one"
        if flow is Flow.MUTE:
            assert await _said(reader) == b""
        writer.close()


async def _api(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    heard.append(await reader.readuntil(b"]}"))
    writer.write(b'HTTP/1.1 202 Accepted\r\nContent-Length: 13\r\n\r\n{"alerts":[]}')
    await writer.drain()


@pytest.mark.parametrize(
    ("loss", "arrives", "status"),
    [(Loss.NOTHING, True, 202), (Loss.REQUEST, False, None), (Loss.ANSWER, True, None)],
)
async def test_recorder(loss: Loss, arrives: bool, status: int | None, tmp_path: Path) -> None:
    """What the sender got is written down, and nothing else: an answer that was lost is none."""
    heard.clear()
    api = Listener(_api)
    recorder = Recorder("am1", [("api1", await api.start())], tmp_path / "sent.jsonl", loss=loss)
    await recorder.start()
    reader, writer = await asyncio.open_connection("127.0.0.1", recorder.port)
    body = json.dumps(NOTIFICATION).encode()
    writer.write(b"POST /webhook HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
    answer = await _said(reader)
    assert answer == b"" if status is None else answer is not None and b" 202 " in answer
    assert bool(heard) is arrives
    [line] = (tmp_path / "sent.jsonl").read_text().splitlines()
    record = json.loads(line)
    assert (record["status"], record["from"], record["to"]) == (status, "am1", "api1")
    assert record["alerts"] == [{**NOTIFICATION["alerts"][0], "startsAt": None}]
    writer.close()
    recorder.stop()
    api.stop()
