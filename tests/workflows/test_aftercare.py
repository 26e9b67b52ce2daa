"""Verify, then roll back: what did not help is undone in reverse, and a human is told; what is done is not done again."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHandle

from tests.stack.bench import PATIENCE, Bench
from tests.stack.receiver import Receiver
from tests.workflows.test_loop import marking, marks


def action(out: Path, name: str, **more: Any) -> dict[str, Any]:
    """Return an action that leaves its name, with a rollback that leaves it too."""
    undo = {"cmd": marking(out, f"undo {name}")}
    return {"name": name, "cmd": marking(out, f"do {name}"), "rollback": undo, **more}


def exists(path: Path) -> list[str]:
    """Return the argv of a look that holds when ``path`` exists."""
    return ["/usr/bin/test", "-e", str(path)]


async def until_scheduled(handle: WorkflowHandle[Any, Any], name: str) -> None:
    """Wait until the start of an action is in the history."""
    async with asyncio.timeout(PATIENCE):
        while not await _is_scheduled(handle, name):
            await asyncio.sleep(0.05)


async def _is_scheduled(handle: WorkflowHandle[Any, Any], name: str) -> bool:
    summaries = [event.user_metadata.summary.data async for event in handle.fetch_history_events()]
    return f'"{name}"'.encode() in summaries


async def ended(bench: Bench, name: str, **labels: str) -> tuple[WorkflowHandle[Any, Any], dict[str, Any]]:
    """Send an alert and return its episode with its first attempt."""
    bench.source.reload()
    handle = await bench.send(bench.alert(name, **labels))
    return handle, (await bench.until_attempts(handle, 1))["attempts"][0]


async def test_what_holds_for_long_enough_is_remediated(bench: Bench, tmp_path: Path, out: Path) -> None:
    """The verification is looked at until it holds on end, and stands in the ledger with what was found."""
    done = tmp_path / "done"
    make = {"name": "make", "cmd": ["/usr/bin/touch", str(done)], "rollback": {"cmd": marking(out, "undo")}}
    verify = {"cmd": exists(done), "for": "1s", "within": "20s", "every": "1s"}
    bench.rulebook.add("CareHeld", mode="auto", actions=[make], verify=verify)
    async with bench.working():
        handle, attempt = await ended(bench, "CareHeld")
        assert attempt["outcome"] == "remediated"
        assert (attempt["verification"]["verdict"], attempt["verification"]["kind"]) == ("held", "cmd")
        assert attempt["verification"]["samples"] >= 2
        assert marks(out) == []
        [entry] = await bench.entries_of(handle, "auto_remediation")
        assert entry["parts"]["remediation"]["verification"]["verdict"] == "held"


async def test_what_does_not_help_is_undone_in_reverse(bench: Bench, receiver: Receiver, out: Path) -> None:
    """Verification fails, the rollbacks run from the last action to the first, each proved, and a human is told."""
    bench.use_receiver(receiver)
    actions = [action(out, "first"), action(out, "second")]
    verify = {"cmd": ["/bin/false"], "within": "2s", "every": "1s"}
    bench.rulebook.add("CareUndone", mode="auto", actions=actions, verify=verify)
    async with bench.working():
        handle, attempt = await ended(bench, "CareUndone")
        assert attempt["outcome"] == "rolled_back"
        assert attempt["reason"].startswith("verification failed")
        assert marks(out) == ["do first", "do second", "undo second", "undo first"]
        names = [result["name"] for result in attempt["results"]]
        assert names == ["first", "second", "second/rollback", "first/rollback"]
        started = [entry["parts"]["claim"]["action"] for entry in await bench.entries_of(handle, "action.started")]
        assert started == names
        await receiver.until(2)
        told = [request.json for request in receiver.requests if request.path == "/notify"]
        assert [each["reason"] for each in told] == ["rolled_back"]


async def test_a_failing_action_undoes_what_came_before_it(bench: Bench, out: Path) -> None:
    """The action that failed is undone too, since it may have got half way; what never started is not."""
    actions = [
        action(out, "first"),
        action(out, "broken", cmd=["/bin/false"]),
        action(out, "never"),
    ]
    bench.rulebook.add("CareHalf", mode="auto", actions=actions)
    async with bench.working():
        _, attempt = await ended(bench, "CareHalf")
        assert attempt["outcome"] == "rolled_back"
        assert attempt["reason"] == "broken: exit code 1; rolled back"
        assert marks(out) == ["do first", "undo broken", "undo first"]


async def test_a_rollback_that_fails_is_loud(bench: Bench, receiver: Receiver, out: Path) -> None:
    """The outcome is failed, says what is left, the other rollbacks still ran, and the ledger has all of it."""
    bench.use_receiver(receiver)
    actions = [action(out, "first"), action(out, "second", rollback={"cmd": ["/bin/false"]})]
    bench.rulebook.add("CareStuck", mode="auto", actions=actions, verify={"cmd": ["/bin/false"], "within": 1})
    async with bench.working():
        handle, attempt = await ended(bench, "CareStuck")
        assert attempt["outcome"] == "failed"
        assert "second/rollback failed: exit code 1: look at what is left of it" in attempt["reason"]
        assert marks(out) == ["do first", "do second", "undo first"]
        results = await bench.entries_of(handle, "action.finished")
        assert [entry["parts"]["result"]["status"] for entry in results] == [
            "succeeded",
            "succeeded",
            "failed",
            "succeeded",
        ]
        await receiver.until(2)


async def test_nobody_can_say_is_unknown_and_undoes_nothing(bench: Bench, receiver: Receiver, out: Path) -> None:
    """A Prometheus that is away does not undo what may have helped."""
    bench.use_receiver(receiver)
    receiver.fail_prometheus(503)
    bench.rulebook.add("CareBlind", mode="auto", actions=[action(out, "a")], verify={"promql": "up == 1", "within": 1})
    async with bench.working():
        _, attempt = await ended(bench, "CareBlind")
        assert attempt["outcome"] == "unknown"
        assert "nobody could say whether it helped" in attempt["reason"]
        assert marks(out) == ["do a"]


async def test_prometheus_and_http_can_verify(bench: Bench, receiver: Receiver, out: Path) -> None:
    """A query with a result holds, a 2xx holds; a 500 does not."""
    bench.use_receiver(receiver)
    receiver.prometheus([{"instance": "v-1"}])
    query = 'up{instance="{labels.instance}"} == 1'
    bench.rulebook.add("CareQuery", mode="auto", actions=[action(out, "a")], verify={"promql": query, "within": 5})
    bench.rulebook.add(
        "CareHttp",
        mode="auto",
        actions=[action(out, "b")],
        verify={"http": {"method": "GET", "url": f"{receiver.url}/health"}, "within": 1},
    )
    receiver.answer("/health", 500)
    async with bench.working():
        _, attempt = await ended(bench, "CareQuery", instance="v-1")
        assert attempt["outcome"] == "remediated"
        assert 'up{instance="v-1"} == 1' in receiver.queries
        _, attempt = await ended(bench, "CareHttp", instance="v-2")
        assert attempt["outcome"] == "rolled_back"


async def test_the_alert_must_resolve(bench: Bench, out: Path) -> None:
    """With resolved the attempt waits for the alert itself; one that goes on firing is rolled back when the time is over."""
    verify = {"resolved": True, "within": "10m"}
    for name in ("CareResolves", "CareFires"):
        bench.rulebook.add(name, mode="auto", actions=[action(out, name)], verify=verify)
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("CareResolves")
        resolving = await bench.send(alert)
        await bench.until(resolving, state="verifying")
        await bench.resolve(alert)
        assert (await bench.until_attempts(resolving, 1))["outcome"] == "remediated"
        firing = await bench.send(bench.alert("CareFires"))
        await bench.until(firing, state="verifying")
        await bench.pass_time(firing, minutes=11)
        assert (await bench.until_attempts(firing, 1))["outcome"] == "rolled_back"
        assert marks(out) == ["do CareResolves", "do CareFires", "undo CareFires"]


async def test_people_are_asked_about_the_rollback(bench: Bench, out: Path) -> None:
    """With a policy of its own nothing is undone without its own votes; the alert may resolve meanwhile."""
    asked = {"approve": 2, "timeout": "30m"}
    verify = {"cmd": ["/bin/false"], "within": 1}
    bench.rulebook.add("CareAsk", mode="auto", actions=[action(out, "a")], verify=verify, rollback_approval=asked)
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("CareAsk")
        handle = await bench.send(alert)
        document = await bench.until(handle, state="awaiting_approval")
        assert document["approval"]["about"] == "rollback"
        assert document["approval"]["required"]["approve"] == 2
        assert "verification failed" in document["state_reason"]
        await bench.resolve(alert)
        assert (await bench.vote(handle, "alice@example.com"))["status"] == "pending"
        assert marks(out) == ["do a"]
        await bench.vote(handle, "bob@example.com")
        attempt = (await bench.until_attempts(handle, 1))["attempts"][0]
        assert attempt["outcome"] == "rolled_back"
        assert marks(out) == ["do a", "undo a"]
        [decision] = await bench.entries_of(handle, "approval_quorum_decision")
        assert decision["parts"]["approval"]["decision"] == "approve"


async def test_a_rollback_that_nobody_allows_is_not_run(bench: Bench, out: Path) -> None:
    """A no, or silence, leaves what was done and says so."""
    asked = {"timeout": "30m"}
    verify = {"cmd": ["/bin/false"], "within": 1}
    for name in ("CareNo", "CareSilence"):
        bench.rulebook.add(name, mode="auto", actions=[action(out, name)], verify=verify, rollback_approval=asked)
    bench.source.reload()
    async with bench.working():
        refused = await bench.send(bench.alert("CareNo"))
        await bench.until(refused, state="awaiting_approval")
        await bench.vote(refused, "alice@example.com", "reject")
        attempt = (await bench.until_attempts(refused, 1))["attempts"][0]
        assert (attempt["outcome"], attempt["ran"]) == ("failed", True)
        assert "not rolled back: rejected by alice@example.com" in attempt["reason"]
        silent = await bench.send(bench.alert("CareSilence"))
        await bench.until(silent, state="awaiting_approval")
        await bench.pass_time(silent, minutes=31)
        attempt = (await bench.until_attempts(silent, 1))["attempts"][0]
        assert "not rolled back: nobody decided in time" in attempt["reason"]
        assert marks(out) == ["do CareNo", "do CareSilence"]


async def test_a_cancel_rolls_back(bench: Bench, out: Path, tmp_path: Path) -> None:
    """Cancelled while it runs: the command is ended, what was done is undone, and the outcome stays cancelled."""
    slow = action(out, "slow", cmd=["/bin/sh", "-c", 'touch "$1"; exec sleep 60', "sh", str(tmp_path / "begun")])
    bench.rulebook.add("CareCancel", mode="auto", actions=[action(out, "first"), slow])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("CareCancel"))
        async with asyncio.timeout(20):
            while not (tmp_path / "begun").exists():
                await asyncio.sleep(0.05)
        await bench.override(handle, "cancel", "maintenance")
        attempt = (await bench.until_attempts(handle, 1))["attempts"][0]
        assert (attempt["outcome"], attempt["ran"]) == ("cancelled", True)
        assert attempt["reason"] == "cancelled by oncall@example.com: maintenance; rolled back"
        assert marks(out) == ["do first", "undo slow", "undo first"]


@pytest.mark.parametrize("before", [(), ("first",)])
async def test_what_never_began_is_not_undone(bench: Bench, out: Path, before: tuple[str, ...]) -> None:
    """An action that is cancelled while no runner serves it has done nothing: only what ran before it is undone."""
    name = f"CareVoid{len(before)}"
    waiting = action(out, "waiting", runner=f"edge-void-{len(before)}")
    bench.rulebook.add(name, mode="auto", actions=[*(action(out, one) for one in before), waiting])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert(name))
        await until_scheduled(handle, "waiting")
        await bench.override(handle, "cancel", "maintenance")
        attempt = (await bench.until_attempts(handle, 1))["attempts"][0]
        assert (attempt["outcome"], attempt["ran"]) == ("cancelled", bool(before))
        assert marks(out) == [mark for one in before for mark in (f"do {one}", f"undo {one}")]


async def test_a_check_spares_what_is_done(bench: Bench, out: Path, tmp_path: Path) -> None:
    """An idempotent action that failed is not started again once its check says that it is done."""
    done = tmp_path / "done"
    half = {
        "name": "half",
        "cmd": ["/bin/sh", "-c", 'echo run >> "$1"; touch "$2"; exit 1', "sh", str(out), str(done)],
        "idempotent": True,
        "retry": {"attempts": 3, "backoff": "1s"},
        "check": exists(done),
    }
    bench.rulebook.add("CareCheck", mode="auto", actions=[half])
    async with bench.working():
        _, attempt = await ended(bench, "CareCheck")
        assert attempt["outcome"] == "remediated"
        assert attempt["results"][0]["reason"] == "its check says that it is done"
        assert marks(out) == ["run"]


async def test_a_dry_run_neither_verifies_nor_undoes(bench: Bench, out: Path) -> None:
    """Only the plan shows what would be looked at and undone."""
    verify = {"cmd": ["/bin/false"], "within": 1}
    bench.rulebook.add("CareDry", mode="auto", dry_run=True, actions=[action(out, "a")], verify=verify)
    async with bench.working():
        handle, attempt = await ended(bench, "CareDry")
        assert (attempt["outcome"], attempt["verification"]) == ("dry_run", None)
        plan = (await bench.status(handle))["plan"]
        assert plan["verify"] == "/bin/false, within 1 s"
        assert "undo a" in plan["actions"][0]["rollback"]
        assert marks(out) == []
