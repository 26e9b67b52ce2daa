"""The loop itself: an alert becomes one episode, acts once, is proved, and closes."""

from __future__ import annotations

from pathlib import Path

from tests.stack.bench import Bench


def marks(path: Path) -> list[str]:
    """Return the lines that the commands of a test left."""
    return path.read_text().splitlines() if path.exists() else []


def marking(path: Path, text: str = "$LUMEN_IDEMPOTENCY_KEY") -> list[str]:
    """Return the argv of a command that appends one line to ``path``."""
    return ["/bin/sh", "-c", f'echo "{text}" >> "$1"', "sh", str(path)]


async def test_auto_rule_runs_once_and_is_proved(bench: Bench, tmp_path: Path) -> None:
    """In auto mode the command runs once, with its key, and claim, result and outcome stand in the ledger."""
    out = tmp_path / "out"
    bench.rulebook.add("LoopAuto", mode="auto", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("LoopAuto", instance="db-1")
        handle = await bench.send(alert)
        done = await bench.until_attempts(handle, 1)
        assert done["outcome"] == "remediated"
        description = await handle.describe()
        key = f"{handle.id}/{description.run_id}/1/mark"
        assert marks(out) == [key]
        kinds = [entry["kind"] for entry in await bench.entries_of(handle)]
        assert kinds == ["action.started", "action.finished", "auto_remediation"]
        await bench.resolve(alert)
        await bench.pass_time(handle, minutes=21)
        assert (await handle.result())["outcome"] == "remediated"


async def test_critical_needs_two_people(bench: Bench, tmp_path: Path) -> None:
    """A critical alert acts only after two distinct allow-listed people approved; one voting twice is one."""
    out = tmp_path / "out"
    bench.rulebook.add("LoopVotes", actions=[{"name": "mark", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("LoopVotes", severity="critical"))
        await bench.until(handle, state="awaiting_approval")
        first = await bench.vote(handle, "alice@example.com")
        assert first["status"] == "pending"
        assert (await bench.vote(handle, "Alice@example.com"))["status"] == "pending"
        assert marks(out) == []
        second = await bench.vote(handle, "bob@example.com")
        assert second["status"] == "approved"
        done = await bench.until_attempts(handle, 1)
        assert done["outcome"] == "remediated"
        assert len(marks(out)) == 1
        kinds = [entry["kind"] for entry in await bench.entries_of(handle)]
        assert kinds == ["approval_quorum_decision", "action.started", "action.finished", "auto_remediation"]
