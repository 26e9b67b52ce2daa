"""Sixteen clients that append, repeat themselves, hang up and come back, while proofd is killed under them."""

from __future__ import annotations

import contextlib
import json
import random
import signal
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx

from tests.proof.serving import AUTH, TOKEN, payload, proofd_process

CLIENTS = 16
STEPS = 12
LIVES = 3


class Address:
    """Where proofd is now; clients wait here while it is nowhere."""

    def __init__(self) -> None:
        """Begin without one."""
        self._url = ""
        self._changed = threading.Condition()

    def set(self, url: str) -> None:
        """Say where it is, or that it is gone."""
        with self._changed:
            self._url = url
            self._changed.notify_all()

    def get(self) -> str:
        """Return where it is."""
        with self._changed:
            assert self._changed.wait_for(lambda: bool(self._url), 60)
            return self._url


def send_and_hang_up(url: str, body: dict[str, Any]) -> None:
    """Send an append and go away without waiting for the answer, as a client that is killed does."""
    parts = urlsplit(url)
    content = json.dumps(body).encode()
    head = f"POST /append HTTP/1.1\r\nHost: proofd\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: {len(content)}\r\n\r\n"
    with contextlib.suppress(OSError), socket.create_connection((parts.hostname, parts.port or 80), 10) as connection:
        connection.sendall(head.encode() + content)


def client(name: int, address: Address) -> dict[str, dict[str, Any]]:
    """Append until everything is acknowledged, sometimes twice, sometimes after having hung up; return the receipts."""
    chance = random.Random(name)  # noqa: S311 - a test that can be repeated
    receipts: dict[str, dict[str, Any]] = {}
    with httpx.Client(headers=AUTH, timeout=20) as http:
        for step in range(STEPS):
            idem = f"{name}/{step}"
            body = payload(idem, action={"step": step})
            if chance.random() < 0.3:
                send_and_hang_up(address.get(), body)
            for _ in range(1 + (chance.random() < 0.5)):
                receipt = _until_acknowledged(http, address, body)
                known = receipts.setdefault(idem, receipt)
                assert {**known, "duplicate": None} == {**receipt, "duplicate": None}
    return receipts


def _until_acknowledged(http: httpx.Client, address: Address, body: dict[str, Any]) -> dict[str, Any]:
    deadline = time.monotonic() + 100
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.TransportError):
            answer = http.post(address.get() + "/append", json=body)
            if answer.status_code == 200:
                receipt: dict[str, Any] = answer.json()
                return receipt
            assert answer.status_code == 503, answer.text
        time.sleep(0.01)
    raise AssertionError("no answer in time")


def test_no_gap_no_twin_no_loss(path: Path) -> None:
    """Every key is in the ledger once, at the place of its receipt, without a gap; other content under it is 409."""
    address = Address()
    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(client, name, address) for name in range(CLIENTS)]
        for life in range(1, LIVES):
            with proofd_process(path) as proofd, httpx.Client(base_url=proofd.url, timeout=30) as watcher:
                address.set(proofd.url)
                while watcher.get("/head").json()["height"] < life * CLIENTS * STEPS // LIVES:
                    time.sleep(0.005)
                address.set("")
                proofd.process.send_signal(signal.SIGKILL)
        with proofd_process(path) as proofd:
            assert proofd.url, proofd.end()
            address.set(proofd.url)
            receipts = {idem: receipt for done in running for idem, receipt in done.result(120).items()}
            with httpx.Client(base_url=proofd.url, headers=AUTH, timeout=60) as judge:
                assert judge.post("/verify").json() == {
                    "ok": True,
                    "height": CLIENTS * STEPS,
                    "first_bad_seq": None,
                    "reason": None,
                }
                entries = [judge.get(f"/entries/{seq}").json() for seq in range(CLIENTS * STEPS)]
                other = [judge.post("/append", json=payload(f"{name}/0", action=0)) for name in range(CLIENTS)]
    assert {entry["idem"]: entry["seq"] for entry in entries} == {k: v["seq"] for k, v in receipts.items()}
    assert {entry["idem"]: entry["leaf"] for entry in entries} == {k: v["leaf"] for k, v in receipts.items()}
    assert [entry["seq"] for entry in entries] == list(range(CLIENTS * STEPS))
    assert {answer.status_code for answer in other} == {409}
