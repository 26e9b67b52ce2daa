"""What an API process does about Slack with which settings."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from dataclasses import replace

import pytest

from api.slack.outcomes import Outcome
from api.slack.presence import slack_presence
from cli.fakeslack import FakeSlack
from lumen.errors import SettingsError
from lumen.settings import Settings
from tests.api.slack.office import Office, eventually

BOTH = ("SLACK_APP_TOKEN", "SLACK_SIGNING_SECRET")


@pytest.mark.parametrize(
    ("settings", "given"),
    [(Settings(slack_app_token="xapp-x"), BOTH[0]), (Settings(slack_signing_secrets=("secret",)), BOTH[1])],
)
async def test_without_the_bot_token(settings: Settings, given: str) -> None:
    """Without the bot token nobody knows who clicks: the start stops with one line that names both settings."""
    with pytest.raises(SettingsError) as caught:
        async with slack_presence(settings):
            pass
    assert "SLACK_BOT_TOKEN is not set" in str(caught.value)
    assert given in str(caught.value)


async def test_without_slack(caplog: pytest.LogCaptureFixture) -> None:
    """Without Slack there is no desk and no word about it; buttons that would lead nowhere are worth a line."""
    with caplog.at_level(logging.INFO):
        async with slack_presence(Settings()) as presence:
            assert presence.desk is None
        assert caplog.records == []
        async with slack_presence(Settings(slack_bot_token="xoxb-x")) as presence:
            assert presence.desk is None
    assert "lead nowhere" in caplog.text


async def test_socket_mode_runs_with_the_process(office: Office, slack_settings: Settings) -> None:
    """With an app token the process is connected for as long as it serves, and knows its workspace before a click."""
    settings = replace(slack_settings, slack_app_token=office.slack.app_token)
    async with slack_presence(settings) as presence:
        assert presence.desk is not None
        edge = replace(office.edge, slack=presence.desk)
        async with presence.listening(edge):
            await eventually(lambda: office.slack.sockets.connected == 1 and office.slack.calls("bots.info"))
        await eventually(lambda: office.slack.sockets.connected == 0)


async def test_a_wrong_bot_token(slack: FakeSlack, slack_settings: Settings, caplog: pytest.LogCaptureFixture) -> None:
    """A bot token that Slack does not know is one line in the log, without the token; the process goes on."""
    settings = replace(slack_settings, slack_bot_token="xoxb-wrong")
    async with slack_presence(settings) as presence, presence.listening(None):  # type: ignore[arg-type]  # no click comes
        await eventually(lambda: "check SLACK_BOT_TOKEN" in caplog.text)
    assert "invalid_auth" in caplog.text
    assert "xoxb-wrong" not in caplog.text


async def test_everything_starts_at_zero(office: Office) -> None:
    """Every outcome is there before its first interaction."""
    text = (await office.http.get("/metrics")).text
    for outcome in Outcome:
        assert f'lumen_slack_interactions_total{{outcome="{outcome}"}} 0.0' in text
    assert "lumen_slack_socket_connected 0.0" in text


async def test_the_end_waits_for_answers(office: Office) -> None:
    """What is still to be told when the process ends is told, within bounds."""
    office.slack.slow(0.3, "response_url")
    await office.click()
    await office.desk.close(5.0)
    assert len(office.slack.ephemerals()) == 1
    office.slack.slow(30.0, "response_url")
    await office.click()
    async with asyncio.timeout(10):
        await office.desk.close(0.1)


def test_an_api_without_slack_loads_nothing_for_it() -> None:
    """Slack's SDK and aiohttp are imported where clicks are taken, and nowhere else."""
    code = (
        "import asyncio, sys; from api.run import slack_presence; from lumen.settings import Settings\n"
        "async def enter():\n"
        "    async with slack_presence(Settings()): pass\n"
        "asyncio.run(enter()); print([name for name in ('aiohttp', 'slack_sdk') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
