"""What is looked at every few seconds: processes, files, workflows, ledger."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any, TextIO

import httpx
from temporalio.client import Client, WorkflowExecution
from temporalio.service import RPCError

from benchmarks.machine import cpu_seconds
from benchmarks.soak.stage import SoakStage

EVERY = 5.0
_HISTORIES_EVERY = 12
_OLDEST = 25
_OPEN = 'ExecutionStatus="Running"'


def process(pid: int) -> dict[str, float]:
    """Return memory in bytes, file descriptors, threads, and processor seconds of a process."""
    rollup = _kib(Path(f"/proc/{pid}/smaps_rollup"))
    return {
        "rss": rollup["Rss"] * 1024,
        "pss": rollup["Pss"] * 1024,
        "uss": (rollup["Private_Clean"] + rollup["Private_Dirty"]) * 1024,
        "fds": _count(Path(f"/proc/{pid}/fd")),
        "threads": _count(Path(f"/proc/{pid}/task")),
        "cpu": cpu_seconds(pid),
    }


def _count(place: Path) -> int:
    return sum(1 for _ in place.iterdir())


def _kib(file: Path) -> dict[str, int]:
    lines = [line.split() for line in file.read_text().splitlines()[1:]]
    return {words[0].rstrip(":"): int(words[1]) for words in lines}


class Sampler:
    """Writes one line of JSON for each look to ``out``; ``t`` is in seconds since :meth:`run` began."""

    def __init__(self, stage: SoakStage, client: Client, out: TextIO) -> None:
        """Look at nothing yet."""
        self._stage = stage
        self._client = client
        self._out = out
        self._pids = stage.pids() | {"load": os.getpid()}
        self.samples: list[dict[str, Any]] = []

    async def run(self) -> None:
        """Look until cancelled."""
        began = time.monotonic()
        async with httpx.AsyncClient(base_url=self._stage.proofd_url, trust_env=False, timeout=30) as ledger:
            number = 0
            while True:
                sample = {"t": round(time.monotonic() - began, 1), **self._look()}
                try:
                    sample |= await self._counts(ledger)
                    if number % _HISTORIES_EVERY == 0:
                        sample["history"] = await self._longest()
                except (httpx.HTTPError, RPCError) as error:
                    sys.stderr.write(f"a look was cut short: {type(error).__name__}: {error}\n")
                self.samples.append(sample)
                self._out.write(json.dumps(sample) + "\n")
                self._out.flush()
                number += 1
                await asyncio.sleep(max(0.0, began + number * EVERY - time.monotonic()))

    def _look(self) -> dict[str, Any]:
        return {
            "processes": {name: process(pid) for name, pid in self._pids.items()},
            "files": {file.name: file.stat().st_size for file in sorted(self._stage.folder.glob("*.db*"))},
            "load": os.getloadavg()[0],
        }

    async def _counts(self, ledger: httpx.AsyncClient) -> dict[str, Any]:
        counted = {
            "open": _OPEN,
            "open_episodes": f'{_OPEN} AND WorkflowType="AlertWorkflow"',
            "closed": 'ExecutionStatus!="Running"',
        }
        found = {name: (await self._client.count_workflows(query)).count for name, query in counted.items()}
        return {"height": (await ledger.get("/head")).json()["height"], **found}

    async def _longest(self) -> dict[str, Any]:
        """Return the longest history (events, bytes) among the oldest episodes and everything else that is open."""
        every = [one async for one in self._client.list_workflows(_OPEN)]
        every.sort(key=lambda one: one.start_time)
        looked_at = every[:_OLDEST] + [one for one in every[_OLDEST:] if one.workflow_type != "AlertWorkflow"]
        longest: tuple[int, int, str] = (0, 0, "")
        for one in looked_at:
            longest = max(longest, await self._size(one))
        return {
            "events": longest[0],
            "bytes": longest[1],
            "of": longest[2],
            "open_by_type": Counter(one.workflow_type for one in every),
        }

    async def _size(self, one: WorkflowExecution) -> tuple[int, int, str]:
        try:
            described = await self._client.get_workflow_handle(one.id, run_id=one.run_id).describe()
        except RPCError:  # it has closed meanwhile and is gone
            return 0, 0, one.id
        info = described.raw_description.workflow_execution_info
        return info.history_length, info.history_size_bytes, one.id
