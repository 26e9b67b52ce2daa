"""Every store behind the routes: what a caller sends never freezes it, and what is damaged is told as that."""

# ruff: noqa: S608 - the statements are made of literals of this file

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import httpx
import pytest
from prometheus_client import CollectorRegistry

from proof.http.service import create_app
from proof.ledger import Ledger
from tests.proof.contract.houses import House
from tests.proof.samples import append, draft
from tests.proof.serving import AUTH, TOKEN, assert_problem


@contextlib.asynccontextmanager
async def asked(ledger: Ledger) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of the routes over an open ledger."""
    app = create_app(ledger, (TOKEN,), CollectorRegistry())
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://proofd", headers=AUTH) as client:
        yield client


@pytest.mark.parametrize("prefix", ["%00", "a%00", "%0A", "%7F", "a" * 600], ids=range(5))
async def test_a_prefix_that_no_key_has_is_refused(house: House, prefix: str) -> None:
    """One that a database cannot even compare with, such as one with a NUL, says nothing about the ledger."""
    with house.signed() as ledger:
        append(ledger.store, draft("a"))
        async with asked(ledger) as client:
            assert_problem(await client.get(f"/export/entries?prefix={prefix}"), 422)
            assert len((await client.get("/export/entries?prefix=a")).json()["entries"]) == 1
        assert ledger.store.failure is None


async def test_a_frozen_ledger_is_never_called_good(house: House) -> None:
    """An older copy holds by itself, but `/verify` says no, and why it is frozen."""
    with house.signed() as ledger:
        append(ledger.store, draft("a"))
    copy = house.copy()
    with house.signed() as ledger:
        append(ledger.store, draft("b"))
    house.put_back(copy)
    with house.signed() as ledger:
        async with asked(ledger) as client:
            found = (await client.post("/verify")).json()
        assert found == {"ok": False, "height": 1, "first_bad_seq": None, "reason": ledger.store.failure}
        assert "older copy" in found["reason"]


async def test_a_kept_checkpoint_that_is_no_text_freezes(house: House) -> None:
    """It is damage, not a bug: 503 with the reason, and nothing is appended any more."""
    with house.signed() as ledger:
        append(ledger.store, draft("a"))
        ledger.publisher.close()
        house.change(f"UPDATE checkpoint SET note = {house.blob(bytes([0xFF]))}")
        async with asked(ledger) as client:
            found = assert_problem(await client.get("/export/checkpoints"), 503)
        assert found["type"] == "urn:lumen:problem:broken_chain"
        assert "kept checkpoint" in str(ledger.store.failure)
