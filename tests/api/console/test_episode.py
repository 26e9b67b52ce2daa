"""The page of one episode."""

from __future__ import annotations

from typing import Any

import pytest

from api.errors import NoWorkerError
from api.ledger_view import Line
from api.ports import Description, Running
from tests.api.console.samples import console, token_may_vote
from tests.api.fakes import ALICE_TOKEN, BOB_TOKEN, READ_TOKEN, open_description
from tests.api.pages.samples import KEY

PATH = f"/episodes/{KEY}"
RESULT = {
    "name": "grow",
    "kind": "cmd",
    "status": "failed",
    "reason": "exit code 3",
    "duration_sec": 1.25,
    "detail": {
        "exit_code": 3,
        "stdout": {"head": "first\nlast", "tail": "", "bytes": 10, "truncated": False},
        "stderr": {"head": "began", "tail": "ended", "bytes": 99999, "truncated": True},
    },
}
ATTEMPT = {
    "n": 1,
    "outcome": "failed",
    "reason": "grow: exit code 3",
    "ran": True,
    "started_at": "2026-11-22T07:58:00.000Z",
    "ended_at": "2026-11-22T07:58:02.500Z",
    "decision": {"decision": "approved", "by": "quorum", "seq": 4},
    "votes": {
        "approve": [
            {
                "actor": "bob@example.com",
                "channel": "slack",
                "rank": "slack",
                "at": "2026-11-22T07:57:00.000Z",
                "reason": "go",
            }
        ],
        "reject": [],
    },
    "results": [RESULT],
}


async def test_what_is_asked_is_shown_whole() -> None:
    """Rendered actions, digest, quorum, votes, deadline and who may vote stand above everything else."""
    here = console(change=token_may_vote)
    async with here.visited() as browser:
        page = (await browser.get(PATH)).text
    for text in (
        "/sbin/lvextend -L +10G",
        "sha256:shown",
        "1 of 2 to approve, 0 of 1 to reject",
        "bob@example.com approved",
        "looks right",
        "50 min left",
        "2026-11-22 08:50:00 UTC",
        "alice@example.com (you)",
        "bob@example.com (voted)",
        "up == 0",
        "https://runbooks.example/disk",
    ):
        assert text in page
    assert page.index('id="ask"') < page.index('id="timeline"') < page.index('id="about"') < page.index('id="proof"')


@pytest.mark.parametrize(
    ("token", "change", "why"),
    [
        (ALICE_TOKEN, token_may_vote, ""),
        (ALICE_TOKEN, lambda _: None, "stronger sign-in (link) than yours (token)"),
        (ALICE_TOKEN, lambda document: document["approval"].update(allow=["bob@example.com"]), "not among those"),
        (BOB_TOKEN, token_may_vote, "has not the scope"),
        (READ_TOKEN, token_may_vote, "has not the scope"),
    ],
)
async def test_who_may_not_vote_sees_why(token: str, change: Any, why: str) -> None:
    """There is a form for those whose vote would count, and one sentence for the others."""
    here = console(change=change)
    async with here.visited(token) as browser:
        page = (await browser.get(PATH)).text
    assert (f'action="{PATH}/vote"' in page) == (not why)
    assert why in page


async def test_an_attempt_tells_votes_decision_and_output() -> None:
    """An ended attempt has its votes, what decided it, and what its actions printed, cut where it was cut."""

    def change(document: dict[str, Any]) -> None:
        document.update(state="cooling", outcome="failed", approval=None, attempts=[ATTEMPT], proof_ref=[4, 5, 6])

    here = console(change=change)
    here.ledger.known = {
        4: Line(4, "proven", "approval_quorum_decision", "2026-11-22T07:57:30.000Z", "ab" * 32, 9),
        5: Line(5, "broken", problem="leaf: not what was signed"),
    }
    async with here.visited() as browser:
        page = (await browser.get(PATH)).text
    for text in (
        "Attempt 1: Failed",
        "took 2.5 s",
        "bob@example.com approved",
        "Decided: approved by quorum",
        "exit code 3",
    ):
        assert text in page
    for text in ("first\nlast", "began", "99999 bytes in all", "ended"):
        assert text in page
    assert "proof holds (checkpoint 9)" in page
    assert "DOES NOT HOLD: leaf: not what was signed" in page
    assert "not checked" in page
    assert here.ledger.asked == [(4, 5, 6)]


async def test_a_running_action_shows_the_end_of_its_output() -> None:
    """While an action runs, the page has what its worker last told."""

    def change(document: dict[str, Any]) -> None:
        document.update(state="executing", state_reason="grow", open=True)

    here = console(change=change)
    described = open_description(KEY, "executing")
    told = {"action": "grow", "stdout": "step 7 of 9\n", "stderr": ""}
    running = (Running("execute", "2026-11-22T07:59:00.000Z", told), Running("append", None, "noise"))
    here.stage.episodes.described[KEY] = Description(described.row, "run-1", True, {}, running)
    async with here.visited() as browser:
        page = (await browser.get(PATH)).text
        assert "Running now: grow" in page
        assert "step 7 of 9" in page
        assert "noise" not in page
        here.stage.episodes.described.clear()
        assert (await browser.get(PATH)).status_code == 200


async def test_without_a_worker_it_says_what_is_known() -> None:
    """No worker: labels and state from Temporal, and the sentence that this is all."""
    here = console()
    here.stage.episodes.documents[KEY] = NoWorkerError("no worker answers")
    here.stage.episodes.described[KEY] = open_description(KEY)
    async with here.visited() as browser:
        answer = await browser.get(PATH)
    assert answer.status_code == 200
    assert "No worker answers now" in answer.text
    assert "DiskFull" in answer.text
    assert "/vote" not in answer.text


async def test_without_temporal_it_is_a_503_page() -> None:
    """Temporal away: the page comes with 503, says that nothing is known, and the script keeps what it had."""
    here = console()
    async with here.visited() as browser:
        here.stage.episodes.down = True
        answer = await browser.get(PATH)
    assert answer.status_code == 503
    assert "Nothing is known of this episode now" in answer.text


async def test_an_unknown_episode_is_a_404_page() -> None:
    """A key that nobody knows is told on a page; so is one that cannot be a key."""
    async with console().visited() as browser:
        for path, status in (("/episodes/alertmanager-ffff", 404), ("/episodes/a%20b", 400)):
            answer = await browser.get(path)
            assert answer.status_code == status
            assert "text/html" in answer.headers["content-type"]


@pytest.mark.parametrize(
    "noise", [{}, {"plan": None, "approval": None, "labels": None, "attempts": None, "proof_ref": None}]
)
async def test_a_poor_document_is_no_error(noise: dict[str, Any]) -> None:
    """A document of another edition, with parts missing, still makes a page."""

    def change(document: dict[str, Any]) -> None:
        if not noise:
            document.clear()
        document.update(noise)

    async with console(change=change).visited() as browser:
        assert (await browser.get(PATH)).status_code in {200, 404}


async def test_temporal_is_linked_only_where_its_ui_is_known() -> None:
    """The link names namespace, workflow and run; without an address of the UI there is none."""

    def change(document: dict[str, Any]) -> None:
        document.update(workflow_id=f"alert-{KEY}", run_id="0b1c")

    here = console(change=change)
    async with here.visited() as browser:
        assert "Temporal UI" not in (await browser.get(PATH)).text
