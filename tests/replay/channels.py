"""Episodes that people are told of while they wait: escalated, reminded, voted on without a name, shown; as in ``outcomes``."""

from __future__ import annotations

from dataclasses import asdict, replace

from lumen import names
from lumen.ballot import Ballot, sign
from lumen.links import ANONYMOUS
from lumen.records import rfc3339
from lumen.showing import Note
from tests.replay.stage import ALICE, BOB, FALSE, Handle, Stage

LEAD = "lead@example.com"


async def escalated(stage: Stage) -> dict[str, Handle]:
    """Nobody decides: a list, another list and a channel, then the deadline, which asks everybody once more."""
    levels = [{"after": "20m", "allow": [LEAD], "channel": "#leads"}, {"after": "40m", "allow": [BOB]}]
    stage.rule(approval={"allow": [ALICE], "escalate": levels, "on_timeout": "escalate"})
    alert, handle = await stage.asking()
    await stage.bench.pass_time(handle, minutes=61)
    await stage.receiver.until(2)
    await stage.bench.vote(handle, LEAD)
    await stage.ended(handle, "remediated")
    return {"escalated": await stage.close(alert, handle)}


async def reminded(stage: Stage) -> dict[str, Handle]:
    """People are reminded twice, and vote after a third of the reminders that could have come."""
    stage.rule(approval={"remind": "10m"})
    alert, handle = await stage.asking()
    await stage.bench.pass_time(handle, minutes=25)
    await stage.follower.until(Note.REMINDER, 2)
    await stage.bench.vote(handle, ALICE)
    await stage.ended(handle, "remediated")
    return {"reminded": await stage.close(alert, handle)}


async def anonymous(stage: Stage) -> dict[str, Handle]:
    """Two links without a name are one vote, one of them is used twice, and a named person completes the quorum."""
    stage.rule(approval={"anonymous": True, "approve": 2})
    alert, handle = await stage.asking()
    ballots = [_by_link(stage, vote_id, jti) for vote_id, jti in (("first", "link-1"), ("second", "link-2"))]
    for ballot in [*ballots, replace(ballots[1], id="third")]:
        signed = sign(ballot, handle.id, stage.bench.settings.bridge_keys)
        await handle.signal(names.SIGNAL_VOTE, asdict(signed))
    await stage.bench.vote(handle, ALICE)
    await stage.ended(handle, "remediated")
    return {"anonymous": await stage.close(alert, handle)}


def _by_link(stage: Stage, vote_id: str, jti: str) -> Ballot:
    at = rfc3339(stage.bench.clock)
    return Ballot("approve", ANONYMOUS, id=vote_id, jti=jti, channel="link", rank="link", at=at)


async def shown(stage: Stage) -> dict[str, Handle]:
    """A message from the question to the end: a change of mind, a failure that needs a human, an override, a second attempt."""
    stage.rule(actions=[FALSE])
    alert, handle = await stage.asking(severity="critical")
    await stage.bench.vote(handle, ALICE)
    await stage.bench.vote(handle, BOB)
    await stage.ended(handle, "failed")
    await stage.follower.until(Note.NEEDS_HUMAN)
    stage.rule()
    await stage.bench.override(handle, "retry")
    await stage.bench.until(handle, state="awaiting_approval")
    await stage.bench.override(handle, "approve")
    await stage.ended(handle, "remediated", 2)
    return {"shown": await stage.close(alert, handle)}


async def shown_late(stage: Stage) -> dict[str, Handle]:
    """Nothing can be shown for more than an hour; the episode goes on, and the message is right in the end."""
    stage.follower.down = True
    stage.rule(approval={"timeout": "2h"})
    alert, handle = await stage.asking()
    for _ in range(4):
        await stage.bench.pass_time(handle, minutes=17)
    stage.follower.down = False
    await stage.bench.vote(handle, ALICE)
    await stage.ended(handle, "remediated")
    return {"shown-late": await stage.close(alert, handle)}
