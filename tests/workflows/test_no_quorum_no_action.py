"""Nothing runs without a quorum: random rules, voters and clocks, first against the pure rules, then against the workflow."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from temporalio.client import WorkflowUpdateFailedError

from lumen.plan import Approval, Escalation
from lumen.quorum import Vote, VoteBox
from lumen.waiting import Waiting
from rules.approvals import without
from tests.lumen.samples import NOW, at
from tests.stack.bench import Bench
from tests.workflows.test_loop import marking, marks

PEOPLE = tuple(f"p{n}@example.com" for n in range(6))
SEEDS = range(6)


@dataclass(frozen=True)
class Click:
    """Somebody decides ``seconds`` after people were asked."""

    seconds: int
    actor: str
    decision: str


GROUPS = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=4, unique=True).map(lambda group: tuple(sorted(group)))
APPROVALS = st.builds(
    Approval,
    approve=st.integers(1, 4),
    reject=st.integers(1, 4),
    allow=GROUPS,
    window=st.integers(1, 5000).map(float),
    timeout=st.just(3600.0),
    escalate=st.lists(st.builds(Escalation, st.integers(1, 3599).map(float), GROUPS), max_size=3).map(
        lambda levels: tuple(sorted(levels, key=lambda level: level.after))
    ),
    on_timeout=st.sampled_from(["reject", "escalate"]),
)
CLICKS = st.lists(
    st.builds(Click, st.integers(0, 8000), st.sampled_from(PEOPLE), st.sampled_from(["approve", "reject"])), max_size=25
)


@given(APPROVALS, CLICKS, st.frozensets(st.sampled_from(PEOPLE), max_size=2))
def test_an_approval_always_has_its_people(approval: Approval, clicks: list[Click], barred: frozenset[str]) -> None:
    """Whenever it is approved, enough different people agreed within the window, all of whom might, and none was barred."""
    approval = without(approval, barred)
    waiting, box, counted = Waiting.begun(approval, NOW), VoteBox(), list[Click]()
    for click in sorted(clicks, key=lambda one: one.seconds):
        now = at(click.seconds)
        while waiting.extends and waiting.expires_at <= now:
            waiting.extend(waiting.expires_at)
        if click.actor in waiting.allow(now) and now < waiting.expires_at:
            box.cast(Vote(click.actor, click.decision, "link", "link", now))
            counted.append(click)
        if box.decision(approval).status != "pending":
            break
    tally = box.decision(approval)
    if tally.status == "approved":
        voters = {vote.actor for vote in tally.approve}
        assert len(voters) >= approval.approve
        assert not voters & barred
        assert max(vote.at for vote in tally.approve) - min(vote.at for vote in tally.approve) < timedelta(
            seconds=approval.window
        )
        for vote in tally.approve:
            levels = approval.escalate if waiting.extended else approval.escalated((vote.at - NOW).total_seconds())
            assert vote.actor in approval.allowed(levels)
            assert [one.decision for one in counted if one.actor == vote.actor][-1] == "approve"


@pytest.mark.parametrize("seed", SEEDS)
async def test_no_action_without_a_quorum(bench: Bench, out: Path, seed: int) -> None:
    """Random rule, people and times, some click twice at once: it ran once if, and only if, a quorum agreed."""
    chance = random.Random(seed)  # noqa: S311 - a test that can be repeated, no secret
    name = f"Quorum{seed}"
    first, second = chance.sample(PEOPLE, 3), chance.sample(PEOPLE, 3)
    approve = chance.randint(1, 3)
    rule = {
        "approve": approve,
        "reject": 2,
        "allow": first,
        "window": "2h",
        "escalate": [{"after": "30m", "allow": second}],
        "on_timeout": chance.choice(["reject", "escalate"]),
        "owner_label": "owner",
    }
    owner = chance.choice([*PEOPLE[:3], "nobody@example.com"])
    bench.rulebook.add(name, approval=rule, actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert(name, owner=owner))
        status = await bench.status(handle)
        while status["state"] == "planning":
            status = await bench.status(handle)
        while (await bench.status(handle))["state"] == "planning":
            await asyncio.sleep(0.02)
        accepted: dict[str, str] = {}
        for _ in range(12):
            if (await bench.status(handle))["state"] != "awaiting_approval":
                break
            actor, decision = chance.choice(PEOPLE), chance.choice(["approve", "approve", "approve", "reject"])
            answers = await asyncio.gather(
                *(bench.vote(handle, actor, decision) for _ in range(chance.randint(1, 3))), return_exceptions=True
            )
            for answer in answers:
                if isinstance(answer, dict):
                    accepted[actor] = decision
                else:
                    assert isinstance(answer, WorkflowUpdateFailedError)
            assert owner not in accepted
            if list(accepted.values()).count("approve") >= approve or list(accepted.values()).count("reject") >= 2:
                break
            await bench.pass_time(handle, minutes=chance.randint(1, 15))
        agreed = list(accepted.values()).count("approve") >= approve
        if agreed:
            await bench.until_attempts(handle, 1)
        status = await bench.status(handle)
        assert len(marks(out)) == int(agreed and (status["outcome"] == "remediated"))
        assert (status["outcome"] == "remediated") is (agreed and list(accepted.values()).count("reject") < 2)
        if status["outcome"] == "remediated":
            [entry] = await bench.entries_of(handle, "approval_quorum_decision")
            voters = {voter["actor"] for voter in entry["parts"]["approval"]["voters"]["approve"]}
            assert voters == {person for person, decision in accepted.items() if decision == "approve"}
