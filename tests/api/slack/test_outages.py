"""Temporal and Slack slow or away at the click: Slack is answered in time, and people are told exactly what is known."""

from __future__ import annotations

import pytest

from api.errors import EpisodeClosedError, NoWorkerError, UnreachableError
from api.slack.desk import Pace
from cli.fakeslack import limits
from lumen.errors import BallotError
from tests.api.slack.office import TALLY, Office


def test_the_sums() -> None:
    """Every part of an answer is shorter than the whole, and the whole leaves a second of what Slack waits for the way."""
    pace = Pace()
    assert pace.whole + 1.0 <= limits.ACK_SECONDS
    assert max(pace.person, pace.form, pace.update + pace.probe) < pace.whole
    assert pace.form + 1.0 <= limits.TRIGGER_SECONDS


async def test_temporal_is_down(office: Office) -> None:
    """With Temporal down nothing is sent, and the clicker is told for certain that nothing was recorded."""
    office.box.down = True
    assert (await office.click()).ok
    assert "NOT recorded" in (await office.told())[0]
    assert office.box.ballots == []
    assert office.count("temporal_unreachable") == 1


async def test_temporal_is_slow(office: Office) -> None:
    """With a Temporal of 3 seconds the answer says that nobody can tell yet; what became of it follows."""
    office.box.seconds = 3.0
    delivery = await office.click()
    assert delivery.ok
    assert office.count("unsure") == 1
    first, second = await office.told(2)
    assert "cannot tell yet" in first
    assert "stored safely" in second
    # However often it was sent, it is one vote: the id is the same.
    assert len({ballot.id for ballot in office.box.ballots}) == 1


async def test_tried_again_until_it_is_known(office: Office) -> None:
    """A vote that may or may not have arrived is sent again under the same id, until the episode says."""
    office.box.tally = UnreachableError("Temporal did not answer in time")
    assert (await office.click()).ok
    assert "cannot tell yet" in (await office.told())[0]
    office.box.tally = TALLY
    assert "Your approval is recorded" in (await office.told(2))[1]
    assert len({ballot.id for ballot in office.box.ballots}) == 1


async def test_refused_late(office: Office) -> None:
    """A vote that is refused after the answer is told as not recorded, later."""
    office.box.tally = UnreachableError("Temporal did not answer in time")
    await office.click()
    await office.told()
    office.box.tally = BallotError("not_allowed", "no")
    assert "NOT recorded" in (await office.told(2))[1]


@pytest.mark.parametrize("error", [EpisodeClosedError("over"), BallotError("closed", "asks anew")])
async def test_closed_meanwhile(office: Office, error: Exception) -> None:
    """Where the request closed while a vote was on its way, nobody claims to know whether it counted."""
    office.box.tally = UnreachableError("Temporal did not answer in time")
    await office.click()
    await office.told()
    office.box.tally = error
    last = (await office.told(2))[1]
    assert "was closed while" in last
    assert "NOT recorded" not in last


async def test_no_worker(office: Office) -> None:
    """Without a worker the vote is durable before the answer, and the clicker is told that it is not counted yet."""
    office.box.tally = NoWorkerError("no worker answers")
    assert (await office.click()).ok
    assert len(office.box.sent) == 1
    assert "stored safely" in (await office.told())[0]
    assert office.count("stored") == 1


async def test_a_worker_that_hangs(office: Office) -> None:
    """A worker that does not count in time does not keep the vote from being durable before the answer."""
    office.box.counting = 30.0
    assert (await office.click()).ok
    assert len(office.box.sent) == 1
    assert office.count("stored") == 1


async def test_a_bug(office: Office) -> None:
    """A failure of Lumen's own is an answer too: Slack gets its 200, and the clicker hears that something is wrong."""
    office.box.tally = ZeroDivisionError("a bug")
    assert (await office.click()).ok
    assert "could not find out" in (await office.told())[0]


async def test_answers_survive_a_busy_slack(office: Office) -> None:
    """An answer to the clicker that Slack does not take now (429, 503) is delivered later."""
    office.slack.ratelimit(2, 1, "response_url")
    assert (await office.click()).ok
    assert "recorded" in (await office.told())[0]


async def test_a_used_up_response_url(office: Office) -> None:
    """Where the response URL is used up or not Slack's, the answer takes another way."""
    payload = await office.payload()
    for url in ("http://127.0.0.1:1/elsewhere", "https://hooks.slack.com.example.com/actions/x", "", "http://[", None):
        assert (await office.post({**payload, "response_url": url})).status_code == 200
    await office.told(5)
    assert {one.by for one in office.slack.ephemerals()} == {"chat.postEphemeral"}
    office.slack.state.response_urls.clear()
    assert (await office.post(payload)).status_code == 200
    await office.told(6)
    assert len(office.slack.calls("response_url")) == 1


async def test_the_home_is_unknown(office: Office) -> None:
    """As long as Slack does not say which workspace we belong to, no click is taken, and people are told."""
    office.slack.ratelimit(1, 1, "auth.test")
    assert (await office.click()).ok
    assert "NOT recorded" in (await office.told())[0]
    assert office.box.ballots == []
    assert (await office.click("lumen.open")).ok


async def test_without_the_id_of_the_app(office: Office) -> None:
    """Where Slack does not tell our app's id, the workspace and the signature decide alone."""
    office.slack.revoke_scope("users:read")
    home = await office.desk.home.find()
    assert (home.team, home.app) == ("T0LUMEN", "")
