"""Votes that are judged at the same moment and contradict each other."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from temporalio import activity
from temporalio.client import WorkflowHandle

from activities.planning import LocalPlanning
from lumen import names
from lumen.messages import Admission, AdmitRequest
from tests.stack.bench import PATIENCE, Bench
from tests.workflows.test_loop import marking, marks

ALICE = "alice@example.com"
SLOW = "judged last"


class OneAfterAnother(LocalPlanning):
    """Judges votes with the reason :data:`SLOW` only after another one was judged, and after that had its effect."""

    others: asyncio.Event

    @activity.defn(name="admit")
    async def admit(self, request: AdmitRequest) -> Admission:
        """Judge a vote."""
        if request.ballot.reason == SLOW:
            await self.others.wait()
            # For that effect. Where it takes longer, both are counted in one step, and the test proves less.
            await asyncio.sleep(0.5)
            return await super().admit(request)
        admission = await super().admit(request)
        self.others.set()
        return admission


@pytest.fixture
def judged_last(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the workers of the test judge :class:`OneAfterAnother`."""
    monkeypatch.setattr(OneAfterAnother, "others", asyncio.Event(), raising=False)
    monkeypatch.setattr("worker.wiring.LocalPlanning", OneAfterAnother)


async def cast(handle: WorkflowHandle[Any, Any], decision: str, reason: str = "") -> None:
    """Leave a vote of Alice's with the episode."""
    await handle.signal(names.SIGNAL_VOTE, {"decision": decision, "actor": ALICE, "reason": reason})


async def judged(bench: Bench, handle: WorkflowHandle[Any, Any]) -> dict[str, Any]:
    """Return the status once the slow vote counts, or has come to nothing because the request is over."""
    async with asyncio.timeout(PATIENCE):
        while True:
            shown = await bench.status(handle)
            if not shown["approval"] or shown["approval"]["votes"]["reject"] or shown["attempts"]:
                return shown
            await asyncio.sleep(0.02)


@pytest.mark.usefixtures("judged_last")
@pytest.mark.parametrize("on_timeout", ["reject", "approve"])
async def test_a_vote_that_is_taken_back_in_time_is_no_end(bench: Bench, out: Path, on_timeout: str) -> None:
    """Who approves and at once rejects, short of a quorum to reject: the request goes on, neither expired nor approved."""
    name = f"ChangedMind-{on_timeout}"
    approval = {"allow": [ALICE, "bob@example.com"], "approve": 1, "reject": 2, "on_timeout": on_timeout}
    bench.rulebook.add(name, approval=approval, actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert(name))
        await bench.until(handle, state="awaiting_approval")
    # Both are there when the worker comes back, so both are judged at once.
    await cast(handle, "approve")
    await cast(handle, "reject", SLOW)
    async with bench.working():
        shown = await judged(bench, handle)
        assert (shown["state"], shown["attempts"], marks(out)) == ("awaiting_approval", [], [])
        assert (await bench.vote(handle, "bob@example.com"))["status"] == "approved"
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        assert len(marks(out)) == 1
