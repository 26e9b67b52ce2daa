"""Acting: every kind of end an action can have, and what the ledger says of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.stack.bench import Bench
from tests.stack.receiver import Receiver
from tests.workflows.test_loop import marking, marks


async def run_one(bench: Bench, name: str, **rule: Any) -> dict[str, Any]:
    """Run one attempt of a rule in auto mode and return the status."""
    bench.rulebook.add(name, mode="auto", **rule)
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert(name))
        return await bench.until_attempts(handle, 1)


async def test_failing_command_fails_the_attempt_and_tells_a_human(bench: Bench, receiver: Receiver) -> None:
    """A command that exits non-zero ends the attempt ``failed``, stops the actions behind it, and a human is told."""
    bench.use_receiver(receiver)
    actions = [{"name": "bad", "cmd": ["/bin/sh", "-c", "echo broken >&2; exit 3"]}, {"name": "never", "proof": True}]
    done = await run_one(bench, "ActFail", actions=actions)
    assert done["outcome"] == "failed"
    [result] = done["attempts"][0]["results"]
    assert (result["status"], result["detail"]["exit_code"]) == ("failed", 3)
    assert result["detail"]["stderr"]["head"] == "broken\n"
    await receiver.until(2)


async def test_idempotent_action_is_retried_with_the_same_key(bench: Bench, out: Path) -> None:
    """Retries of an idempotent action carry the same key; each start has its own claim and result in the ledger."""
    script = 'echo "$LUMEN_IDEMPOTENCY_KEY" >> "$1"; [ $(wc -l < "$1") -ge 3 ]'
    action = {
        "name": "flaky",
        "cmd": ["/bin/sh", "-c", script, "sh", str(out)],
        "idempotent": True,
        "retry": {"attempts": 3, "backoff": "1s"},
    }
    done = await run_one(bench, "ActRetry", actions=[action])
    assert done["outcome"] == "remediated"
    assert len(marks(out)) == 3
    assert len(set(marks(out))) == 1


async def test_timeout_of_a_command_is_a_failure(bench: Bench) -> None:
    """A command that outlives its timeout is ended and the attempt is ``failed``."""
    done = await run_one(bench, "ActTimeout", actions=[{"name": "slow", "cmd": ["/bin/sleep", "60"], "timeout": 1}])
    assert done["outcome"] == "failed"
    assert done["attempts"][0]["results"][0]["detail"]["timed_out"] is True


@pytest.mark.parametrize("mode", ["approve", "shadow"])
async def test_dry_run_executes_nothing(bench: Bench, out: Path, mode: str) -> None:
    """A dry run asks (in approve mode) and records, and executes nothing; shadow asks nobody."""
    rule = {"dry_run": True} if mode == "approve" else {}
    bench.rulebook.add("ActDry", mode=mode, actions=[{"name": "mark", "cmd": marking(out)}], **rule)
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("ActDry", mode=mode))
        if mode == "approve":
            await bench.until(handle, state="awaiting_approval")
            await bench.vote(handle, "alice@example.com")
        done = await bench.until_attempts(handle, 1)
        assert done["outcome"] == "dry_run"
        assert done["attempts"][0]["results"][0]["status"] == "dry_run"
        assert marks(out) == []
        kinds = [entry["kind"] for entry in await bench.entries_of(handle)]
        assert kinds == (["approval_quorum_decision"] if mode == "approve" else []) + ["auto_remediation"]


async def test_http_control_bus_and_proof_actions(bench: Bench, receiver: Receiver) -> None:
    """The other kinds of action send what the plan says, with the idempotency key, and hide secrets from what is shown."""
    bench.use_receiver(receiver)
    actions = [
        {
            "name": "call",
            "http": {
                "method": "POST",
                "url": f"{receiver.url}/hook/{{labels.instance}}",
                "headers": {"Authorization": "Bearer very-secret"},
                "json": {"instance": "{labels.instance}"},
            },
        },
        {"name": "bus", "control_bus": {"command": "restart", "args": {"unit": "{labels.instance}"}}},
        {"name": "log", "proof": True},
    ]
    bench.rulebook.add("ActKinds", mode="auto", actions=actions)
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("ActKinds", instance="db-1"))
        done = await bench.until_attempts(handle, 1)
        assert done["outcome"] == "remediated", done["attempts"]
        call, bus = receiver.requests
        assert (call.path, call.json, call.headers["authorization"]) == (
            "/hook/db-1",
            {"instance": "db-1"},
            "Bearer very-secret",
        )
        assert call.headers["idempotency-key"].endswith("/1/call")
        assert (bus.path, bus.headers["authorization"]) == ("/bus", "Bearer bus-token")
        assert (bus.json["command"], bus.json["args"]) == ("restart", {"unit": "db-1"})
        assert "very-secret" not in str(done) + str(await bench.entries_of(handle))
        history = (await handle.fetch_history()).to_json()
        assert "very-secret" not in history
        assert "bus-token" not in history


async def test_unanswered_request_is_unknown_and_waits_for_a_human(bench: Bench, receiver: Receiver) -> None:
    """A request that was sent and not answered is ``unknown``: nothing re-runs by itself, a new vote is asked for."""
    bench.use_receiver(receiver)
    receiver.answer("/hook", 200, hold=30)
    action = {"name": "call", "http": {"method": "POST", "url": f"{receiver.url}/hook"}, "timeout": 1}
    bench.rulebook.add("ActUnknown", mode="auto", cooldown="1m", actions=[action])
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("ActUnknown")
        handle = await bench.send(alert)
        assert (await bench.until_attempts(handle, 1))["outcome"] == "unknown"
        await bench.send(bench.again(alert))
        await bench.pass_time(handle, minutes=2)
        assert (await bench.until(handle, state="awaiting_approval"))["mode"] == "auto"
        hooks = [request for request in receiver.requests if request.path == "/hook"]
        assert len(hooks) == 1


async def test_refused_plan_tells_a_human(bench: Bench, receiver: Receiver, out: Path) -> None:
    """A label that a command may not take makes the outcome ``refused``; nothing runs and a human is told."""
    bench.use_receiver(receiver)
    bench.rulebook.add("ActRefuse", mode="auto", actions=[{"name": "mark", "cmd": ["/bin/echo", "{labels.instance}"]}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("ActRefuse", instance="--help"))
        done = await bench.until_attempts(handle, 1)
        assert done["outcome"] == "refused"
        assert "labels.instance" in done["attempts"][0]["reason"]
        await receiver.until(2)
        assert marks(out) == []


HOSTILE = [
    "$(touch x)",
    "`id`",
    "a;b|c&d>e<f",
    "new\nline",
    "quo'te\"s",
    "ünïcødé 漢字",
    "* ? [a] ~ {x}",
    "{labels.alertname}",
]


@pytest.mark.parametrize("value", HOSTILE)
async def test_label_reaches_the_command_as_one_argument(bench: Bench, out: Path, value: str) -> None:
    """Whatever a label holds, it is one argument, as it is: never a shell's business, never another placeholder."""
    params = {"labels.value": "(?s).*"}
    cmd = ["/bin/sh", "-c", 'printf "%s|%s" "$#" "$2" > "$1"', "sh", str(out), "{labels.value}"]
    bench.rulebook.add("ActHostile", mode="auto", params=params, actions=[{"name": "mark", "cmd": cmd}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("ActHostile", value=value))
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
        assert out.read_text() == f"2|{value}"
