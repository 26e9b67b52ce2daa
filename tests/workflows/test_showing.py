"""The message of an episode: what it says, when, how often, and that nothing waits for it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from lumen import names
from lumen.episode import Episode, EpisodeStart
from lumen.showing import Board, Note, Posted
from tests.stack.bench import Bench
from tests.stack.receiver import Receiver
from tests.workflows.following import Follower, followed
from tests.workflows.test_loop import marking, marks

ALICE, BOB = "alice@example.com", "bob@example.com"


def rule(bench: Bench, name: str, out: Path, **more: Any) -> None:
    """Let alerts called ``name`` have a rule that marks."""
    bench.rulebook.add(name, **{"actions": [{"name": "mark", "cmd": marking(out)}], **more})
    bench.source.reload()


async def test_an_episode_is_told_from_the_question_to_the_end(bench: Bench, out: Path) -> None:
    """Asked, two votes, the action, the outcome: each said once, in order, with ids of its own; the last message is closed."""
    rule(bench, "ShowWhole", out, approval={"channel": "#ops"})
    follower = Follower()
    async with followed(bench, follower):
        alert = bench.alert("ShowWhole", severity="critical")
        handle = await bench.send(alert)
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, ALICE, reason="looks right")
        await bench.vote(handle, BOB)
        await bench.until_attempts(handle, 1)
        await bench.resolve(alert)
        await bench.pass_time(handle, minutes=21)
        await handle.result()
    assert [str(note) for note in follower.notes()] == ["asked", "vote", "vote", "action", "ended"]
    assert follower.lines()[1].values == {
        "actor": ALICE,
        "decision": "approve",
        "channel": "signal",
        "reason": "looks right",
    }
    assert len({line.id for line in follower.lines()}) == 5
    assert not any(line.loud for line in follower.lines())
    assert follower.together == 1
    last = follower.calls[-1]
    assert (last.document["state"], last.document["outcome"]) == ("closed", "remediated")
    assert last.channels == ("#ops",)
    assert last.posted == (Posted("#ops", "C#ops", "ts-1"),)


async def test_the_message_has_what_people_decide_on(bench: Bench, out: Path) -> None:
    """Facts, rendered action, quorum, who voted and the time left stand in it; it goes to the default channel."""
    rule(bench, "ShowFace", out, runbook_url="https://runbooks.example.com/x", approval={"approve": 2})
    follower = Follower()
    async with followed(bench, follower):
        handle = await bench.send(bench.alert("ShowFace", severity="warning", instance="db-1"))
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, ALICE)
        [line] = await follower.until(Note.VOTE)
        document = follower.calls[-1].document
        status = await bench.status(handle)
    assert line.values["actor"] == ALICE
    assert follower.calls[-1].channels == ("",)
    assert (document["alert"], document["severity"], document["rule"]) == ("ShowFace", "warning", "ShowFace")
    assert document["runbook_url"] == "https://runbooks.example.com/x"
    assert document["plan"]["digest"] == status["plan"]["digest"]
    assert document["plan"]["actions"][0]["shown"] == status["plan"]["actions"][0]["shown"]
    assert document["approval"] == {**status["approval"], "allow_left_off": 0}
    assert document["labels"]["instance"] == "db-1"


async def test_an_episode_that_goes_well_by_itself_shows_nothing(bench: Bench, out: Path) -> None:
    """In ``auto`` mode nobody is asked and nobody is needed, so there is no message."""
    rule(bench, "ShowAuto", out, mode="auto")
    follower = Follower()
    async with followed(bench, follower):
        alert = bench.alert("ShowAuto")
        handle = await bench.send(alert)
        await bench.until_attempts(handle, 1)
        await bench.resolve(alert)
        await bench.pass_time(handle, minutes=21)
        await handle.result()
    assert len(marks(out)) == 1
    assert follower.tries == 0


async def test_an_automatic_failure_is_shown_and_loud(bench: Bench, receiver: Receiver) -> None:
    """The moment a human is needed there is a message, and a line that everybody in the channel sees."""
    bench.use_receiver(receiver)
    bench.rulebook.add("ShowFailed", mode="auto", actions=[{"name": "no", "cmd": ["/bin/false"]}])
    bench.source.reload()
    follower = Follower()
    async with followed(bench, follower):
        await bench.send(bench.alert("ShowFailed"))
        [line] = await follower.until(Note.NEEDS_HUMAN)
    assert (line.loud, line.values["reason"]) == (True, "failed")
    assert follower.calls[-1].document["outcome"] == "failed"


async def test_a_refused_alert_is_shown_without_a_plan(bench: Bench) -> None:
    """What could not be planned is shown in the default channel, with the reason."""
    bench.rulebook.add("ShowRefused", mode="auto", actions=[{"name": "x", "cmd": ["/bin/true", "{labels.gone}"]}])
    bench.source.reload()
    follower = Follower()
    async with followed(bench, follower):
        await bench.send(bench.alert("ShowRefused"))
        await follower.until(Note.NEEDS_HUMAN)
        shown = await follower.until_shown(outcome="refused")
    assert (shown.channels, shown.document["plan"], shown.document["rule"]) == (("",), None, None)


async def test_an_override_is_loud(bench: Bench, out: Path) -> None:
    """Who took the decision out of the hands of the voters is told to everybody in the channel."""
    rule(bench, "ShowOverride", out)
    follower = Follower()
    async with followed(bench, follower):
        handle = await bench.send(bench.alert("ShowOverride"))
        await bench.until(handle, state="awaiting_approval")
        await bench.override(handle, "approve", "the site is down")
        [line] = await follower.until(Note.OVERRIDE)
        await bench.until_attempts(handle, 1)
    assert line.loud
    assert line.values == {"actor": "oncall@example.com", "decision": "approve", "reason": "the site is down"}


async def test_ten_clicks_of_one_person_are_one_line(bench: Bench, out: Path) -> None:
    """Whoever clicks again says nothing new."""
    rule(bench, "ShowClicks", out, approval={"approve": 2, "reject": 2})
    follower = Follower()
    async with followed(bench, follower):
        handle = await bench.send(bench.alert("ShowClicks"))
        await bench.until(handle, state="awaiting_approval")
        for _ in range(10):
            await bench.vote(handle, ALICE)
        await bench.vote(handle, ALICE, "reject")
        lines = await follower.until(Note.VOTE, 2)
    assert [line.values["decision"] for line in lines] == ["approve", "reject"]


async def test_what_changes_during_a_call_is_one_call_more(bench: Bench, out: Path) -> None:
    """While a slow call is under way the episode votes, runs and cools; then one call says all of it."""
    rule(bench, "ShowSlow", out)
    follower = Follower()
    follower.hold.clear()
    async with followed(bench, follower):
        handle = await bench.send(bench.alert("ShowSlow", severity="critical"))
        await bench.until(handle, state="awaiting_approval")
        await follower.until_tried(1)
        await bench.vote(handle, ALICE)
        await bench.vote(handle, BOB)
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        assert (len(marks(out)), follower.tries) == (1, 1)
        follower.hold.set()
        shown = await follower.until_shown(outcome="remediated")
    assert len(follower.calls) == 2
    assert [str(line.note) for line in shown.lines] == ["vote", "vote", "action", "ended"]
    assert follower.together == 1


async def test_a_channel_that_is_down_for_hours_stops_nothing(bench: Bench, out: Path) -> None:
    """Nothing can be shown for two hours: people vote, the command runs; then the message is right and every line is there."""
    rule(bench, "ShowDown", out, approval={"timeout": "4h"})
    follower = Follower(down=True)
    async with followed(bench, follower):
        alert = bench.alert("ShowDown")
        handle = await bench.send(alert)
        await bench.until(handle, state="awaiting_approval")
        for _ in range(4):
            await bench.pass_time(handle, minutes=17)
        await bench.vote(handle, ALICE)
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        for _ in range(4):
            await bench.pass_time(handle, minutes=17)
        assert (len(marks(out)), follower.calls) == (1, [])
        follower.down = False
        await bench.resolve(alert)
        await bench.pass_time(handle, minutes=21)
        await handle.result()
    assert [str(note) for note in follower.notes()] == ["asked", "vote", "action", "ended"]
    assert follower.calls[-1].document["state"] == "closed"


async def test_an_alert_that_fires_while_the_last_message_hangs_is_heard(bench: Bench, out: Path) -> None:
    """An episode that only waits for its last message takes a new firing at once."""
    rule(bench, "ShowHang", out)
    follower = Follower()
    async with followed(bench, follower):
        alert = bench.alert("ShowHang")
        handle = await bench.send(alert)
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, ALICE)
        await bench.until_attempts(handle, 1)
        await follower.until_shown(state="cooling")
        follower.down = True
        await bench.resolve(alert)
        await bench.pass_time(handle, minutes=21)
        await bench.until(handle, state="closed")
        await bench.refire(alert)
        await bench.until(handle, state="awaiting_approval")
        follower.down = False
        await follower.until_shown(attempt=2, state="awaiting_approval")


async def test_a_worker_that_dies_in_the_middle_loses_no_line(bench: Bench, out: Path) -> None:
    """A call that never came back is made again by the next worker; each line is said, and the message is right."""
    rule(bench, "ShowKilled", out)
    dying, living = Follower(), Follower()
    dying.hold.clear()
    async with followed(bench, dying):
        handle = await bench.send(bench.alert("ShowKilled"))
        await bench.until(handle, state="awaiting_approval")
        await dying.until_tried(1)
    assert dying.calls == []
    async with followed(bench, living):
        await bench.vote(handle, ALICE)
        await bench.until_attempts(handle, 1)
        await bench.pass_time(handle, minutes=2)
        await living.until_shown(outcome="remediated")
    assert [str(note) for note in living.notes()] == ["asked", "vote", "action", "ended"]


async def test_a_message_outlives_a_run(bench: Bench, out: Path) -> None:
    """What was posted, said and not said yet is carried over: the next run rewrites the same message and goes on counting."""
    rule(bench, "ShowCarried", out)
    alert = bench.alert("ShowCarried")
    posted = (Posted("", "C1", "ts-of-old"),)
    unsaid = Episode(alert=alert, last_heard=bench.clock, last_firing=bench.clock)
    unsaid.board = Board(on=True, begun=True, posted=posted, channels=("",), said=7)
    follower = Follower()
    async with followed(bench, follower):
        handle: Any = await bench.client.start_workflow(
            names.ALERT_WORKFLOW,
            EpisodeStart(alert.key, carry=unsaid),
            id=names.alert_workflow_id(alert.key),
            task_queue=names.TASK_QUEUE,
        )
        await bench.until(handle, state="awaiting_approval")
        [line] = await follower.until(Note.ASKED)
    assert line.id == "8.asked"
    assert follower.calls[0].posted == posted


@pytest.mark.parametrize("text", ["x", "\N{GRINNING FACE}", "\x00", '"\\', "\ud800"])
async def test_no_message_is_larger_than_its_channel_can_carry(bench: Bench, text: str) -> None:
    """Whatever labels, annotations, commands and reasons hold, the document has at most 12 kB and its digest whole."""
    many = [{"name": f"action-{n}", "cmd": ["/bin/true", "x" * 900]} for n in range(30)]
    name = "ShowLarge"
    bench.rulebook.add(name, approval={"approve": 3, "reject": 3}, actions=many)
    bench.source.reload()
    safe = text if text != "\ud800" else "\ufffd"
    follower = Follower()
    async with followed(bench, follower):
        labels = {f"label{n}": safe * 300 for n in range(60)}
        handle = await bench.send(bench.alert(name, **labels))
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, ALICE, reason=((safe if safe != "\x00" else "-") * 1900)[:1900])
        await follower.until(Note.VOTE)
        document = follower.calls[-1].document
        status = await bench.status(handle)
    assert len(json.dumps(document)) <= 12_000
    assert document["plan"]["digest"] == status["plan"]["digest"]
    assert document["approval"]["id"] == status["approval"]["id"]
    assert document["plan"]["actions_left_off"] == 20
    assert document["labels_left_off"] + len(document["labels"]) == len(status["labels"])
