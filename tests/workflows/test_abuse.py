"""What somebody tries who may ask, vote, or signal Temporal: votes sent again, votes without end, a second request."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from lumen import names
from lumen.alert import Alert
from lumen.ballot import Ballot, sign
from lumen.records import rfc3339
from tests.stack.bench import Bench
from tests.workflows.test_loop import marking, marks
from tests.workflows.test_votes import reason_of
from workflows.approval import VOTES_OF_ONE

ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"


def asked_by(bench: Bench, name: str, person: str) -> Alert:
    """Return a request of ``person`` for the rule ``name``, severity critical, as the API makes it."""
    alert = bench.alert(name, severity="critical")
    return replace(alert, source="request", labels={**alert.labels, "requested_by": person})


async def refusal(bench: Bench, handle: WorkflowHandle[Any, Any], actor: str) -> str:
    """Return the reason and the text with which the vote of ``actor`` is refused."""
    with pytest.raises(WorkflowUpdateFailedError) as refused:
        await bench.vote(handle, actor)
    return f"{reason_of(refused.value)}: {refused.value.cause}"


async def test_a_second_request_frees_nobody(bench: Bench, out: Path) -> None:
    """Whoever asked first stays barred when somebody else asks for the same: in the open question and in later ones."""
    bench.rulebook.add("AbuseAskTwice", actions=[{"name": "mark", "cmd": marking(out)}], approval={"approve": 1})
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(asked_by(bench, "AbuseAskTwice", ALICE))
        first = await bench.until(handle, state="awaiting_approval")
        await bench.send(asked_by(bench, "AbuseAskTwice", BOB))
        await bench.until(handle, repeats=1)
        assert "not_allowed: not_allowed: alice@example.com asked for this" in await refusal(bench, handle, ALICE)
        assert "plan_changed" in await refusal(bench, handle, BOB)
        second = await bench.until(handle, state="awaiting_approval")
        assert second["approval"]["id"] != first["approval"]["id"]
        assert second["approval"]["allow"] == [CAROL]
        assert "alice@example.com asked for this" in await refusal(bench, handle, ALICE)
        assert "bob@example.com asked for this" in await refusal(bench, handle, BOB)
        assert marks(out) == []
        assert (await bench.vote(handle, CAROL))["status"] == "approved"
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"


async def test_a_vote_of_before_does_not_count_for_a_later_request(bench: Bench, out: Path) -> None:
    """A signed vote that names no request, caught and sent again when the episode asks anew, counts for nothing there.

    One that was cast after the request was asked counts: the API sends such a vote when no worker answers it.
    """
    bench.rulebook.add("AbuseReplay", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("AbuseReplay"))
        first = await bench.until(handle, state="awaiting_approval")
        asked_at = datetime.fromisoformat(first["approval"]["asked_at"])
        caught = _signed(bench, handle, ALICE, asked_at + timedelta(seconds=1))
        await bench.override(handle, "cancel")
        await bench.until_attempts(handle, 1)
        await bench.pass_time(handle, seconds=30)
        await bench.override(handle, "retry")
        second = await bench.until(handle, state="awaiting_approval")
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await handle.execute_update(names.UPDATE_VOTE, asdict(caught))
        assert (reason_of(refused.value), "cast before the episode asked" in str(refused.value.cause)) == (
            "closed",
            True,
        )
        await handle.signal(names.SIGNAL_VOTE, asdict(caught))
        asked_again = datetime.fromisoformat(second["approval"]["asked_at"])
        assert (await bench.until(handle, state="awaiting_approval"))["approval"]["votes"]["approve"] == []
        assert marks(out) == []
        await handle.signal(names.SIGNAL_VOTE, asdict(_signed(bench, handle, BOB, asked_again)))
        done = await bench.until_attempts(handle, 2)
        assert [vote["actor"] for vote in done["attempts"][-1]["votes"]["approve"]] == [BOB]
    assert len(marks(out)) == 1


async def test_one_person_cannot_fill_a_history(bench: Bench, out: Path) -> None:
    """A person changes their vote so often on one request and no more; the last one stands, and others vote on."""
    bench.rulebook.add(
        "AbuseFlood", actions=[{"name": "mark", "cmd": marking(out)}], approval={"approve": 2, "reject": 2}
    )
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("AbuseFlood"))
        await bench.until(handle, state="awaiting_approval")
        for number in range(VOTES_OF_ONE):
            await bench.vote(handle, ALICE, ("approve", "reject")[number % 2], id=f"v{number}")
        length = (await handle.describe()).history_length
        for _ in range(5):
            assert "too_many: too_many: alice@example.com has voted 20 times" in await refusal(bench, handle, ALICE)
        assert (await handle.describe()).history_length <= length + 4, "a refused vote takes no room in the history"
        votes = (await bench.status(handle))["approval"]["votes"]
        assert ([vote["actor"] for vote in votes["reject"]], votes["approve"]) == ([ALICE], [])
        await handle.signal(names.SIGNAL_VOTE, {"decision": "approve", "actor": ALICE, "id": "by-signal"})
        assert (await bench.vote(handle, BOB))["votes"]["reject"][0]["actor"] == ALICE
        assert (await bench.vote(handle, CAROL))["status"] == "approved"


async def test_a_forger_uses_up_nobodys_votes(bench: Bench, out: Path) -> None:
    """Votes in the name of somebody whose signature does not hold do not count towards that person's bound."""
    bench.rulebook.add("AbuseForger", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("AbuseForger"))
        await bench.until(handle, state="awaiting_approval")
        for number in range(VOTES_OF_ONE + 1):
            forged = {"decision": "approve", "actor": ALICE, "id": f"f{number}", "auth": "k1:00", "rank": "oidc"}
            with pytest.raises(WorkflowUpdateFailedError) as refused:
                await handle.execute_update(names.UPDATE_VOTE, forged)
            assert reason_of(refused.value) == "forged"
        assert marks(out) == []
        assert (await bench.vote(handle, ALICE))["status"] == "approved"


def _signed(bench: Bench, handle: WorkflowHandle[Any, Any], actor: str, at: datetime) -> Ballot:
    """Return a vote as the API signs it when no worker tells it what is asked."""
    ballot = Ballot("approve", actor, id=f"vote-{actor}-{at}", channel="token", rank="token", at=rfc3339(at))
    return sign(ballot, handle.id, bench.settings.bridge_keys)
