"""The routes from which an export is made: the stored bytes themselves, page by page, for those with a token."""

from __future__ import annotations

import base64
import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from proof.format.checkpoint import open_checkpoint
from proof.format.note import VerifierKey
from proof.sqlite.reader import read_entries
from proof.sqlite.schema import connect_reader
from tests.proof.samples import LOG, ORIGIN
from tests.proof.serving import assert_problem, payload, proofd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

COUNT = 60


@pytest.fixture
async def client(path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client, with token, of a proofd with 60 entries."""
    async with proofd(path) as client:
        for number in range(COUNT):
            idem = f"{'odd' if number % 2 else 'even'}/{number}"
            await client.post("/append", json=payload(idem, a={"n": number}, b=0.5))
        yield client


@pytest.fixture
async def empty(path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client, with token, of a proofd without entries."""
    async with proofd(path) as client:
        yield client


async def pages(client: httpx.AsyncClient, **query: Any) -> list[dict[str, Any]]:
    """Return all entries, asking until there are no more."""
    found: list[dict[str, Any]] = []
    first = 0
    while items := (await client.get("/export/entries", params={**query, "from": first})).json()["entries"]:
        found += items
        first = items[-1]["seq"] + 1
    return found


async def test_entries_are_served_as_they_are_stored(client: httpx.AsyncClient, path: Path) -> None:
    """Body, leaf, salts and data are the bytes of the database, in order, whatever the size of the pages."""
    with contextlib.closing(connect_reader(path)) as db:
        stored = list(read_entries(db))
    for limit in (7, 50, 1000, 99999):
        items = await pages(client, limit=limit)
        assert [item["seq"] for item in items] == list(range(COUNT))
        for item, entry in zip(items, stored, strict=True):
            assert base64.b64decode(item["body"]) == entry.body
            assert bytes.fromhex(item["leaf"]) == entry.leaf
            parts = [
                (one["name"], base64.b64decode(one["salt"]), base64.b64decode(one["data"])) for one in item["parts"]
            ]
            assert parts == [(part.name, part.salt, part.data) for part in entry.parts]


async def test_a_prefix_picks_entries(client: httpx.AsyncClient) -> None:
    """Only keys that begin with it, ascending; characters that mean something to SQL mean nothing."""
    items = await pages(client, prefix="even/", limit=13)
    assert [item["seq"] for item in items] == list(range(0, COUNT, 2))
    assert [item["seq"] for item in await pages(client, prefix="odd/1")] == [
        1,
        *range(11, 20, 2),
        *range(101, COUNT, 2),
    ]
    for prefix in ("%", "_dd/", "even/*", "zzz", "even/60"):
        assert await pages(client, prefix=prefix) == []


async def test_an_erased_part_is_null(client: httpx.AsyncClient, path: Path) -> None:
    """Neither salt nor data, but the name is there."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE part SET salt = NULL, data = NULL WHERE seq = 3 AND name = 'a'")
    item = (await pages(client))[3]
    assert item["parts"][0] == {"name": "a", "salt": None, "data": None}


async def test_large_entries_come_in_small_pages(path: Path) -> None:
    """A page ends after a few MiB, however many entries were asked for."""
    async with proofd(path) as client:
        for number in range(12):
            await client.post("/append", json=payload(f"k{number}", big="x" * 900_000))
        answer = await client.get("/export/entries", params={"limit": 1000})
        assert len(answer.json()["entries"]) == 12  # less than one slice
        assert len(await pages(client, limit=3)) == 12


async def test_the_head_and_the_kept_checkpoints_are_signed(client: httpx.AsyncClient) -> None:
    """The head covers all that was acknowledged; kept checkpoints come in order and in pages."""
    head = (await client.get("/export/head")).json()
    keys = [VerifierKey.parse(text) for text in head["vkeys"]]
    assert (head["origin"], head["log"]) == (ORIGIN, LOG)
    assert open_checkpoint(head["checkpoint"].encode(), ORIGIN, keys).tree.size == COUNT
    sizes = []
    after: dict[str, int] = {}
    while kept := (await client.get("/export/checkpoints", params={"limit": 1, **after})).json()["checkpoints"]:
        assert open_checkpoint(kept[0]["note"].encode(), ORIGIN, keys).tree.size == kept[0]["size"]
        sizes.append(kept[0]["size"])
        after = {"after": sizes[-1]}
    assert sizes == sorted(set(sizes))
    assert 0 in sizes


@pytest.mark.parametrize("route", ["/export/entries", "/export/checkpoints", "/export/head"])
async def test_a_token_is_needed(empty: httpx.AsyncClient, route: str) -> None:
    """Parts name people and salts open commitments: nobody without a token gets them."""
    async with httpx.AsyncClient(base_url=empty.base_url) as stranger:
        assert_problem(await stranger.get(route), 401)


@pytest.mark.parametrize("value", ["-1", "x", "", "1.0", "9" * 17, "\u0661"])
async def test_bad_numbers_are_bad_input(empty: httpx.AsyncClient, value: str) -> None:
    """422 and not 500, whatever stands there."""
    for route, name in (("/export/entries", "from"), ("/export/entries", "limit"), ("/export/checkpoints", "after")):
        assert_problem(await empty.get(route, params={name: value}), 422)


async def test_a_damaged_ledger_is_frozen_not_served(client: httpx.AsyncClient, path: Path) -> None:
    """Rows of another type than the layout says are no content."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("PRAGMA writable_schema=ON")
        db.execute("UPDATE sqlite_master SET sql = replace(sql, ' STRICT', '') WHERE name = 'entry'")
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER entry_stays")
        db.execute("UPDATE entry SET leaf = 'text' WHERE seq = 5")
    assert_problem(await client.get("/export/entries"), 503)
    assert_problem(await client.get("/healthz"), 503)
