"""Every store behind a proofd of its own: it keeps what it acknowledged, and ends as it should."""

from __future__ import annotations

import contextlib
import itertools
import signal
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.proof.samples import append, draft
from tests.proof.serving import AUTH, ProofdProcess, payload
from tests.stack.calling import calls

if TYPE_CHECKING:
    from tests.proof.contract.houses import House


def append_until_killed(proofd: ProofdProcess, name: str) -> list[dict[str, Any]]:
    """Append as fast as possible until the process is gone; return what was acknowledged, with its idem."""
    acknowledged = []
    with (
        httpx.Client(base_url=proofd.url, headers=AUTH, timeout=30) as client,
        contextlib.suppress(httpx.TransportError),
    ):
        for number in itertools.count():
            idem = f"{name}/{number}"
            answer = client.post("/append", json=payload(idem, action={"number": number}))
            acknowledged.append({"idem": idem, **answer.raise_for_status().json()})
    return acknowledged


def test_kill_minus_nine_loses_nothing_acknowledged(house: House) -> None:
    """Killed three times in the middle of appends by four clients, the ledger still has every receipt it gave."""
    acknowledged: list[dict[str, Any]] = []
    for life in range(3):
        with house.process() as proofd, ThreadPoolExecutor(4) as pool:
            assert proofd.url, proofd.end()
            clients = [pool.submit(append_until_killed, proofd, f"{life}/{number}") for number in range(4)]
            with httpx.Client(base_url=proofd.url, timeout=30) as watcher:
                start = len(acknowledged)
                while watcher.get("/head").json()["height"] < start + 20:
                    pass
            proofd.process.send_signal(signal.SIGKILL)
            acknowledged += [receipt for client in clients for receipt in client.result(60)]
    assert len(acknowledged) >= 60 - 12
    with house.process() as proofd, httpx.Client(base_url=proofd.url, headers=AUTH, timeout=30) as client:
        assert client.post("/verify").json()["ok"] is True
        for receipt in acknowledged:
            entry = client.get("/entries", params={"idem": receipt["idem"]}).json()
            assert {key: entry[key] for key in ("seq", "leaf", "prev", "idem")} == {
                key: receipt[key] for key in ("seq", "leaf", "prev", "idem")
            }


def test_a_second_process_is_refused(house: House) -> None:
    """The second proofd ends with one clear line and code 1; the first one goes on."""
    with house.process() as first:
        with house.process() as second:
            code, errors = second.end()
        assert (code, second.url) == (1, "")
        assert errors.count("\n") == 1
        assert "is open in another proofd" in errors
        assert str(first.process.pid) in errors
        assert calls().post(f"{first.url}/append", json=payload("a"), headers=AUTH).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_in_order(house: House, number: signal.Signals) -> None:
    """After SIGTERM or SIGINT proofd ends with code 0, and the ledger opens at once with all entries."""
    with house.process() as proofd, httpx.Client(base_url=proofd.url, headers=AUTH) as client:
        client.post("/append", json=payload("a")).raise_for_status()
        proofd.process.send_signal(number)
        assert proofd.end() == (0, "")
    with house.signed() as ledger:
        assert (ledger.store.head.height, ledger.store.failure) == (1, None)


def test_a_broken_chain_does_not_start(house: House) -> None:
    """A ledger that does not verify ends the start with one line that names seq and reason, code 1, and no repair."""
    with house.opened() as store:
        for number in range(3):
            append(store, draft(f"k{number}"))
    house.change("DELETE FROM entry WHERE seq = 1")
    with house.process() as proofd:
        code, errors = proofd.end()
    assert (code, proofd.url) == (1, "")
    assert errors.count("\n") == 1
    assert "first bad seq 1: missing: " in errors
    assert house.rows("SELECT seq FROM entry ORDER BY seq") == [(0,), (2,)]
