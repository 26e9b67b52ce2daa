"""The first page: what waits for me, for others, what was lately, whether the ledger holds."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.ledger_view import Health
from api.pages.rows import split
from api.ports import Page
from tests.api.console.samples import console, row, waiting
from tests.api.fakes import BOB_TOKEN, READ_TOKEN


async def test_a_stranger_signs_in_first() -> None:
    """No page of the console is open; who is not signed in is led to the form and back."""
    here = console()
    async with here.stage.client() as browser:
        for path in ("/", "/episodes?state=closed", "/guards", "/episodes/alertmanager-0aa043e5d176c819"):
            answer = await browser.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"].startswith("/sign-in")


async def test_mine_comes_first_and_by_deadline() -> None:
    """What waits for the visitor stands above what waits for others, the nearest deadline first."""
    here = console()
    here.stage.episodes.pages = {
        b"": Page(
            [
                row("k-late", alert="Late"),
                row("k-soon", alert="Soon", waiting=waiting(expires_at="2026-11-22T08:05:00.000Z")),
                row("k-other", alert="Other", waiting=waiting(allow=["bob@example.com"])),
                row("k-many", alert="Many", waiting=waiting(allow=None, expires_at="2026-11-22T08:30:00.000Z")),
                row("k-old", alert="Old", waiting=None),
            ]
        )
    }
    async with here.visited() as browser:
        page = (await browser.get("/")).text
    mine, others = page[: page.index('id="others"')], page[page.index('id="others"') :]
    places = [mine.index(f"/episodes/{key}") for key in ("k-soon", "k-many", "k-late")]
    assert places == sorted(places)
    assert "5 min left" in mine
    assert "2026-11-22 08:05:00 UTC" in mine
    assert "k-other" in others
    assert "k-old" in others[: others.index('id="recent"')]


async def test_a_visitor_without_a_name_is_told() -> None:
    """Nothing can wait for somebody without a name, and the page says so."""
    here = console()
    async with here.visited(READ_TOKEN) as browser:
        page = (await browser.get("/")).text
    assert "signed in without a name" in page
    assert 'id="others"' in page


async def test_the_list_is_asked_for_once_for_all() -> None:
    """Fifty visitors within a second are one question for what waits, and no row costs another."""
    here = console()
    async with here.visited() as browser:
        await asyncio.gather(*(browser.get("/") for _ in range(50)))
    asked = [filters.state for filters, _limit, _after in here.stage.episodes.asked]
    assert asked.count("awaiting_approval") == 1


async def test_all_pages_of_what_waits_are_read_up_to_a_thousand() -> None:
    """The list goes on where Temporal cut it, and stops at a thousand."""
    here = console()
    here.stage.episodes.pages = {
        b"": Page([row(f"a-{n}") for n in range(600)], b"next"),
        b"next": Page([row(f"b-{n}", waiting=waiting(allow=["bob@example.com"])) for n in range(400)], b"more"),
    }
    async with here.visited() as browser:
        page = (await browser.get("/")).text
    assert [limit for filters, limit, _ in here.stage.episodes.asked if filters.state] == [1000, 400]
    assert '<span class="count">600</span>' in page
    assert '<span class="count">400</span>' in page
    assert "There are more than 1000" in page


@pytest.mark.parametrize(
    ("health", "said"),
    [
        (
            Health(reachable=True, ok=True, height=12, checkpoint_age=90.0, anchor_lag={"directory": 3}),
            "last verification held",
        ),
        (Health(reachable=True, ok=False, height=12), "Not verified"),
        (Health(reachable=False), "The ledger does not answer"),
    ],
)
async def test_the_ledger_is_shown_as_it_stands(health: Health, said: str) -> None:
    """Intact, not verified and silent are three different sentences."""
    here = console()
    here.ledger.stands = health
    async with here.visited() as browser:
        page = (await browser.get("/")).text
    assert said in page
    assert ("3 entries" in page) is bool(health.anchor_lag)


async def test_without_temporal_the_page_is_there_and_says_so() -> None:
    """With Temporal away the page comes, names what is not known, and keeps what is."""
    here = console()
    here.stage.episodes.down = here.switch.down = True
    async with here.visited() as browser:
        answer = await browser.get("/")
    assert answer.status_code == 200
    assert answer.text.count("Temporal does not answer") == 2
    assert "last verification held" in answer.text


async def test_a_freeze_is_on_every_page() -> None:
    """While everything is frozen, every page says by whom and why."""
    here = console()
    here.switch.stands = {"frozen": True, "actor": "bob@example.com", "reason": "migration", "since": "x"}
    async with here.visited(BOB_TOKEN) as browser:
        for path in ("/", "/episodes", "/guards", "/episodes/alertmanager-0aa043e5d176c819"):
            assert "Frozen by bob@example.com: migration" in (await browser.get(path)).text


@pytest.mark.parametrize(
    ("whom", "person", "is_mine"),
    [
        (["a@x"], "a@x", True),
        (["b@x"], "a@x", False),
        (None, "a@x", True),
        (None, "", False),
        ([], "a@x", False),
    ],
)
def test_mine_is_what_names_me_or_too_many_to_name(whom: list[str] | None, person: str, *, is_mine: bool) -> None:
    """A request is mine when I stand on its list, or when its list was too long to keep."""
    rows: list[dict[str, Any]] = [row(waiting=waiting(allow=whom))]
    assert split(rows, person) == ((rows, []) if is_mine else ([], rows))
