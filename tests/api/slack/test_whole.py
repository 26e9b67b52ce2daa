"""Clicks in Slack against a whole Lumen: Temporal, a worker that counts, and the API as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import pytest_asyncio

from cli.fakeslack import Delivery, FakeSlack, Message, User
from lumen.links import Link, link_token
from tests.api.slack.office import eventually
from tests.stack.site import Site
from tests.workflows.test_loop import marking

PEOPLE = ("alice", "bob", "carol")
LATE = "acknowledged after"
_SECRET = "a-signing-secret-of-the-tests"


@pytest_asyncio.fixture(scope="module")
async def workspace() -> AsyncIterator[FakeSlack]:
    """A workspace with three people and one channel."""
    async with FakeSlack(signing_secret=_SECRET, ack_within=20) as slack:
        slack.add_channel("desk")
        for name in PEOPLE:
            slack.add_user(name, f"{name}@example.com")
        yield slack


@pytest.fixture(scope="module")
def lumen(tmp_path_factory: pytest.TempPathFactory, workspace: FakeSlack) -> Iterator[Site]:
    """A whole Lumen whose API takes clicks over HTTP and by Socket Mode."""
    site = Site(
        tmp_path_factory.mktemp("slack"),
        SLACK_BOT_TOKEN=workspace.bot_token,
        SLACK_APP_TOKEN=workspace.app_token,
        SLACK_SIGNING_SECRET=_SECRET,
        SLACK_API_BASE_URL=workspace.api_url,
        SLACK_CHANNEL="desk",
    )
    mark = {"name": "mark", "cmd": marking(site.out)}
    site.rulebook.add("SlackAsks", actions=[mark], cooldown=1)
    site.rulebook.add("SlackDoubts", actions=[mark], approval={"approve": 2, "reject": 2})
    with contextlib.ExitStack() as stack:
        stack.callback(site.stop)
        site.start()
        yield site


@dataclass
class Desk:
    """One episode that waits for votes, and its message."""

    site: Site
    slack: FakeSlack
    key: str
    asked: dict[str, Any]
    message: Message

    def user(self, name: str) -> User:
        """Return one of the people."""
        return next(user for user in self.slack.state.users.values() if user.name == name)

    async def click(self, name: str, action: str = "lumen.approve") -> Delivery:
        """Click as one of the people."""
        delivery = await self.slack.click(self.user(name), self.message, action, version=0)
        # How long it took says something of this machine. That Slack is answered in time is tested without processes beside it.
        assert delivery.ok or delivery.failure.startswith(LATE), delivery.failure
        return delivery

    async def reject(self, name: str, reason: str) -> Delivery:
        """Reject as one of the people."""
        await self.click(name, "lumen.reject")
        return await self.slack.submit(self.slack.views(self.user(name))[-1], {"reason": reason})

    async def document(self) -> dict[str, Any]:
        """Return the episode as the API shows it."""
        return await asyncio.to_thread(self.site.status, self.key)

    async def votes(self) -> dict[str, list[str]]:
        """Return who votes for what now."""
        document = await self.document()
        return {side: [vote["actor"] for vote in votes] for side, votes in document["approval"]["votes"].items()}

    async def ended(self) -> dict[str, Any]:
        """Wait for the end of the attempt."""
        return await asyncio.to_thread(self.site.until_outcome, self.key)

    def runs(self) -> int:
        """Return how often the action of this episode started, by the ledger."""
        return sum(entry["kind"] == "action.started" for entry in self.site.entries(self.key))


@pytest.fixture(params=["http", "socket"])
def way(request: pytest.FixtureRequest, workspace: FakeSlack, lumen: Site) -> str:
    """Let clicks come over HTTP or over the socket."""
    workspace.request_url = f"{lumen.api_url}/slack/interaction" if request.param == "http" else ""
    return str(request.param)


@pytest_asyncio.fixture
async def desk(lumen: Site, workspace: FakeSlack, way: str) -> Desk:
    """A critical episode that waits for two votes."""
    await eventually(lambda: workspace.sockets.connected == 1, 30)
    return await asking(lumen, workspace)


async def asking(lumen: Site, workspace: FakeSlack, rule: str = "SlackAsks") -> Desk:
    """Return an episode that waits for votes, and the message that the worker posted for it."""
    number = str(len(workspace.messages()))
    key = await asyncio.to_thread(lumen.post_alert, rule, severity="critical", number=number)
    asked = await asyncio.to_thread(lumen.until_state, key, "awaiting_approval")
    message = await workspace.until(lambda: message_of(workspace, asked["approval"]["id"]), 30)
    return Desk(lumen, workspace, key, asked, message)


def message_of(workspace: FakeSlack, approval_id: str) -> Message | None:
    """Return the message whose buttons are about this request for approval."""
    return next((one for one in workspace.messages() if approval_id in json.dumps(one.versions[0].blocks)), None)


async def test_two_approvers_in_the_same_millisecond(desk: Desk) -> None:
    """Two people who click at once are two votes: approved, and run exactly once."""
    await asyncio.gather(desk.click("alice"), desk.click("bob"))
    document = await desk.ended()
    assert document["outcome"] == "remediated"
    votes = document["attempts"][-1]["votes"]["approve"]
    assert {vote["actor"] for vote in votes} == {"alice@example.com", "bob@example.com"}
    assert {vote["rank"] for vote in votes} == {"slack"}
    assert await asyncio.to_thread(desk.runs) == 1


async def test_one_clicks_ten_times(desk: Desk) -> None:
    """Ten clicks of one person at once are one vote; it takes another person to run it, exactly once."""
    await asyncio.gather(*(desk.click("alice") for _ in range(10)))
    assert await desk.votes() == {"approve": ["alice@example.com"], "reject": []}
    await desk.click("bob")
    assert (await desk.ended())["outcome"] == "remediated"
    assert await asyncio.to_thread(desk.runs) == 1


async def test_replayed(lumen: Site, workspace: FakeSlack) -> None:
    """The same click or form sent again counts once, and does not win over a change of mind."""
    workspace.request_url = f"{lumen.api_url}/slack/interaction"
    desk = await asking(lumen, workspace, "SlackDoubts")
    approved = await desk.click("alice")
    await workspace.replay(approved)
    assert await desk.votes() == {"approve": ["alice@example.com"], "reject": []}
    rejected = await desk.reject("alice", "changed my mind")
    await workspace.replay(approved)
    assert await desk.votes() == {"approve": [], "reject": ["alice@example.com"]}
    await desk.click("alice")
    await workspace.replay(rejected)
    assert await desk.votes() == {"approve": ["alice@example.com"], "reject": []}
    await desk.click("bob")
    document = await desk.ended()
    await workspace.replay(rejected)
    assert document["outcome"] == "remediated"
    assert await asyncio.to_thread(desk.runs) == 1


async def test_the_message_follows(desk: Desk) -> None:
    """After a vote and at the end it is the worker that rewrites the one message; the API only answers the clicker."""
    await desk.click("alice")
    await desk.slack.until(lambda: "alice@example.com" in json.dumps(desk.message.blocks), 30)
    await desk.reject("bob", "<!channel> *not* now")
    await desk.slack.until(lambda: "lumen.approve" not in json.dumps(desk.message.blocks), 30)
    assert message_of(desk.slack, desk.asked["approval"]["id"]) is desk.message
    assert (await desk.ended())["outcome"] == "rejected"


async def test_one_person_by_two_ways(desk: Desk) -> None:
    """A person who votes in Slack and by token is one vote."""
    await desk.click("alice")
    answer = await asyncio.to_thread(desk.site.vote, desk.key, "alice@example.com")
    assert len(answer.json()["votes"]["approve"]) == 1
    await desk.click("bob")
    assert (await desk.ended())["outcome"] == "remediated"


async def test_slack_and_link(desk: Desk) -> None:
    """A person who votes in Slack and by a link is one vote."""
    link = Link(
        desk.key, desk.asked["approval"]["id"], desk.asked["plan"]["digest"], "alice@example.com", 2**40, "jti-1"
    )
    token = link_token(link, {"k1": "a-secret-of-the-tests"})
    await desk.click("alice")
    body = {"token": token, "decision": "approve", "reason": ""}
    answer = await asyncio.to_thread(desk.site.request, "POST", "/decision", json=body)
    assert answer.status_code == 200, answer.text
    assert await desk.votes() == {"approve": ["alice@example.com"], "reject": []}
    await asyncio.to_thread(desk.site.request, "POST", f"/alerts/{desk.key}/override", json=stop())


def stop() -> dict[str, str]:
    """Return the override that ends an attempt."""
    return {"decision": "cancel", "actor": "alice@example.com", "reason": "the test is over"}


async def test_an_old_button(desk: Desk) -> None:
    """A button of attempt 1 does nothing in attempt 2, and the clicker is told that it is closed."""
    await asyncio.to_thread(desk.site.request, "POST", f"/alerts/{desk.key}/override", json=stop())
    await desk.ended()
    again = {"decision": "retry", "actor": "alice@example.com", "reason": "once more"}
    await asyncio.to_thread(desk.site.request, "POST", f"/alerts/{desk.key}/override", json=again)
    second = await asyncio.to_thread(desk.site.until_state, desk.key, "awaiting_approval")
    assert second["approval"]["id"] != desk.asked["approval"]["id"]
    told = len(desk.slack.ephemerals(desk.user("carol")))
    await desk.click("carol")
    await desk.slack.until(lambda: len(desk.slack.ephemerals(desk.user("carol"))) > told)
    assert "This request is closed" in desk.slack.ephemerals(desk.user("carol"))[-1].text
    assert await desk.votes() == {"approve": [], "reject": []}
    await asyncio.to_thread(desk.site.request, "POST", f"/alerts/{desk.key}/override", json=stop())


async def test_temporal_down_at_the_click(desk: Desk) -> None:
    """With Temporal stopped the clicker is told that nothing was recorded, and that is so; later the same button works."""
    told = len(desk.slack.ephemerals(desk.user("alice")))
    await asyncio.to_thread(desk.site.temporal.kill)
    await until_ready(desk.site, ready=False)
    await desk.click("alice")
    await desk.slack.until(lambda: len(desk.slack.ephemerals(desk.user("alice"))) > told, 20)
    await asyncio.to_thread(desk.site.start_temporal)
    await asyncio.to_thread(desk.site.until_state, desk.key, "awaiting_approval")
    await recorded_or_not(desk, told)
    await until_ready(desk.site, ready=True)
    await desk.click("alice")
    await desk.click("bob")
    assert (await desk.ended())["outcome"] == "remediated"
    assert await asyncio.to_thread(desk.runs) == 1


async def test_temporal_hangs_at_the_click(desk: Desk) -> None:
    """With Temporal hanging Slack is answered in time, and in the end the vote counts once or was told as not recorded."""
    told = len(desk.slack.ephemerals(desk.user("alice")))
    desk.site.temporal.pause()
    try:
        await desk.click("alice")
        await desk.slack.until(lambda: len(desk.slack.ephemerals(desk.user("alice"))) > told)
        await asyncio.sleep(3)  # that is how long it hangs
    finally:
        desk.site.temporal.resume()
    await recorded_or_not(desk, told)
    await until_ready(desk.site, ready=True)
    await desk.click("alice")
    await desk.click("bob")
    assert (await desk.ended())["outcome"] == "remediated"
    assert await asyncio.to_thread(desk.runs) == 1


async def until_ready(site: Site, *, ready: bool) -> None:
    """Wait until the API knows that Temporal is there, or is not: it keeps what it knows for a second."""
    async with asyncio.timeout(30):
        while (await asyncio.to_thread(site.request, "GET", "/readyz")).is_success is not ready:
            await asyncio.sleep(0.05)


async def recorded_or_not(desk: Desk, told: int) -> None:
    """Wait for the last word to alice after so many others, and see that it is true.

    Which word it is depends on how busy this machine is: where health is not known at once, the vote is sent.
    """
    words = desk.slack.ephemerals(desk.user("alice"))[told:]
    if "cannot tell yet" in words[0].text:
        await desk.slack.until(lambda: len(desk.slack.ephemerals(desk.user("alice"))) > told + 1, 45)
        words = desk.slack.ephemerals(desk.user("alice"))[told:]
    last = words[-1].text
    assert any(one in last for one in ("NOT recorded", "is recorded", "stored safely")), last
    wanted = [] if "NOT recorded" in last else ["alice@example.com"]
    deadline = asyncio.get_running_loop().time() + 20
    while (await desk.votes())["approve"] != wanted:
        assert asyncio.get_running_loop().time() < deadline, last
        await asyncio.sleep(0.1)


async def test_nothing_secret_in_the_log(desk: Desk) -> None:
    """No token, secret, signature or address that opens something stands in what the API logs."""
    await desk.click("alice")
    log = desk.site.api.log
    assert "Slack: connected by Socket Mode" in log
    secrets = [_SECRET, desk.slack.bot_token, desk.slack.app_token, "ticket=", "/actions/", "v0="]
    assert [secret for secret in secrets if secret in log] == []
    assert all(json.loads(line) for line in log.splitlines() if line.strip())
    assert [one for one in desk.slack.violations if LATE not in one.what] == []
