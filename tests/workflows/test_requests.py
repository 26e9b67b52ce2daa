"""A rule that a person asks for: the same votes, the same proof, a life of its own. With the real API and a real worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import pytest_asyncio
from temporalio.client import WorkflowExecutionStatus, WorkflowHandle, WorkflowUpdateFailedError

from api.app import create_app
from api.run import build_edge, build_tokens
from lumen.alert import AlertStatus
from tests.api.conftest import client_of
from tests.stack.bench import PATIENCE, Bench
from tests.stack.receiver import Receiver
from tests.workflows.test_loop import marking, marks

HEADERS = {"Authorization": "Bearer an-api-token-of-the-tests"}
Handle = WorkflowHandle[Any, Any]
_FIRED: Final = "timer_fired_event_attributes"


@pytest_asyncio.fixture
async def http(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the API in this process, on the rules and the Temporal server of the bench."""
    settings = replace(bench.settings, api_tokens=("an-api-token-of-the-tests",))
    edge = build_edge(settings, build_tokens(settings), bench.source, bench.client)
    async with client_of(create_app(edge)) as client:
        yield client


async def ask(http: httpx.AsyncClient, rule: str, **wish: Any) -> dict[str, Any]:
    """Ask for a rule as alice and return the answer."""
    body = {"rule": rule, "actor": "alice@example.com", "reason": "by hand", **wish}
    answer = await http.post("/runs", json=body, headers=HEADERS)
    assert answer.status_code == 202, answer.text
    found: dict[str, Any] = answer.json()
    return found


def handle_of(bench: Bench, answer: dict[str, Any]) -> Handle:
    """Return the episode of an answer."""
    return bench.client.get_workflow_handle(answer["workflow_id"])


async def test_a_request_is_voted_on_proved_and_over(bench: Bench, http: httpx.AsyncClient, out: Path) -> None:
    """It asks for its quorum, runs once, leaves the entries of any episode with its requester, and closes by itself."""
    action = {"name": "mark", "cmd": marking(out, "$LUMEN_TARGET")}
    bench.rulebook.add(
        "AskVotes", match=['severity="critical"'], target="{labels.instance}", cooldown="10m", actions=[action]
    )
    bench.source.reload()
    async with bench.working():
        answer = await ask(http, "AskVotes", target="host-asked")
        assert answer["result"] == "started"
        handle = handle_of(bench, answer)
        asking = await bench.until(handle, state="awaiting_approval")
        assert (asking["source"], asking["requested_by"], asking["target"]) == (
            "request",
            "alice@example.com",
            "host-asked",
        )
        assert asking["approval"]["required"] == {"approve": 2, "reject": 1}
        assert asking["approval"]["allow"] == ["bob@example.com", "carol@example.com"]
        with pytest.raises(WorkflowUpdateFailedError) as refused:
            await bench.vote(handle, "alice@example.com")
        assert "asked for this" in str(refused.value.cause)
        await bench.vote(handle, "carol@example.com")
        assert marks(out) == []
        await bench.vote(handle, "bob@example.com", reason="go on")
        done = await bench.until_attempts(handle, 1)
        assert (done["outcome"], marks(out)) == ("remediated", ["host-asked"])
        [ended] = done["attempts"]
        assert [vote["actor"] for vote in ended["votes"]["approve"]] == ["carol@example.com", "bob@example.com"]
        assert ended["votes"]["approve"][1]["reason"] == "go on"
        assert (ended["decision"]["by"], ended["decision"]["decision"]) == ("votes", "approve")
        entries = await bench.entries_of(handle)
        assert [entry["kind"] for entry in entries] == [
            "approval_quorum_decision",
            "action.started",
            "action.finished",
            "auto_remediation",
        ]
        context = entries[0]["parts"]["approval"]["alert_context"]
        assert context["labels"]["requested_by"] == "alice@example.com"
        assert context["annotations"] == {"reason": "by hand"}
        assert entries[3]["parts"]["remediation"]["alert_key"] == answer["key"]
        assert ended["decision"]["seq"] == entries[0]["seq"]
        await bench.pass_time(handle, minutes=9)
        assert (await handle.describe()).status is WorkflowExecutionStatus.RUNNING
        await bench.pass_time(handle, minutes=2)
        assert await handle.result() == {"outcome": "remediated", "attempts": 1}


