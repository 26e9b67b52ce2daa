"""What a click becomes: a vote, an answer to one person, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from api.errors import EpisodeClosedError
from api.slack.payload import moment_of
from lumen.ballot import is_authentic
from lumen.errors import BallotError
from lumen.names import alert_workflow_id
from lumen.wording import Wording
from tests.api.fakes import KEYS
from tests.api.slack.office import APPROVAL, DIGEST, KEY, Office


async def test_approve(office: Office) -> None:
    """A click on Approve is a signed vote on the request that was shown, by the person whose address Slack tells."""
    delivery = await office.click()
    assert delivery.ok
    [(key, ballot)] = office.box.voted
    action = delivery.payload["actions"][0]
    assert key == KEY
    assert (ballot.decision, ballot.actor, ballot.channel, ballot.rank) == (
        "approve",
        "alice@example.com",
        "slack",
        "slack",
    )
    assert (ballot.approval_id, ballot.digest) == (APPROVAL, DIGEST)
    assert ballot.id == f"slack:{APPROVAL}:{office.alice.id}:{action['action_ts']}"
    assert is_authentic(ballot, alert_workflow_id(KEY), KEYS)


async def test_the_answer(office: Office) -> None:
    """The answer goes to the clicker alone and has the tally; no message is posted or changed, and Slack sees no fault."""
    await office.click()
    [text] = await office.told()
    assert text == "Your approval is recorded. Now 1 of 2 approvals and 0 of 1 rejections."
    assert [one.by for one in office.slack.ephemerals()] == ["response_url"]
    assert not office.slack.calls("chat.update")
    assert not office.slack.calls("chat.postMessage")
    assert office.slack.violations == []
    assert office.count("recorded") == 1


async def test_in_korean(office: Office) -> None:
    """With LUMEN_LANG=ko people are answered in Korean."""
    korean = replace(office.desk, words=Wording("ko"))
    object.__setattr__(office.edge, "slack", korean)
    await office.click()
    assert (await office.told())[0].startswith("승인이 기록되었습니다.")


async def test_time_of_the_vote(office: Office) -> None:
    """The vote carries the time of the click, never one in the future."""
    payload = await office.payload()
    await office.post(payload)
    stamp = payload["actions"][0]["action_ts"]
    payload["actions"][0]["action_ts"] = f"{int(float(stamp)) + 250}.000000"
    await office.post(payload)
    first, second = office.box.ballots
    assert first.at == moment_of(stamp).isoformat().replace("+00:00", "Z")
    assert moment_of(stamp) <= moment_of(stamp).fromisoformat(second.at) <= office.edge.now()


async def test_an_old_click(office: Office) -> None:
    """A click of more than ten minutes ago, freshly signed, is not recorded, and the clicker is told so."""
    payload = await office.payload()
    payload["actions"][0]["action_ts"] = f"{int(office.slack.state.clock()) - 700}.000000"
    assert (await office.post(payload)).status_code == 200
    assert office.box.ballots == []
    assert "NOT recorded" in (await office.told())[0]


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("closed", "closed"),
        ("plan_changed", "plan changed"),
        ("not_allowed", "alice@example.com may not decide"),
        ("rank_too_low", "stronger sign-in"),
        ("forged", "BRIDGE_SECRET"),
        ("something new", "console"),
    ],
)
async def test_refused(office: Office, reason: str, words: str) -> None:
    """A vote that the episode refuses is told to the clicker as not recorded with the reason; Slack gets its 200."""
    office.box.tally = BallotError(reason, "in the words of the workflow")
    assert (await office.click()).ok
    [text] = await office.told()
    assert "NOT recorded" in text
    assert words in text
    assert office.count("refused") == 1


async def test_closed_episode(office: Office) -> None:
    """A click on the button of an episode that is over is told so."""
    office.box.tally = EpisodeClosedError("this episode is over")
    assert (await office.click()).ok
    assert "This request is closed" in (await office.told())[0]


async def test_open(office: Office) -> None:
    """A click on a link and anything that Lumen does not know get a 200 and nothing happens."""
    assert (await office.click("lumen.open")).ok
    payload = await office.payload()
    payload["actions"][0]["action_id"] = "of.another.time"
    assert (await office.post(payload)).status_code == 200
    assert (await office.post({**payload, "type": "view_closed"})).status_code == 200
    assert office.untouched()
    assert office.count("ignored") == 3


async def test_ten_clicks(office: Office) -> None:
    """Each of ten clicks is a vote of its own with its own id, of the same person."""
    message = office.ask()
    for _ in range(10):
        assert (await office.slack.click(office.alice, message, "lumen.approve")).ok
    assert len({ballot.id for ballot in office.box.ballots}) == 10
    assert {ballot.actor for ballot in office.box.ballots} == {"alice@example.com"}
    assert len(office.slack.calls("users.info")) == 1


async def test_hostile_names(office: Office) -> None:
    """An address that looks like markup is shown as text."""
    mallory = office.slack.add_user("mallory", "<!channel>@example.com")
    office.box.tally = BallotError("not_allowed", "no")
    await office.click(user=mallory)
    [text] = await office.told(user=mallory)
    assert "&lt;!channel&gt;@example.com" in text
    [shown] = office.slack.ephemerals(mallory)
    assert shown.blocks[0]["text"]["type"] == "plain_text"
