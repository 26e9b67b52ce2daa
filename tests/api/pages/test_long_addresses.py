"""Addresses of any length: what is answered stays short enough for every client."""

from __future__ import annotations

import pytest

from api.app import create_app
from api.pages.signin import local_path
from api.pages.visitors import LONGEST_RETURN
from tests.api.conftest import client_of
from tests.api.pages.samples import stage


@pytest.mark.parametrize("query", ["a" * 60_000, "%00" * 20_000, "&" * 20_000])
async def test_an_address_that_is_too_long_is_not_come_back_to(query: str) -> None:
    """Who has to sign in first is sent there, and an address of any length does not stand in that redirect."""
    async with client_of(create_app(stage().edge)) as browser:
        away = await browser.get(f"/episodes?{query}")
    assert (away.status_code, away.headers["location"], away.content) == (303, "/sign-in", b"")


async def test_the_longest_address_that_is_come_back_to() -> None:
    """What is left out of the redirect is exactly what the page to sign in would not lead back to."""
    longest = "/episodes?" + "a" * (LONGEST_RETURN - len("/episodes?"))
    async with client_of(create_app(stage().edge)) as browser:
        kept = await browser.get(longest)
        cut = await browser.get(longest + "a")
    assert kept.headers["location"].startswith("/sign-in?next=")
    assert cut.headers["location"] == "/sign-in"
    assert (local_path(longest), local_path(longest + "a")) == (longest, "/")
