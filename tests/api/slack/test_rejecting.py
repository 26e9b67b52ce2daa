"""Rejecting: a form asks for the reason, and the vote is cast when it is sent."""

from __future__ import annotations

import json
from datetime import datetime

from api.errors import UnreachableError
from api.slack.payload import moment_of
from cli.fakeslack import View
from lumen.errors import BallotError
from tests.api.slack.office import APPROVAL, DIGEST, KEY, TALLY, Office


async def form_of(office: Office) -> View:
    """Press Reject and return the form."""
    assert (await office.click("lumen.reject")).ok
    [view] = office.slack.views(office.alice)
    return view


async def test_the_form_comes_first(office: Office) -> None:
    """Pressing Reject opens the form before anything is asked about the person, and casts no vote."""
    view = await form_of(office)
    methods = [call.method for call in office.slack.calls()]
    assert "users.info" not in methods
    kept = json.loads(view.body["private_metadata"])
    assert (kept["k"], kept["a"], kept["d"]) == (KEY, APPROVAL, DIGEST)
    assert office.box.ballots == []
    assert office.slack.violations == []
    assert office.count("asked") == 1


async def test_reject(office: Office) -> None:
    """Sending the form is a vote with its reason; the form closes and the clicker is told."""
    office.box.tally = {**TALLY, "decision": "reject", "status": "rejected", "votes": {"approve": [], "reject": [{}]}}
    view = await form_of(office)
    assert (await office.slack.submit(view, {"reason": "  <b>not now</b> "})).ok
    [ballot] = office.box.ballots
    assert (ballot.decision, ballot.reason, ballot.actor) == ("reject", "<b>not now</b>", "alice@example.com")
    assert ballot.id == f"slack:{APPROVAL}:{office.alice.id}:{view.id}"
    assert not view.open
    assert "Your rejection is recorded. That decides it: rejected (1 of 1)." in (await office.told())[0]
    assert office.slack.violations == []


async def test_an_empty_reason(office: Office) -> None:
    """A reason of spaces keeps the form open and says what is wanted."""
    view = await form_of(office)
    assert (await office.slack.submit(view, {"reason": "  \n "})).ok
    assert view.open
    assert "needed" in view.errors["reason"]
    assert office.box.ballots == []


async def test_refused_in_the_form(office: Office) -> None:
    """A vote that is refused keeps the form open and says why beside the reason; sent again, it is the same vote."""
    view = await form_of(office)
    office.box.tally = BallotError("not_allowed", "no")
    await office.slack.submit(view, {"reason": "no"})
    assert "NOT recorded" in view.errors["reason"]
    office.box.tally = TALLY
    await office.slack.submit(view, {"reason": "no"})
    assert not view.open
    assert len(office.box.ballots) == 1


async def test_slow_temporal(office: Office) -> None:
    """A vote of which nobody can tell yet closes the form, and the clicker is told twice."""
    view = await form_of(office)
    office.box.tally = UnreachableError("Temporal did not answer in time")
    assert (await office.slack.submit(view, {"reason": "no"})).ok
    assert not view.open
    assert "cannot tell yet" in (await office.told())[0]
    office.box.tally = TALLY
    assert len(await office.told(2)) == 2


async def test_time_of_a_form(office: Office) -> None:
    """A form's vote is as old as what Slack signed, but not older than its button, and the same in a replay."""
    approved = await office.click()
    view = await form_of(office)
    sent = await office.slack.submit(view, {"reason": "changed my mind"})
    await office.slack.replay(sent)
    first, second, replayed = office.box.ballots
    assert first.id.endswith(approved.payload["actions"][0]["action_ts"])
    assert datetime.fromisoformat(first.at) < datetime.fromisoformat(second.at)
    assert (second.at, second.id) == (replayed.at, replayed.id)


async def test_an_expired_trigger(office: Office) -> None:
    """Where Slack opens no form any more, the clicker is told to press again."""
    payload = await office.payload("lumen.reject")
    for trigger in office.slack.state.triggers.values():
        object.__setattr__(trigger, "at", trigger.at - 60)
    assert (await office.post(payload)).status_code == 200
    assert "too late for Slack" in (await office.told())[0]
    assert office.count("invalid") == 1


async def test_no_form(office: Office) -> None:
    """Where Slack is too slow to open a form, the press is answered in time and the clicker is told."""
    await office.desk.home.find()
    office.slack.slow(5, "views.open")
    assert (await office.click("lumen.reject")).ok
    assert "Press Reject again" in (await office.told())[0]
    assert office.count("slack_unreachable") == 1


async def test_a_form_of_another(office: Office) -> None:
    """A form that is not ours is closed and nothing else happens."""
    view = await form_of(office)
    view.body["callback_id"] = "of.another.time"
    assert (await office.slack.submit(view, {"reason": "no"})).ok
    assert office.box.ballots == []


def test_moments() -> None:
    """Slack's time stamps are read to the microsecond."""
    assert moment_of("1763801000.000001").isoformat() == "2025-11-22T08:43:20.000001+00:00"
