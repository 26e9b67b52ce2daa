"""Episodes with filters and pages; guards and the switch."""

from __future__ import annotations

import pytest

from api.guards import Found
from api.ports import Filters, Page
from rules.model import Policy, RuleSet
from tests.api.console.samples import console, row
from tests.api.fakes import ALICE_TOKEN, BOB_TOKEN


async def test_filters_go_to_temporal_and_stay_in_the_form() -> None:
    """State, outcome and rule are passed on, shown as chosen, and kept when one goes to the next page."""
    here = console()
    here.stage.episodes.pages = {b"": Page([row(state="cooling", outcome="failed")], b"second"), b"second": Page([])}
    async with here.visited() as browser:
        query = {"state": "cooling", "outcome": "failed", "rule": "disk 'full'"}
        page = (await browser.get("/episodes", params=query)).text
        assert here.stage.episodes.asked[-1] == (Filters("cooling", "failed", "disk 'full'"), 50, b"")
        assert '<option value="cooling" selected>' in page
        assert "Cooling down" in page
        older = (
            page.split('rel="next"', maxsplit=1)[0]
            .rsplit('href="', 1)[1]
            .split('"', maxsplit=1)[0]
            .replace("&amp;", "&")
        )
        second = await browser.get(older)
        assert here.stage.episodes.asked[-1] == (Filters("cooling", "failed", "disk 'full'"), 50, b"second")
        assert "No episode is like this." in second.text
        assert "Newest episodes" in second.text


@pytest.mark.parametrize("query", ["state=asleep", "outcome=great", "after=forged", "rule=" + "x" * 1001])
async def test_a_bad_filter_is_a_page_with_400(query: str) -> None:
    """What cannot be asked is told on a page, never in JSON and never with 500."""
    async with console().visited() as browser:
        answer = await browser.get(f"/episodes?{query}")
    assert answer.status_code == 400
    assert answer.headers["content-type"].startswith("text/html")


async def test_a_run_that_was_cut_short_has_no_state_any_more() -> None:
    """An episode that was terminated in Temporal is not shown as waiting."""
    here = console()
    here.stage.episodes.pages = {
        b"": Page([row(status="terminated"), row("k-2", state="nonsense", outcome="nonsense")])
    }
    async with here.visited() as browser:
        page = (await browser.get("/episodes")).text
        home = (await browser.get("/")).text
    assert "Cut short in Temporal" in page
    assert "Nothing waits for you." not in home
    assert home.count('data-key="alertmanager-0aa043e5d176c819"') == 1


async def test_guards_show_who_holds_waits_and_cools() -> None:
    """A guard names its holder with a link, who waits, and until when which rule cools."""
    here = console()
    here.guards.found = Found(
        [
            {
                "id": "target-db-1",
                "places": [{"holder": "alert-k-1/run/1", "rule": "r1", "lease_until": "2026-11-22T09:31:00.000Z"}],
                "waiting": [{"holder": "alert-k-2/run/1", "rule": "r2"}],
                "cooling": {"r3": "2026-11-22T08:10:00.000Z"},
            },
            {"id": "budget-r9", "stale": True},
        ],
        [{"kind": "episode", "id": "k-5", "rule": "r5", "until": None, "target": None}],
    )
    async with here.visited() as browser:
        page = (await browser.get("/guards")).text
    for text in (
        "target db-1",
        "/episodes/k-1",
        "/episodes/k-2",
        "r3",
        "in 10 min",
        "budget of rule r9",
        "no worker answers",
    ):
        assert text in page
    assert page.count('action="/guards/clear"') == 3
    assert 'action="/freeze"' in page


async def test_who_may_not_override_sees_why_and_no_form() -> None:
    """Without the scope there is no form to clear or freeze, but the reason for that."""
    here = console()
    here.guards.found = Found([{"id": "target-db-1", "cooling": {"r": "2026-11-22T08:10:00.000Z"}}])
    async with here.visited(BOB_TOKEN) as browser:
        page = (await browser.get("/guards")).text
    assert "/guards/clear" not in page
    assert 'action="/freeze"' not in page
    assert "override" in page


async def test_without_temporal_guards_are_not_known() -> None:
    """Nothing held and nothing known are not the same sentence."""
    here = console()
    async with here.visited() as browser:
        assert "Nothing is held, waits or cools." in (await browser.get("/guards")).text
    here.guards.down = True
    async with here.visited(ALICE_TOKEN) as browser:
        page = (await browser.get("/guards")).text
    assert "Temporal does not answer" in page
    assert "Nothing is held" not in page


async def test_the_rules_in_force_are_offered() -> None:
    """The filter suggests the names of rules."""
    here = console()
    assert RuleSet((), Policy(), "x").rules == ()
    async with here.visited() as browser:
        assert '<datalist id="rules">' in (await browser.get("/episodes")).text
