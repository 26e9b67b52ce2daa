"""An alert that fires and resolves again and again is one episode with one run."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stack.bench import Bench
from tests.workflows.test_loop import marking, marks

FLAPS = 50
RESOLVED_FOR, FIRING_FOR = 6, 5


@pytest.mark.timeout(180)
@pytest.mark.parametrize("target", [{}, {"target": "{labels.instance}"}], ids=["episode", "target"])
async def test_fifty_flaps_in_ten_minutes(bench: Bench, out: Path, target: dict[str, str]) -> None:
    """With `cooldown: 10m` the first firing acts, 49 more within the ten minutes are counted, and nothing else runs."""
    rule = {"mode": "auto", "cooldown": "10m", "actions": [{"name": "mark", "cmd": marking(out)}], **target}
    bench.rulebook.add("Flapping", **rule)
    bench.source.reload()
    async with bench.working():
        alert = bench.alert("Flapping", instance="f-1", kind="target" if target else "episode")
        handle = await bench.send(alert)
        await bench.until_attempts(handle, 1)
        for _ in range(FLAPS - 1):
            await bench.resolve(alert)
            await bench.pass_time(handle, seconds=RESOLVED_FOR)
            await bench.refire(alert)
            await bench.pass_time(handle, seconds=FIRING_FOR)
        document = await bench.until(handle, state="cooling", repeats=FLAPS - 1)
        assert [attempt["outcome"] for attempt in document["attempts"]] == ["remediated"]
        assert len(marks(out)) == 1
        runs = [execution async for execution in bench.client.list_workflows(f'WorkflowId="{handle.id}"')]
        assert len(runs) == 1
        await bench.resolve(alert)
        await bench.pass_time(handle, minutes=21)
        assert await handle.result() == {"outcome": "remediated", "attempts": 1}
        assert len(marks(out)) == 1
        assert len(await bench.entries_of(handle, "auto_remediation")) == 1
