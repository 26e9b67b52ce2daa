"""proofd as a process: it keeps what it acknowledged, refuses what it must, and ends as it should."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import socket
import sqlite3
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from proof.errors import StartError
from proof.run import serve
from tests.proof.samples import LOG, draft, open_ledger
from tests.proof.serving import AUTH, TOKEN, config, payload, proofd_process
from tests.stack.calling import calls

if TYPE_CHECKING:
    from pathlib import Path


def test_a_second_process_on_the_same_file_is_refused(path: Path) -> None:
    """The second proofd ends with one clear line and code 1; the first one goes on."""
    with proofd_process(path) as first:
        with proofd_process(path) as second:
            code, errors = second.end()
        assert (code, second.url) == (1, "")
        assert errors == (
            f"the ledger {path} is open in another proofd (process {first.process.pid}): "
            "stop that one or use another file\n"
        )
        assert calls().post(f"{first.url}/append", json=payload("a"), headers=AUTH).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(path: Path, number: signal.Signals) -> None:
    """After SIGTERM or SIGINT proofd ends with code 0 and leaves one closed file with all entries."""
    with proofd_process(path) as proofd, httpx.Client(base_url=proofd.url, headers=AUTH) as client:
        client.post("/append", json=payload("a")).raise_for_status()
        proofd.process.send_signal(number)
        assert proofd.end() == (0, "")
    assert not path.with_name("proof.db-wal").exists()
    store = open_ledger(path)
    assert store.head.height == 1
    store.close()


def test_a_hangup_changes_nothing(path: Path) -> None:
    """A SIGHUP, by which API and worker load their rules again, does not end proofd."""
    with proofd_process(path) as proofd, httpx.Client(base_url=proofd.url, headers=AUTH) as client:
        for number in range(3):
            proofd.process.send_signal(signal.SIGHUP)
            client.post("/append", json=payload(f"k{number}")).raise_for_status()
        proofd.process.send_signal(signal.SIGTERM)
        assert proofd.end() == (0, "")


def test_a_broken_chain_does_not_start(path: Path) -> None:
    """A ledger that does not verify ends the start with one line that names seq and reason, code 1, and no repair."""
    store = open_ledger(path)
    for number in range(3):
        store.append(draft(f"k{number}")).result(30)
    store.close()
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER entry_kept")
        db.execute("DELETE FROM entry WHERE seq = 1")
    before = path.read_bytes()
    with proofd_process(path) as proofd:
        code, errors = proofd.end()
    assert (code, proofd.url) == (1, "")
    assert errors.count("\n") == 1
    assert "first bad seq 1: missing: " in errors
    assert path.read_bytes() == before


def test_a_failed_write_stops_the_process(path: Path) -> None:
    """When the disk refuses a write the process ends with a code other than 0, and every receipt it gave is kept."""
    with proofd_process(path, file_size_limit=1_000_000) as proofd:
        acknowledged = []
        with (
            httpx.Client(base_url=proofd.url, headers=AUTH, timeout=30) as client,
            contextlib.suppress(httpx.TransportError),
        ):
            for number in range(1000):
                answer = client.post("/append", json=payload(f"k{number}", action="x" * 2000))
                if answer.status_code != 200:
                    assert answer.status_code == 503
                    break
                acknowledged.append(answer.json())
        code, errors = proofd.end()
    assert code == 1
    assert errors.splitlines()[-1].startswith("proofd stopped: a write failed (OperationalError: ")
    assert 10 <= len(acknowledged) < 1000
    store = open_ledger(path)
    for receipt in acknowledged:
        entry = store.entry(receipt["seq"])
        assert entry is not None
        assert entry.leaf.hex() == receipt["leaf"]
    store.close()


async def test_cancelling_stops_and_releases(path: Path) -> None:
    """A caller that cancels gets the port and the ledger back."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(config(path), CollectorRegistry(), lambda h, p: ready.set_result(f"{h}:{p}")))
    address = await asyncio.wait_for(ready, 30)
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"http://{address}/head")).json()["head"] == LOG
    serving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await serving
    open_ledger(path).close()
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", int(address.rpartition(":")[2])))


async def test_a_port_in_use_is_refused(path: Path) -> None:
    """A taken address ends the start with one line, before a ledger is made."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(StartError, match=r"cannot listen on 127\.0\.0\.1:") as caught:
            await serve(config(path, port=taken.getsockname()[1]), CollectorRegistry())
    assert "PROOFD_ADDR" in str(caught.value)
    assert not list(path.parent.iterdir())


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"origin": ""}, "origin"),
        ({"origin": "with space"}, "spaces"),
        ({"origin": "a+b"}, r"\+"),
        ({"origin": "a\nb"}, "printable"),
        ({"origin": "a" * 256}, "255"),
        ({"origin": "\ud800"}, "printable"),
        ({"tokens": ()}, "PROOFD_TOKEN"),
        ({"tokens": ("a", "")}, "PROOFD_TOKEN"),
        ({"dsn": "mysql://u:secret@h/d"}, "PROOF_DSN"),
        ({"dsn": "postgresql://u:se/cret@127.0.0.1/d"}, "PROOF_DSN"),
        ({"host": "256.1.1.1"}, "cannot listen"),
    ],
    ids=repr,
)
async def test_bad_settings_do_not_start(path: Path, change: dict[str, Any], word: str) -> None:
    """Each wrong setting is refused in one line that names it and shows no secret."""
    with pytest.raises(StartError, match=word) as caught:
        await serve(config(path, **change), CollectorRegistry())
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not list(path.parent.iterdir())


def test_a_configuration_hides_its_secrets(path: Path) -> None:
    """Tokens and salt are not in the text of a configuration."""
    text = repr(config(path))
    assert TOKEN not in text
    assert "pepper" not in text


def test_the_salt_may_be_text_or_bytes(path: Path) -> None:
    """Text is taken as UTF-8."""
    with proofd_process(path) as proofd:  # started with the text
        assert calls().get(f"{proofd.url}/head").json()["head"] == LOG  # made of the bytes
