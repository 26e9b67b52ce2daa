"""Who a Slack user is, and who is nobody that may vote."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from api.slack.errors import PersonError, SlackUnreachableError
from api.slack.people import KEPT_SECONDS, KEPT_USERS, REFUSAL_KEPT_SECONDS, People, judge
from cli.fakeslack.state import TEAM
from rules.model import Policy
from tests.api.slack.office import Office
from tests.cli.fakeslack.samples import Clock

NOBODY = Policy()


async def test_the_policy_comes_first(office: Office) -> None:
    """A Slack id that the policy binds is its person, whatever address the profile has, or without one."""
    office.rules.policy = Policy(people={"boss@example.com": {"slack": office.alice.id}})
    await office.click()
    assert office.box.ballots[0].actor == "boss@example.com"
    office.slack.revoke_scope("users:read.email")
    bare = office.slack.add_user("bare", "")
    office.rules.policy = Policy(people={"bare@example.com": {"slack": bare.id}})
    await office.click(user=bare)
    assert office.box.ballots[1].actor == "bare@example.com"


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"is_bot": True}, "Bots"),
        ({"deleted": True}, "deactivated"),
        ({"is_restricted": True}, "Guests"),
        ({"is_ultra_restricted": True}, "Guests"),
        ({"is_stranger": True}, "another one"),
    ],
)
async def test_bound_and_gone(office: Office, profile: dict[str, Any], words: str) -> None:
    """Who is bound by the policy and of whom Slack says by now that they left, or are a guest, does not vote."""
    user = office.slack.add_user("eve", **{"email": "eve@example.com", **profile})
    office.rules.policy = Policy(people={"eve@example.com": {"slack": user.id}})
    assert (await office.click(user=user)).ok
    assert words in (await office.told(user=user))[0]
    assert office.box.ballots == []


@pytest.mark.parametrize("trouble", ["slow", "limited", "without the scope"])
async def test_bound_while_slack_cannot_say(office: Office, trouble: str) -> None:
    """Slack that does not say in time who somebody is keeps nobody from voting whom the policy binds."""
    await office.desk.home.find()
    office.rules.policy = Policy(people={"boss@example.com": {"slack": office.alice.id}})
    if trouble == "slow":
        office.slack.slow(5, "users.info")
    elif trouble == "limited":
        office.slack.ratelimit(100, 30, "users.info")
    else:
        office.slack.revoke_scope("users:read")
    assert (await office.click()).ok
    assert trouble != "slow" or office.slack.calls("users.info") == []
    assert office.box.ballots[0].actor == "boss@example.com"


async def test_an_address_of_somebody_else(office: Office) -> None:
    """An address that the policy binds to one Slack id does not count in the profile of another."""
    office.rules.policy = Policy(people={"alice@example.com": {"slack": "U0REALALICE"}})
    assert (await office.click()).ok
    assert office.box.ballots == []
    assert "another Slack account" in (await office.told())[0]
    assert office.count("unidentified") == 1


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        ({"is_bot": True}, "Bots"),
        ({"deleted": True}, "deactivated"),
        ({"is_restricted": True}, "Guests"),
        ({"is_ultra_restricted": True}, "Guests"),
        ({"is_stranger": True}, "another one"),
        ({"team_id": "T0OTHER"}, "another one"),
        ({"email": ""}, "e-mail address"),
        ({"email": "no address"}, "e-mail address"),
        ({"email": "a@b@c"}, "e-mail address"),
    ],
)
async def test_nobody(office: Office, profile: dict[str, Any], words: str) -> None:
    """Bots, deactivated accounts, guests, people of other workspaces and people without an address do not vote."""
    user = office.slack.add_user("eve", **{"email": "alice@example.com", **profile})
    assert (await office.click(user=user)).ok
    [text] = await office.told(user=user)
    assert "NOT recorded" in text
    assert words in text
    assert office.box.ballots == []
    assert office.count("unidentified") == 1


async def test_bound_and_foreign(office: Office) -> None:
    """A Slack id of another workspace is nobody, even if the policy binds an equal id."""
    user = office.slack.add_user("eve", "eve@example.com", team_id="T0OTHER")
    office.rules.policy = Policy(people={"eve@example.com": {"slack": user.id}})
    await office.click(user=user)
    assert "another one" in (await office.told(user=user))[0]
    assert office.box.ballots == []


async def test_without_the_scope(office: Office) -> None:
    """Where the app may not read addresses, the clicker is told what is missing."""
    office.slack.revoke_scope("users:read.email")
    await office.click()
    assert "policy.yaml" in (await office.told())[0]
    assert office.box.ballots == []


async def test_kept_for_ten_minutes(office: Office) -> None:
    """What Slack says is kept for ten minutes, a refusal for one."""
    clock = Clock()
    people = People(office.desk.calls, clock)
    bot = office.slack.add_user("bot", is_bot=True)
    for wait, calls in ((0, 1), (KEPT_SECONDS - 1, 1), (2, 2)):
        clock.now += wait
        assert await people.person(office.alice.id, TEAM, NOBODY) == "alice@example.com"
        assert len(office.slack.calls("users.info")) == calls
    for wait, calls in ((0, 3), (REFUSAL_KEPT_SECONDS - 1, 3), (2, 4)):
        clock.now += wait
        with pytest.raises(PersonError):
            await people.person(bot.id, TEAM, NOBODY)
        assert len(office.slack.calls("users.info")) == calls


async def test_bounded(office: Office) -> None:
    """Not more than a bounded number of users is kept, and the last ones are."""
    people = People(office.desk.calls)
    users = [office.slack.add_user(f"u{n}", f"u{n}@example.com").id for n in range(KEPT_USERS + 5)]
    for user in users:
        await people.person(user, TEAM, NOBODY)
    assert len(people._known) == KEPT_USERS
    asked = len(office.slack.calls("users.info"))
    await people.person(users[-1], TEAM, NOBODY)
    assert len(office.slack.calls("users.info")) == asked


async def test_asked_once_at_the_same_time(office: Office) -> None:
    """Twenty who want to know the same at the same time cause one call, and one who stops waiting stops nobody else."""
    people = People(office.desk.calls)
    office.slack.slow(0.2, "users.info")
    waiting = [asyncio.create_task(people.person(office.alice.id, TEAM, NOBODY)) for _ in range(20)]
    await asyncio.sleep(0)
    waiting.pop(0).cancel()
    assert set(await asyncio.gather(*waiting)) == {"alice@example.com"}
    assert len(office.slack.calls("users.info")) == 1


async def test_too_many_calls(office: Office) -> None:
    """After a 429 Slack is left alone for as long as it asks, and the click is told as not recorded."""
    office.slack.ratelimit(1, 30, "users.info")
    for _ in range(2):
        assert (await office.click()).ok
    told = await office.told(2)
    assert all("NOT recorded" in text for text in told)
    assert len(office.slack.calls("users.info")) == 1
    with pytest.raises(SlackUnreachableError) as caught:
        await office.desk.people.person(office.alice.id, TEAM, NOBODY)
    assert 25 < caught.value.retry_after <= 30
    assert office.box.ballots == []


async def test_slow_slack(office: Office) -> None:
    """With a Slack that takes 5 seconds the click is answered in time as not recorded; the answer still serves the next."""
    await office.desk.home.find()
    office.slack.slow(5, "users.info")
    assert (await office.click()).ok
    assert office.slack.calls("users.info") == []
    assert "NOT recorded" in (await office.told())[0]
    assert office.box.ballots == []
    await office.slack.until(lambda: office.slack.calls("users.info"))
    await office.slack.until(lambda: office.desk.people._known)
    assert (await office.click()).ok
    assert len(office.box.ballots) == 1


async def test_slack_is_down(office: Office) -> None:
    """With Slack's API down a click is not recorded, Slack gets its answer, and the clicker hears of it when it is back."""
    message = office.ask()
    await office.slack.go_down(refuse=False)
    assert (await office.slack.click(office.alice, message, "lumen.approve")).ok
    assert office.box.ballots == []
    assert office.count("slack_unreachable") == 1
    await office.slack.come_back()
    assert "NOT recorded" in (await office.told())[0]
    assert (await office.slack.click(office.alice, message, "lumen.approve")).ok
    assert len(office.box.ballots) == 1


def test_an_address_that_nobody_confirmed() -> None:
    """An address of which Slack itself says that nobody has confirmed it names nobody; where Slack says nothing, it does."""
    profile = {"id": "U1", "team_id": "T1", "profile": {"email": "alice@example.com"}}
    assert judge({**profile, "is_email_confirmed": False}, "U1", "T1").refusal == "unconfirmed"
    assert judge({**profile, "is_email_confirmed": True}, "U1", "T1").email == "alice@example.com"
    assert judge(profile, "U1", "T1").email == "alice@example.com"


def test_one_workspace_of_many() -> None:
    """In an organisation a member of several workspaces, ours among them, is one of us."""
    profile = {"id": "U1", "team_id": "E1", "profile": {"email": "a@example.com"}}
    assert judge({**profile, "enterprise_user": {"teams": ["T2", "T1"]}}, "U1", "T1").email == "a@example.com"
    assert judge({**profile, "enterprise_user": {"teams": ["T2"]}}, "U1", "T1").refusal == "foreign"
    assert judge({**profile, "id": "U2"}, "U1", "T1").refusal == "unknown"
    assert judge(None, "U1", "T1").refusal == "unknown"
