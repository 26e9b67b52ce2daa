"""Doing the faults of a plan to a stack, and undoing every one of them."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.operator import cancel_some, override_some
from tests.chaos.pipe import Flow
from tests.chaos.plan import Fault
from tests.chaos.recorder import Loss
from tests.chaos.stack import WORKERS, Stack

_UNLIMITED = (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
_ELSEWHERE = {"link", "http", "outside"}
"""Kinds that trouble no process, though a target may have the name of one."""
_SYSCALLS = {"write errors": "write,pwrite64,pwritev", "sync errors": "fsync,fdatasync"}


@dataclass
class Breaker:
    """Does faults, and keeps what was done when: ``done`` and ``put_back`` are what ``trial.json`` wants."""

    stack: Stack
    done: list[dict[str, Any]] = field(default_factory=list)
    put_back: dict[str, float] | None = None

    async def run(self, plan: list[Fault]) -> None:
        """Do all faults at their times, and return when the last is over."""
        began = time.monotonic()
        async with asyncio.TaskGroup() as group:
            for fault in plan:
                group.create_task(self._at(began, fault))

    async def _at(self, began: float, fault: Fault) -> None:
        await asyncio.sleep(max(0.0, began + fault.at - time.monotonic()))
        ways: dict[str, Callable[[Fault], Awaitable[list[str] | None]]] = {
            "kill": self._kill,
            "stop": self._stop,
            "restart": self._restart,
            "link": self._link,
            "http": self._http,
            "disk": self._disk,
            "put_back": self._put_back,
            "down": self._kill,
            "outside": self._outside,
            "pause": self._stop,
            "cancel": self._cancel,
            "override": self._override,
        }
        async with AsyncExitStack() as held:
            processes = ("temporal", *WORKERS) if fault.kind == "put_back" else tuple(fault.target.split("+"))
            # One process has one trouble at a time; always in the same order, so that nobody waits in a circle.
            for name in sorted(self.stack.locks.keys() & processes if fault.kind not in _ELSEWHERE else ()):
                await held.enter_async_context(self.stack.locks[name])
            record: dict[str, Any] = {"at": time.monotonic(), "until": None, "fault": fault.kind}
            record |= {"target": fault.target, "detail": fault.detail}
            self.done.append(record)
            record["episodes"] = await ways[fault.kind](fault) or []
            record["until"] = time.monotonic()

    async def _kill(self, fault: Fault) -> None:
        names = fault.target.split("+")
        for name in names:
            await self.stack.end(name)
        await asyncio.sleep(fault.seconds)
        for name in names:
            self.stack.children[name].start()

    async def _restart(self, fault: Fault) -> None:
        await self.stack.end(fault.target, signal.SIGTERM)
        await asyncio.sleep(fault.seconds)
        self.stack.children[fault.target].start()

    async def _stop(self, fault: Fault) -> None:
        names = fault.target.split("+")
        for name in names:
            self.stack.children[name].pause()
        await asyncio.sleep(fault.seconds)
        for name in names:
            self.stack.children[name].resume()

    async def _link(self, fault: Fault) -> None:
        pipe = self.stack.pipes[fault.target]
        if fault.detail == "cut":
            pipe.cut()
            return
        pipe.disturb(Flow(fault.detail), delay=0.2)
        await asyncio.sleep(fault.seconds)
        pipe.disturb(Flow.PASS)

    async def _http(self, fault: Fault) -> None:
        recorders = [self.stack.recorders[name] for name in fault.target.split("+")]
        for one in recorders:
            one.delay = 1.5 if fault.detail == "delay" else 0.0
            one.loss = Loss.NOTHING if fault.detail == "delay" else Loss(fault.detail)
        await asyncio.sleep(fault.seconds)
        for one in recorders:
            one.delay, one.loss = 0.0, Loss.NOTHING

    async def _outside(self, fault: Fault) -> None:
        if fault.detail != "errors":
            await self._link(fault)
            return
        if fault.target == "slack":
            self.stack.slack.ratelimit(20)
            await self.stack.slack.go_down(refuse=False)
            await asyncio.sleep(fault.seconds)
            await self.stack.slack.come_back()
            return
        self.stack.outside.failing.add(fault.target)
        await asyncio.sleep(fault.seconds)
        self.stack.outside.failing.discard(fault.target)

    async def _disk(self, fault: Fault) -> None:
        """Let proofd's writes fail; afterwards there is room again, and proofd is started anew as an operator would."""
        child = self.stack.children["proofd"]
        if fault.detail in _SYSCALLS:
            what = f"inject={_SYSCALLS[fault.detail]}:error=EIO:when=2+2"
            argv = ["strace", "-f", "-qq", "-o", "/dev/null", "-e", what, "-p", str(child.pid)]
            quiet = asyncio.subprocess.DEVNULL
            tracer = await asyncio.create_subprocess_exec(*argv, stdout=quiet, stderr=quiet, start_new_session=True)
            await asyncio.sleep(fault.seconds)
            with contextlib.suppress(ProcessLookupError):
                tracer.send_signal(signal.SIGTERM)
            await tracer.wait()
        else:
            wal = self.stack.folder / "proof.db-wal"
            size = wal.stat().st_size if wal.exists() else 0
            # "torn": there is room for a part of a page.
            room = size + 1500 if fault.detail == "torn" else 0
            resource.prlimit(child.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
            await asyncio.sleep(fault.seconds)
            if not child.ended:
                resource.prlimit(child.pid, resource.RLIMIT_FSIZE, _UNLIMITED)
        await self.stack.end("proofd", signal.SIGTERM)
        self.stack.children["proofd"].start()

    async def _put_back(self, fault: Fault) -> None:
        """Copy Temporal's database while it runs; later stop workers and Temporal, put the copy back, start them again."""
        copy = self.stack.folder / "backup.db"
        await asyncio.to_thread(_backup, self.stack.site.database, copy)
        copied = time.monotonic()
        await asyncio.sleep(fault.seconds)
        await asyncio.gather(*(self.stack.end(name, signal.SIGTERM) for name in WORKERS))
        await self.stack.end("temporal", signal.SIGTERM)
        stopped = time.monotonic()
        for file in self.stack.folder.glob("temporal.db*"):
            file.unlink()
        copy.rename(self.stack.site.database)
        self.stack.children["temporal"].start()
        await self.stack.until_up("temporal")
        for name in WORKERS:
            self.stack.children[name].start()
        self.put_back = {"copied": copied, "stopped": stopped, "restored": time.monotonic()}

    async def _cancel(self, fault: Fault) -> list[str]:
        return await cancel_some(self.stack, fault)

    async def _override(self, fault: Fault) -> list[str]:
        return await override_some(self.stack, fault)


def _backup(database: Path, to: Path) -> None:
    """Copy a database as the operator's manual says."""
    old = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)
    new = sqlite3.connect(to)
    with contextlib.closing(old), contextlib.closing(new):
        old.backup(new)
