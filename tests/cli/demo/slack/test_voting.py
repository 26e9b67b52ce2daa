"""What the demo says in the end of the message in the stand-in for Slack."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from cli.demo.calls import Calls
from cli.demo.slack import voting
from cli.demo.slack.voting import APPROVE, InSlack
from cli.demo.slack.workspace import Workspace
from cli.demo.telling import Teller
from cli.failure import CommandError
from cli.settings import ClientSettings
from lumen.setting_types import Address
from lumen.settings import Settings
from tests.cli.fakeslack.samples import actions, button, call
from tests.stack.processes import free_port


@pytest_asyncio.fixture
async def workspace(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Workspace]:
    """A workspace with one message, for which nobody waits long."""
    monkeypatch.setattr(voting, "_PATIENCE", 0.1)
    api, page = (Address("127.0.0.1", free_port()) for _ in range(2))
    async with Workspace(api, page, "http://127.0.0.1:9/", "xoxb-test", "secret") as running:
        await call(running.slack, "chat.postMessage", channel="ops", text="Remediated: x", blocks=[actions(button())])
        yield running


@pytest.fixture
def screen() -> io.StringIO:
    """Where the demo tells its story."""
    return io.StringIO()


@pytest.fixture
def story(workspace: Workspace, screen: io.StringIO) -> InSlack:
    """The part of the demo under test."""
    calls = Calls(ClientSettings(Settings(api_tokens=("t",), proofd_tokens=("t",)), "http://127.0.0.1:9", Path()))
    return InSlack(calls, Teller(screen), workspace, unattended=True)


async def test_the_message_must_say_the_outcome(story: InSlack, screen: io.StringIO) -> None:
    """It is told with how often it was rewritten; another outcome is no success."""
    assert (await story.afterwards("remediated"))["versions"] == 1
    assert "now says: Remediated." in " ".join(screen.getvalue().split())
    with pytest.raises(CommandError, match="does not say 'Rejected'"):
        await story.afterwards("rejected")


async def test_a_message_that_still_asks_is_no_success(story: InSlack, workspace: Workspace) -> None:
    """A button that could still be clicked after the end is an error."""
    message = workspace.slack.messages()[0]
    blocks = [actions(button(action_id=APPROVE))]
    await call(workspace.slack, "chat.update", channel=message.channel, ts=message.ts, text=message.text, blocks=blocks)
    with pytest.raises(CommandError, match="does not say"):
        await story.afterwards("remediated")


async def test_what_slack_would_not_take_is_no_success(story: InSlack, workspace: Workspace) -> None:
    """The demo fails when Lumen sent what Slack refuses."""
    await call(workspace.slack, "chat.postMessage", channel="ops", text="")
    with pytest.raises(CommandError, match="Slack would not take what Lumen did: no_text"):
        await story.afterwards("remediated")


async def test_nothing_to_vote_on_is_told(story: InSlack) -> None:
    """Without a message that asks there is no vote."""
    with pytest.raises(CommandError, match="no message that asks for approval was posted"):
        await story.votes("alertmanager-0000000000000000")


async def test_a_port_that_was_taken_meanwhile_is_told(workspace: Workspace) -> None:
    """One line, and nothing is left listening."""
    taken = Address("127.0.0.1", workspace.slack.port)
    other = Workspace(Address("127.0.0.1", free_port()), taken, "http://127.0.0.1:9/", "xoxb-test", "secret")
    with pytest.raises(CommandError, match="cannot listen"):
        await other.__aenter__()
    async with Workspace(Address("127.0.0.1", other.slack.port), Address("127.0.0.1", free_port()), "", "xoxb-t", "s"):
        pass
