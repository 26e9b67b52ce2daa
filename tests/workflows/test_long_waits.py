"""Waits in the middle of an attempt: a history is bounded, and the episode outlives what keeps it waiting."""

from __future__ import annotations

import asyncio
from pathlib import Path

from lumen import names
from tests.stack.bench import PATIENCE, Bench
from tests.workflows.test_loop import marking, marks

WHO = {"actor": "oncall@example.com", "reason": "tests"}


async def test_a_freeze_between_two_actions_fills_no_history(bench: Bench, out: Path, tmp_path: Path) -> None:
    """The looks of an action that is frozen come ever more seldom; once the freeze ends, it starts."""
    begun, go = tmp_path / "begun", tmp_path / "go"
    until = 'touch "$1"; while [ ! -e "$2" ]; do sleep 0.05; done'
    first = {"name": "first", "cmd": ["/bin/sh", "-c", until, "sh", str(begun), str(go)]}
    bench.rulebook.add("LongFreeze", mode="auto", actions=[first, {"name": "second", "cmd": marking(out)}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("LongFreeze"))
        async with asyncio.timeout(PATIENCE):
            while not begun.exists():
                await asyncio.sleep(0.02)
        freeze = await bench.client.start_workflow(
            names.FREEZE_WORKFLOW, WHO, id=names.FREEZE_ID, task_queue=names.TASK_QUEUE, memo=WHO
        )
        go.touch()
        await bench.until(handle, state="blocked")
        before = (await handle.describe()).history_length
        await bench.pass_time(handle, minutes=20)
        assert (await handle.describe()).history_length - before < 100
        assert marks(out) == []
        await freeze.signal("unfreeze", WHO)
        assert (await bench.until_attempts(handle, 1))["outcome"] == "remediated"
    assert len(marks(out)) == 1