async def test_asked_again_it_is_counted_and_after_its_close_started_anew(
    bench: Bench, http: httpx.AsyncClient, out: Path
) -> None:
    """The same request lands in the open episode and runs nothing while that cools; once it has closed it is a new one."""
    bench.rulebook.add("AskTwice", mode="auto", cooldown="10m", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        first = await ask(http, "AskTwice")
        handle = handle_of(bench, first)
        await bench.until_attempts(handle, 1)
        again = await ask(http, "AskTwice")
        assert (again["result"], again["key"]) == ("updated", first["key"])
        await bench.until(handle, repeats=1)
        await bench.pass_time(handle, minutes=11)
        assert await handle.result() == {"outcome": "remediated", "attempts": 1}
        anew = await ask(http, "AskTwice")
        assert (anew["result"], anew["key"]) == ("started", first["key"])
        await bench.until_attempts(handle, 1)
        assert len(marks(out)) == 2


async def test_asked_after_the_cooldown_while_it_is_open_is_another_attempt(
    bench: Bench, http: httpx.AsyncClient, out: Path
) -> None:
    """A request that comes when the cooldown is over and no worker has closed the episode yet is not lost."""
    bench.rulebook.add("AskLate", mode="auto", cooldown="5s", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = handle_of(bench, await ask(http, "AskLate"))
        await bench.until_attempts(handle, 1)
    # The clock of an episode cannot be moved without a worker, so this cooldown is a real one.
    async with asyncio.timeout(PATIENCE):
        while not [event async for event in handle.fetch_history_events() if event.HasField(_FIRED)]:
            await asyncio.sleep(0.1)
    assert (await ask(http, "AskLate"))["result"] == "updated"
    async with bench.working():
        assert (await bench.until_attempts(handle, 2))["outcome"] == "remediated"
    assert len(marks(out)) == 2


async def test_no_resolve_cancels_a_request_but_its_condition_does(
    bench: Bench, http: httpx.AsyncClient, out: Path, receiver: Receiver
) -> None:
    """Nothing resolves what a person asked for; the rule's condition is looked at before and after the votes all the same."""
    bench.rulebook.add("AskIf", when="up == 0", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    bench.use_receiver(receiver)
    receiver.prometheus([{"__name__": "up"}])
    async with bench.working():
        answer = await ask(http, "AskIf")
        handle = handle_of(bench, answer)
        await bench.until(handle, state="awaiting_approval")
        resolve = replace(
            bench.alert("AskIf", requested_by="alice@example.com"), source="request", status=AlertStatus.RESOLVED
        )
        assert resolve.key == answer["key"]
        await bench.send(resolve)
        asking = await bench.until(handle, state="awaiting_approval")
        assert asking["status"] == "firing"
        receiver.prometheus([])
        await bench.vote(handle, "bob@example.com")
        assert (await bench.until_attempts(handle, 1))["outcome"] == "condition_not_met"
    assert marks(out) == []


async def test_an_ended_attempt_tells_who_stopped_it(bench: Bench, http: httpx.AsyncClient, out: Path) -> None:
    """Votes that were too few, an override that cancelled, and a rejection stay readable after the attempt."""
    bench.rulebook.add("AskWho", match=['severity="critical"'], actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = handle_of(bench, await ask(http, "AskWho"))
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "bob@example.com", reason="x" * 500)
        await bench.override(handle, "cancel", "not now")
        [cancelled] = (await bench.until_attempts(handle, 1))["attempts"]
        assert [vote["actor"] for vote in cancelled["votes"]["approve"]] == ["bob@example.com"]
        assert len(cancelled["votes"]["approve"][0]["reason"].encode()) <= 200
        decision = cancelled["decision"]
        assert (decision["by"], decision["decision"]) == ("override", "cancel")
        assert (decision["actor"], decision["reason"]) == ("oncall@example.com", "not now")
        await bench.override(handle, "retry")
        await bench.until(handle, state="awaiting_approval")
        await bench.vote(handle, "carol@example.com", "reject", reason="wrong remedy")
        rejected = (await bench.until_attempts(handle, 2))["attempts"][-1]
        assert (rejected["decision"]["by"], rejected["decision"]["decision"]) == ("votes", "reject")
        assert rejected["votes"]["reject"][0]["reason"] == "wrong remedy"
        await bench.override(handle, "retry")
        await bench.until(handle, state="awaiting_approval")
        await bench.pass_time(handle, minutes=61)
        expired = (await bench.until_attempts(handle, 3))["attempts"][-1]
        assert (expired["outcome"], expired["decision"]) == ("expired", None)
        assert expired["votes"] == {"approve": [], "reject": []}
    assert marks(out) == []
