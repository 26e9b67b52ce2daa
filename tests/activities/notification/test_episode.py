"""A whole episode, from its alert to its end, followed in Slack: rules, workflow, worker and Slack together."""

from __future__ import annotations

import json
from dataclasses import replace

from tests.activities.notification.conftest import Stage
from tests.stack.bench import Bench


def use(stage: Stage, bench: Bench) -> None:
    """Let the workers of the bench show episodes on the stage."""
    bench.settings = replace(
        bench.settings,
        slack_bot_token=stage.settings.slack_bot_token,
        slack_channel=stage.settings.slack_channel,
        slack_api_base_url=stage.settings.slack_api_base_url,
    )


async def test_an_episode_is_followed_in_one_message(stage: Stage, bench: Bench) -> None:
    """Two people approve: the message shows the request, each vote in its thread, and at the end what came of it."""
    use(stage, bench)
    bench.rulebook.add("SlackLoop", actions=[{"name": "greet", "cmd": ["/bin/echo", "hello"]}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("SlackLoop", severity="critical"))
        await bench.until(handle, state="awaiting_approval")
        await stage.slack.until(stage.slack.messages)
        (message,) = stage.slack.messages()
        approval = (await bench.status(handle))["approval"]["id"]
        assert approval in json.dumps(message.blocks)
        await bench.vote(handle, "alice@example.com", reason="go")
        await stage.slack.until(lambda: "alice@example.com" in json.dumps(message.blocks[3:]))
        await bench.vote(handle, "bob@example.com")
        await stage.slack.until(lambda: message.text.startswith("Remediated"), 30)
        said = [reply.text for reply in stage.slack.thread(message)]
    assert sum("approved" in text for text in said) == 2
    assert any("greet: succeeded" in text for text in said)
    assert "lumen.approve" not in json.dumps(message.blocks)
    assert len(stage.slack.messages()) == 1
    assert stage.slack.violations == []


async def test_slack_away_while_people_decide_elsewhere(stage: Stage, bench: Bench) -> None:
    """Slack is down from the request to the decision: the episode goes on without it, and the message is right at the end."""
    use(stage, bench)
    bench.rulebook.add("SlackAway", actions=[{"name": "greet", "cmd": ["/bin/echo", "hello"]}])
    bench.source.reload()
    await stage.slack.go_down()
    async with bench.working():
        handle = await bench.send(bench.alert("SlackAway", severity="warning"))
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "alice@example.com")
        await bench.until(handle, outcome="remediated")
        await stage.slack.come_back()
        # The clock of the episode stands still, so that the pauses between tries are passed by hand.
        for _ in range(20):
            await bench.pass_time(handle, seconds=31)
            if stage.slack.messages():
                break
        await stage.slack.until(lambda: stage.slack.messages()[0].text.startswith("Remediated"), 30)
    (message,) = stage.slack.messages()
    said = [reply.text for reply in stage.slack.thread(message)]
    assert len(said) == len(set(said))
    assert any("alice@example.com approved" in text for text in said)
