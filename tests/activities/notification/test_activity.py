"""Slack as activity of a real Temporal server: what a try got done is known to the next one."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest_asyncio
from prometheus_client import CollectorRegistry
from temporalio import workflow
from temporalio.client import Client
from temporalio.common import RetryPolicy
from temporalio.testing import ActivityEnvironment, WorkflowEnvironment
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from activities.metrics import WorkerMetrics
from activities.notification.opening import open_showing
from activities.notifying import ChannelNotifying
from lumen.contracts import Notifying
from lumen.showing import Note, Shown, ShowRequest
from tests.activities.notification.conftest import Stage, now
from tests.activities.notification.samples import line, request, waiting


@workflow.defn
class ShowOnce:
    """Shows one thing, however long it takes."""

    @workflow.run
    async def run(self, wanted: ShowRequest) -> Shown:
        """Run the activity with the options that episodes give it."""
        return await workflow.execute_activity_method(
            Notifying.show,
            wanted,
            start_to_close_timeout=timedelta(seconds=30),
            retry_policy=RetryPolicy(initial_interval=timedelta(milliseconds=100)),
        )


@pytest_asyncio.fixture
async def notifying(stage: Stage) -> AsyncIterator[ChannelNotifying]:
    """The activities of a worker that has the app."""
    metrics = WorkerMetrics(CollectorRegistry(), "tests")
    showing = open_showing(stage.settings, metrics.slack_requests)
    async with httpx.AsyncClient(trust_env=False) as http:
        one = ChannelNotifying(http, "", "", "https://lumen.example", metrics, showing)
        yield one
        await one.close()


async def shown(client: Client, notifying: ChannelNotifying, wanted: ShowRequest) -> Shown:
    """Run the activity through the server to its end."""
    queue = f"show-{uuid.uuid4()}"
    async with (
        asyncio.timeout(60),
        Worker(
            client,
            task_queue=queue,
            workflows=[ShowOnce],
            activities=[notifying.show],
            workflow_runner=UnsandboxedWorkflowRunner(),
        ),
    ):
        return await client.execute_workflow(ShowOnce.run, wanted, id=queue, task_queue=queue)


async def test_a_retry_goes_on_where_the_try_before_broke_off(
    skipping_env: WorkflowEnvironment, stage: Stage, notifying: ChannelNotifying
) -> None:
    """Slack limits in the middle of a request: what was said before is not said, or looked for, again."""
    client = await Client.connect(skipping_env.client.service_client.config.target_host)
    said = [line(Note.VOTE, number, actor=f"{number}@example.com", at=now()) for number in range(4)]
    stage.slack.slow(0.2, "chat.postMessage")  # so that it can be limited in the middle
    wanted = request(waiting(), *said, channels=("", "#leads"))
    limiting = asyncio.create_task(_limit_after(stage, 3))
    result = await shown(client, notifying, wanted)
    await limiting
    assert [one.asked for one in result.posted] == ["", "#leads"]
    for message in stage.slack.messages():
        assert [reply.text.count("@example.com") for reply in stage.slack.thread(message)] == [1, 1, 1, 1]
    assert len(stage.slack.messages()) == 2
    assert [call.error for call in stage.slack.calls("chat.postMessage")].count("ratelimited") == 1
    assert stage.slack.calls("conversations.history") == stage.slack.calls("conversations.replies") == []


async def _limit_after(stage: Stage, count: int) -> None:
    await stage.slack.until(lambda: len(stage.slack.calls("chat.postMessage")) >= count)
    stage.slack.ratelimit(1, 1, "chat.postMessage")


async def test_a_lost_answer_is_found_again(
    skipping_env: WorkflowEnvironment, stage: Stage, notifying: ChannelNotifying
) -> None:
    """Through the server too, a posting whose answer was lost stands there once."""
    client = await Client.connect(skipping_env.client.service_client.config.target_host)
    stage.slack.lose_answer_once("chat.postMessage")
    result = await shown(client, notifying, request(waiting(), line(Note.ASKED, attempt="1", at=now())))
    (message,) = stage.slack.messages()
    assert result.posted[0].ts == message.ts
    assert len(stage.slack.thread(message)) == 1


async def test_without_slack_nothing_is_shown_and_nothing_lost(notifying: ChannelNotifying) -> None:
    """A worker without Slack gives back what it was told, so that a worker with it goes on."""
    plain = ChannelNotifying(notifying._http, "", "", "", notifying._metrics)
    wanted = request(waiting())
    assert await ActivityEnvironment().run(plain.show, wanted) == Shown(wanted.posted)
    await plain.close()
