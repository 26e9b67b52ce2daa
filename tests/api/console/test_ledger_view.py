"""Entries as the console shows them, checked against a real ledger."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest
import pytest_asyncio

from api.ledger_view import ProofdView
from tests.stack.processes import Child, free_port

TOKEN = "proofd-token"


class Tampering(httpx.AsyncBaseTransport):
    """Passes everything on and changes what comes back on one path."""

    def __init__(self, path: str, change: Callable[[dict[str, Any]], None]) -> None:
        """Begin to listen."""
        self._inner = httpx.AsyncHTTPTransport()
        self._path, self._change = path, change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass on."""
        answer = await self._inner.handle_async_request(request)
        body = await answer.aread()
        if request.url.path != self._path:
            return httpx.Response(answer.status_code, content=body)
        document = json.loads(body)
        self._change(document)
        return httpx.Response(answer.status_code, json=document)

    async def aclose(self) -> None:
        """Let go of the connections."""
        await self._inner.aclose()


@pytest_asyncio.fixture
async def ledger(start_proofd: Callable[[], tuple[Child, str]]) -> AsyncIterator[str]:
    """A ledger with five entries."""
    child, url = start_proofd()
    async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {TOKEN}"}) as http:
        for n in range(5):
            body = {"idem": f"test/{n}", "kind": "command", "parts": {"command": {"n": n, "who": "alice"}}}
            (await http.post(f"{url}/append", json=body)).raise_for_status()
    yield url
    child.kill()


async def test_entries_of_a_sound_ledger_are_proven(ledger: str) -> None:
    """Each entry is where and what it should be under the signed checkpoint, and the ledger is well."""
    async with httpx.AsyncClient(trust_env=False) as http:
        view = ProofdView(http, ledger, TOKEN)
        lines = await view.lines([1, 4], 10)
        assert [(line.seq, line.state, line.kind) for line in lines] == [
            (1, "proven", "command"),
            (4, "proven", "command"),
        ]
        assert all(line.size >= 5 and len(line.leaf) == 64 and line.at for line in lines)
        health = await view.health()
    assert (health.reachable, health.ok) == (True, True)
    assert health.height >= 5
    assert health.checkpoint_age is not None


async def test_an_entry_that_is_not_there_does_not_hold(ledger: str) -> None:
    """An episode that names an entry which the ledger has not is told so."""
    async with httpx.AsyncClient(trust_env=False) as http:
        [line] = await ProofdView(http, ledger, TOKEN).lines([10_000], 10)
    assert (line.state, "holds no entry" in line.problem) == ("broken", True)


def _other_part(document: dict[str, Any]) -> None:
    part = next(part for entry in document["entries"] for part in entry["parts"])
    part["data"] = "e30="


def _other_leaf(document: dict[str, Any]) -> None:
    document["entries"][0]["leaf"] = "ab" * 32


def _other_place(document: dict[str, Any]) -> None:
    document["entries"][0]["seq"] += 1


def _other_proof(document: dict[str, Any]) -> None:
    document["proof"][0] = "00" * 32


def _other_signature(document: dict[str, Any]) -> None:
    head, _, tail = document["checkpoint"].rpartition(" ")
    document["checkpoint"] = head + " " + ("A" if tail[10] != "A" else "B").join((tail[:10], tail[11:]))


@pytest.mark.parametrize(
    ("path", "change"),
    [
        ("/export/entries", _other_part),
        ("/export/entries", _other_leaf),
        ("/export/entries", _other_place),
        ("/proof/inclusion", _other_proof),
        ("/export/head", _other_signature),
    ],
)
async def test_a_ledger_that_lies_is_found_out(
    ledger: str, path: str, change: Callable[[dict[str, Any]], None]
) -> None:
    """Other content, another leaf, another entry, a false proof, a false signature: none of them is shown as proven."""
    async with httpx.AsyncClient(transport=Tampering(path, change)) as http:
        [line] = await ProofdView(http, ledger, TOKEN).lines([2], 10)
    assert line.state == "broken"
    assert line.problem


async def test_a_silent_ledger_is_not_a_broken_one(ledger: str) -> None:
    """Nobody there, a wrong token, no sense in the answer: unchecked, and never an error of the page."""
    async with httpx.AsyncClient(trust_env=False) as http:
        gone = ProofdView(http, f"http://127.0.0.1:{free_port()}", TOKEN)
        assert [line.state for line in await gone.lines([1, 2], 5)] == ["unchecked", "unchecked"]
        assert (await gone.health()).reachable is False
        stranger = ProofdView(http, ledger, "another token")
        assert [line.state for line in await stranger.lines([1], 5)] == ["unchecked"]
    async with httpx.AsyncClient(transport=Tampering("/export/entries", dict.clear)) as http:
        assert [line.state for line in await ProofdView(http, ledger, TOKEN).lines([1], 5)] == ["unchecked"]


async def test_a_check_is_kept_for_a_minute(ledger: str) -> None:
    """What was checked is not checked again by everybody who looks, and is once it is a minute old."""
    asked: list[str] = []

    async def note(request: httpx.Request) -> None:
        asked.append(request.url.path)

    time = 0.0
    async with httpx.AsyncClient(trust_env=False, event_hooks={"request": [note]}) as http:
        view = ProofdView(http, ledger, TOKEN, lambda: time)
        for time, expected in ((0.0, 3), (59.0, 3), (61.0, 6)):  # noqa: B007  # the clock reads it
            await view.lines([1], 10)
            assert len(asked) == expected
