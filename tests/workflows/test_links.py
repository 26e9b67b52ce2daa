"""Votes by link: each link once, a refusal gives it back, and a vote without a name only where the rule takes it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle, WorkflowUpdateFailedError

from lumen import names
from lumen.ballot import Ballot, sign
from lumen.links import ANONYMOUS
from lumen.records import rfc3339
from tests.stack.bench import Bench
from tests.workflows.test_loop import marking, marks
from tests.workflows.test_votes import reason_of

ALICE, BOB = "alice@example.com", "bob@example.com"


class Links:
    """Votes by link on the one episode of a test, signed as the API signs them."""

    def __init__(self, bench: Bench, handle: WorkflowHandle[Any, Any], approval_id: str = "") -> None:
        self.bench, self.handle, self.approval_id = bench, handle, approval_id

    def ballot(self, actor: str, jti: str, vote_id: str, decision: str = "approve", **more: str) -> Ballot:
        """Return a signed vote with the link ``jti``."""
        at = rfc3339(self.bench.clock)
        ballot = Ballot(decision, actor, id=vote_id, approval_id=self.approval_id, jti=jti, at=at)
        ballot = replace(ballot, channel="link", rank="link")
        return sign(replace(ballot, **more), self.handle.id, self.bench.settings.bridge_keys)

    async def send(self, ballot: Ballot) -> Any:
        """Cast it."""
        return await self.handle.execute_update(names.UPDATE_VOTE, asdict(ballot))

    async def vote(self, actor: str, jti: str, vote_id: str, decision: str = "approve", **more: str) -> Any:
        """Cast a vote with the link ``jti`` and return the tally."""
        return await self.send(self.ballot(actor, jti, vote_id, decision, **more))

    async def refusal(
        self, actor: str, jti: str, vote_id: str, decision: str = "approve", **more: str
    ) -> tuple[str, str]:
        """Return reason and text of the refusal of such a vote."""
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await self.vote(actor, jti, vote_id, decision, **more)
        return str(reason_of(refused.value)), str(refused.value.cause)


async def asking(bench: Bench, name: str, out: Path, **approval: Any) -> Links:
    """Return the links of an episode that asks."""
    bench.rulebook.add(name, approval=approval, actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    handle = await bench.send(bench.alert(name))
    asked = await bench.until(handle, state="awaiting_approval")
    return Links(bench, handle, asked["approval"]["id"])


async def test_a_link_votes_once(bench: Bench, out: Path) -> None:
    """The second vote with the same link is refused by these words, whoever gives it and whatever it says."""
    async with bench.working():
        links = await asking(bench, "LinkOnce", out, approve=2, reject=2)
        assert (await links.vote(ALICE, "j1", "v1"))["status"] == "pending"
        assert await links.refusal(ALICE, "j1", "v2", "reject") == ("used", "used: Link already used")
        assert await links.refusal(BOB, "j1", "v3") == ("used", "used: Link already used")
        assert (await links.vote(BOB, "j2", "v4"))["status"] == "approved"
        assert (await bench.until_attempts(links.handle, 1))["outcome"] == "remediated"


async def test_the_same_vote_delivered_again_is_the_same_vote(bench: Bench, out: Path) -> None:
    """A repetition of one request is answered like the first; after a change of mind it changes nothing."""
    async with bench.working():
        links = await asking(bench, "LinkAgain", out, approve=2, reject=2)
        first = await links.vote(ALICE, "j1", "v1")
        assert await links.vote(ALICE, "j1", "v1") == first
        bench.clock = bench.clock.replace(year=bench.clock.year - 1)  # an old vote, as the clock of the sender has it
        changed = await links.vote(
            ALICE, "j2", "v2", "reject", at=rfc3339(bench.clock.replace(year=bench.clock.year + 1))
        )
        assert [len(changed["votes"][side]) for side in ("approve", "reject")] == [0, 1]
        again = await links.send(links.ballot(ALICE, "j1", "v1"))
        assert [len(again["votes"][side]) for side in ("approve", "reject")] == [0, 1]


async def test_of_two_votes_with_one_link_at_once_one_counts(bench: Bench, out: Path) -> None:
    """Ten votes with one link in the same moment: one is counted, nine find the link used, one action runs."""
    async with bench.working():
        links = await asking(
            bench, "LinkRace", out, approve=2, reject=9, allow=[f"p{n}@example.com" for n in range(10)]
        )
        ballots = [links.ballot(f"p{n}@example.com", "j1", f"v{n}") for n in range(10)]
        ended = await asyncio.gather(*(links.send(ballot) for ballot in ballots), return_exceptions=True)
        refused = [error for error in ended if isinstance(error, WorkflowUpdateFailedError)]
        assert [reason_of(error) for error in refused] == ["used"] * 9
        shown = await bench.status(links.handle)
        assert len(shown["approval"]["votes"]["approve"]) == 1
        assert marks(out) == []


async def test_a_refused_vote_gives_its_link_back(bench: Bench, out: Path) -> None:
    """Somebody who may not vote uses up nothing; the person whom the link is for still votes with it."""
    async with bench.working():
        links = await asking(bench, "LinkBack", out)
        assert (await links.refusal("mallory@example.com", "j1", "v1"))[0] == "not_allowed"
        with pytest.raises(WorkflowUpdateFailedError) as forged:
            await links.send(replace(links.ballot(ALICE, "j1", "v2"), auth="k1:00"))
        assert reason_of(forged.value) == "forged"
        assert (await links.vote(ALICE, "j1", "v3"))["status"] == "approved"


async def test_refused_votes_leave_nothing_behind(bench: Bench, out: Path) -> None:
    """However often somebody votes who may not, the history does not grow: it has an end, and the episode with it."""
    async with bench.working():
        links = await asking(bench, "LinkFlood", out, min_rank="link")
        before = (await links.handle.describe()).history_length
        for number in range(20):
            actor, channel = [("mallory@example.com", "link"), (ANONYMOUS, "link"), (ALICE, "token")][number % 3]
            reason, _ = await links.refusal(actor, f"j{number}", f"v{number}", channel=channel, rank=channel)
            assert reason == ("rank_too_low" if actor == ALICE else "not_allowed")
        assert (await links.handle.describe()).history_length == before
        assert (await links.vote(ALICE, "j1", "w"))["status"] == "approved"


async def test_what_is_typed_without_a_signature_uses_up_no_link(bench: Bench, out: Path) -> None:
    """Whoever can signal an episode cannot spoil the links of others."""
    async with bench.working():
        links = await asking(bench, "LinkTyped", out, approve=2)
        typed = {"decision": "approve", "actor": BOB, "channel": "link", "jti": "j1", "id": "x"}
        await links.handle.execute_update(names.UPDATE_VOTE, typed)
        assert (await links.vote(ALICE, "j1", "v1"))["status"] == "approved"


async def test_closed_comes_before_used(bench: Bench, out: Path) -> None:
    """A link that was used for a request that is over is told that it is over."""
    async with bench.working():
        links = await asking(bench, "LinkClosed", out)
        await links.vote(ALICE, "j1", "v1")
        await bench.until_attempts(links.handle, 1)
        assert (await links.refusal(ALICE, "j1", "v2"))[0] == "closed"


async def test_anonymous_votes_together_are_one(bench: Bench, out: Path) -> None:
    """Two links without a name are one voter, who may change their mind; a named person makes the second."""
    async with bench.working():
        links = await asking(bench, "LinkNameless", out, anonymous=True, approve=2, reject=2)
        assert (await links.vote(ANONYMOUS, "j1", "v1"))["status"] == "pending"
        bench.clock = bench.clock.replace(microsecond=(bench.clock.microsecond + 1000) % 1_000_000)
        both = await links.vote(ANONYMOUS, "j2", "v2")
        assert [vote["actor"] for vote in both["votes"]["approve"]] == [ANONYMOUS]
        assert (await links.vote(ALICE, "j3", "v3"))["status"] == "approved"
        assert (await bench.until_attempts(links.handle, 1))["outcome"] == "remediated"


@pytest.mark.parametrize(
    ("name", "anonymous", "fields"),
    [
        ("LinkNamelessOff", False, {}),
        ("LinkNamelessSlack", True, {"channel": "slack", "rank": "slack"}),
        ("LinkNamelessToken", True, {"channel": "token", "rank": "token"}),
        ("LinkNamelessConsole", True, {"channel": "console"}),
    ],
)
async def test_the_word_alone_is_nobody(
    bench: Bench, out: Path, name: str, anonymous: bool, fields: dict[str, str]
) -> None:
    """``anonymous`` counts from a link of a rule that takes such votes, and is refused from everywhere else."""
    async with bench.working():
        links = await asking(bench, name, out, anonymous=anonymous)
        assert (await links.refusal(ANONYMOUS, "j1", "v1", **fields))[0] == "not_allowed"
        with pytest.raises(WorkflowUpdateFailedError) as typed:
            await bench.vote(links.handle, "Anonymous", channel="link")
        assert reason_of(typed.value) == "not_allowed"


async def test_an_override_needs_a_name(bench: Bench, out: Path) -> None:
    """An override by ``anonymous`` has no effect and leaves no entry."""
    async with bench.working():
        links = await asking(bench, "LinkNamelessOverride", out, anonymous=True)
        payload = {"decision": "approve", "actor": "anonymous", "reason": "because"}
        await links.handle.signal(names.SIGNAL_OVERRIDE, payload)
        await bench.override(links.handle, "reject")
        assert (await bench.until_attempts(links.handle, 1))["outcome"] == "rejected"
        [entry] = await bench.entries_of(links.handle, "override")
        assert entry["parts"]["override"]["decision"] == "reject"


async def test_a_critical_alert_takes_no_anonymous_vote(bench: Bench, out: Path) -> None:
    """Not even where its rule says so for other severities."""
    rule = {"anonymous": True, "approve": 1}
    bench.rulebook.add("LinkCritical", approval=rule, actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("LinkCritical", severity="Critical"))
        await bench.until(handle, state="awaiting_approval")
        assert (await Links(bench, handle).refusal(ANONYMOUS, "j1", "v1"))[0] == "not_allowed"
