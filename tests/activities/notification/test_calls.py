"""Calls to something that is not quite Slack: proxies, half answers, silence; and being told to slow down."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from activities.notification.calls import SlackCalls
from activities.notification.errors import Kind, SlackError, fix_of, kind_of
from activities.notification.journal import Journal
from activities.notification.methods import METHODS
from activities.notification.pace import Pace
from tests.activities.notification.conftest import Stage, now
from tests.activities.notification.samples import request, waiting

Answering = Callable[[web.Response], None]


@pytest_asyncio.fixture
async def server() -> AsyncIterator[tuple[SlackCalls, Answering]]:
    """Calls to a server that gives the same answer to everything, and how to set that answer."""
    answer = [web.Response()]

    async def answered(request: web.Request) -> web.StreamResponse:
        await request.read()
        one = answer[0]
        return web.Response(body=one.body, status=one.status, headers=one.headers)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answered)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/api"
    counter = Counter("requests", "Calls.", ["method", "outcome"], registry=CollectorRegistry())
    calls = SlackCalls("xoxb-token", url, counter)
    yield calls, lambda one: answer.__setitem__(0, one)
    await calls.close()
    await runner.cleanup()


@pytest.mark.parametrize(
    ("answer", "kind", "done"),
    [
        (web.Response(text="<html>sign in to the network</html>", content_type="text/html"), Kind.DOWN, True),
        (web.Response(text="<html>sign in</html>", content_type="text/plain"), Kind.DOWN, True),
        (web.Response(status=502, text="bad gateway", content_type="text/html"), Kind.DOWN, True),
        (web.Response(status=500, text="", content_type="application/json"), Kind.DOWN, True),
        (web.Response(text="[1]", content_type="application/json"), Kind.DOWN, True),
        (web.Response(text='"ok"', content_type="application/json"), Kind.DOWN, True),
        (web.Response(text="{not json", content_type="application/json"), Kind.DOWN, True),
        (web.Response(body=b"\xff\xfe", content_type="application/json"), Kind.DOWN, True),
        (web.Response(status=302, headers={"Location": "http://127.0.0.1:9/"}), Kind.DOWN, True),
        (web.json_response({"ok": False, "error": "invalid_auth"}), Kind.SETUP, False),
        (web.json_response({"ok": False, "error": "internal_error"}), Kind.DOWN, True),
        (web.json_response({"ok": False, "error": "message_not_found"}), Kind.GONE, False),
        (web.json_response({"ok": False, "error": "<b>no word of Slack</b>"}), Kind.DOWN, True),
        (web.json_response({"ok": False, "error": "ratelimited"}), Kind.LIMITED, False),
        (web.Response(status=429, text="slow down", content_type="text/html"), Kind.LIMITED, False),
    ],
)
async def test_every_odd_answer_is_a_failure_of_its_kind(
    server: tuple[SlackCalls, Answering], answer: web.Response, kind: Kind, *, done: bool
) -> None:
    """What is no answer of Slack counts as silence, and whatever may have been done is said to be so."""
    calls, answering = server
    answering(answer)
    with pytest.raises(SlackError) as caught:
        await calls.send("chat.postMessage", {"channel": "C1", "text": "x"}, 5)
    assert (caught.value.kind, caught.value.done) == (kind, done)
    assert "xoxb-token" not in str(caught.value)


@pytest.mark.parametrize(("said", "wanted"), [("7", 7), ("0", 1), ("99999", 600), ("-3", 30), ("soon", 30), ("٣", 30)])
async def test_retry_after_is_heeded_within_reason(
    server: tuple[SlackCalls, Answering], said: str, wanted: float
) -> None:
    """The delay is Slack's own; one that is missing, odd or endless is replaced by a sensible one."""
    calls, answering = server
    answering(web.Response(status=429, headers={"Retry-After": said}) if said.isascii() else web.Response(status=429))
    with pytest.raises(SlackError) as caught:
        await calls.send("chat.postMessage", {"channel": "C1"}, 5)
    assert caught.value.retry_after == pytest.approx(min(wanted, 300), abs=0.5)


async def test_silence_ends_with_its_limit() -> None:
    """A server that takes the call and says nothing is given up after the limit, and the call may have been done."""

    async def silent(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await gone.wait()
        writer.close()

    gone = asyncio.Event()
    listening = await asyncio.start_server(silent, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    counter = Counter("requests", "Calls.", ["method", "outcome"], registry=CollectorRegistry())
    calls = SlackCalls("xoxb-token", f"http://127.0.0.1:{port}/api/", counter)
    for call in (
        calls.send("chat.postMessage", {"channel": "C1"}, 0.2),
        calls.ask("conversations.history", {}, 0.2),
        calls.hook(f"http://127.0.0.1:{port}/secret", {}, 0.2),
    ):
        with pytest.raises(SlackError) as caught:
            await call
        assert (caught.value.kind, caught.value.done) == (Kind.DOWN, True)
        assert "secret" not in str(caught.value)
    gone.set()
    await calls.close()
    listening.close()


async def test_a_try_that_runs_out_of_time_stops_in_order(stage: Stage) -> None:
    """Shortly before an activity would be ended from outside nothing is begun any more, and it is tried again at once."""
    journal = Journal(lambda _: None, ends=0.0)
    with pytest.raises(SlackError) as caught:
        await stage.showing.show(request(waiting()), journal)
    assert (caught.value.kind, caught.value.code, caught.value.retry_after) == (Kind.DOWN, "slow", 1.0)
    assert stage.slack.calls() == []


def test_callers_come_back_one_after_the_other() -> None:
    """While a lane is closed each caller gets a later time than the one before; another lane stays open."""
    clock = itertools.count(100.0, 0.0)
    pace = Pace(lambda: next(clock))
    times = [pace.slow_down("post C1", 5.0), *(pace.wait("post C1") for _ in range(3))]
    assert times == pytest.approx([5.0, 6.2, 7.4, 8.6])
    assert pace.wait("post C2") == 0.0
    assert max(pace.wait("post C1") for _ in range(1000)) == 300.0


def test_a_lane_opens_when_its_time_has_come() -> None:
    """After the pause calls go through again."""
    seconds = [100.0]
    pace = Pace(lambda: seconds[0])
    assert pace.slow_down("lane", 5.0) == 5.0
    seconds[0] = 105.0
    assert pace.wait("lane") == 0.0


def test_unknown_errors_are_for_a_human() -> None:
    """An error that this version does not know is said in the log, with where to look it up."""
    assert kind_of("a_new_error") is Kind.SETUP
    assert "reference" in fix_of("a_new_error")
    assert len(METHODS) == len(set(METHODS))


def test_a_journal_that_is_no_journal_is_doubted() -> None:
    """A retry whose heartbeat holds something else, or is not the last of its try, looks before it posts."""
    noted = {"posted": [], "done": [], "trying": False}
    assert Journal(lambda _: None, retried=True, began=now()).doubtful
    assert Journal(lambda _: None, noted, retried=True).doubtful
    assert not Journal(lambda _: None, {**noted, "over": True}, retried=True).doubtful
