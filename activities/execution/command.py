"""Runs one command to its end, whatever the command, the worker or the supervisor does. Linux only."""

from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

from activities.execution.leftovers import KEY_VARIABLE, Marks, end_marked
from activities.execution.link import SupervisorLink, encode_request
from activities.execution.model import CommandResult, CommandSpec, not_started, start_error
from activities.execution.supervised import spawn_supervisor

if TYPE_CHECKING:
    from collections.abc import Callable

    from activities.execution.standby import Standby
    from activities.execution.supervised import Supervised

__all__ = ["CommandResult", "CommandSpec", "RunningCommand", "run_command"]

PROGRESS_INTERVAL = 1.0  # seconds between two calls of on_progress
OVERTIME = 15.0  # seconds beyond timeout and grace in which a healthy supervisor is surely done
LETTING_GO = 2.0  # seconds for what should take none once the supervisor is gone: read the rest, reap, sweep


class RunningCommand:
    """A command on its way, from its start on. Made and used inside one running event loop.

    It goes on to its end, and its result stays obtainable, whoever waits for it or stops waiting. If the loop or the
    process goes away, the command is killed.
    """

    def __init__(self, spec: CommandSpec, standby: Standby | None = None) -> None:
        """Begin to start the command, with the supervisor of `standby` if one is ready.

        NotImplementedError where there is no Linux.
        """
        if sys.platform != "linux":
            raise NotImplementedError(f"commands run on Linux only, not on {sys.platform}: run this worker on Linux")
        self._spec = spec
        self._loop = asyncio.get_running_loop()
        self._ready = standby.take() if standby is not None and standby.capture_bytes == spec.capture_bytes else None
        self._link = SupervisorLink(self._loop) if self._ready is None else self._ready.link
        self._supervised: Supervised | None = None  # once it was asked to start the command
        self._cancel_requested = False
        self._why_lost = ""
        self._watchdog: asyncio.TimerHandle | None = None
        self._end = asyncio.create_task(self._run())

    @property
    def pid(self) -> int | None:
        """Pid of the command, also its session and process group; None until it has started, or when it did not."""
        return self._link.pid

    @property
    def done(self) -> bool:
        """Whether the result is there."""
        return self._end.done()

    def said(self, limit: int) -> dict[str, str]:
        """Return the last part of what it has printed so far, at most ``limit`` bytes by stream; less once it has ended."""
        found = self._supervised
        return {"stdout": found.stdout.last(limit), "stderr": found.stderr.last(limit)} if found else {}

    async def started(self) -> bool:
        """Wait until it is known whether the command started. False: surely not."""
        await asyncio.wait({self._link.start_known})
        return self._may_have_run()

    def request_cancel(self) -> None:
        """Ask the command to end: SIGTERM to its group, grace, SIGKILL. Before its start: it will not start. Idempotent."""
        if self._cancel_requested or self._end.done():
            return
        self._cancel_requested = True
        if self._supervised is not None:
            self._link.send(b"c")
            self._watch(self._supervised, self._spec.grace)

    async def wait(self, on_progress: Callable[[], None] | None = None) -> CommandResult:
        """Wait for the end. May be called again, also after it was cancelled, which does nothing to the command.

        `on_progress` is called about once a second meanwhile, whether the command prints anything or not.
        """
        while not self._end.done():
            await asyncio.wait({self._end}, timeout=PROGRESS_INTERVAL)
            if on_progress is not None and not self._end.done():
                on_progress()
        return self._end.result()

    async def _run(self) -> CommandResult:
        spec, link = self._spec, self._link
        try:
            request = encode_request(spec)
            ready = self._ready
            supervised = await spawn_supervisor(link, spec.capture_bytes) if ready is None else ready.supervised
        except (OSError, ValueError, RuntimeError) as error:  # RuntimeError: no room for one more thread
            link.connection_lost(None)
            if self._ready is not None:
                await self._ready.supervised.close(LETTING_GO)
            return not_started(f"cannot start the command: {error}")
        try:
            if self._cancel_requested:
                link.abandon()
            else:
                self._supervised = supervised
                for capture in (supervised.stdout, supervised.stderr):
                    capture.hide(spec.hidden)
                link.send(request)
                self._watch(supervised, spec.timeout + spec.grace)
            await asyncio.wait({link.closed})
            if link.survivors is None and self._may_have_run():
                await asyncio.to_thread(end_marked, self._marks(supervised), LETTING_GO)
        finally:  # also when the loop is closing: leaving the socket ends the command
            if self._watchdog is not None:
                self._watchdog.cancel()
            status = await supervised.close(LETTING_GO)
        return self._result(supervised, status)

    def _watch(self, supervised: Supervised, seconds: float) -> None:
        """Allow the supervisor this time and OVERTIME (one stopped by SIGSTOP ends nothing)."""
        if self._watchdog is not None:
            self._watchdog.cancel()
        self._watchdog = self._loop.call_later(seconds + OVERTIME, self._give_up, supervised)

    def _give_up(self, supervised: Supervised) -> None:
        """Kill an overdue supervisor, whereupon the kernel ends the command; leave even if it cannot die."""
        self._why_lost = "the supervisor was overdue and was killed"
        supervised.kill()
        self._watchdog = self._loop.call_later(LETTING_GO, self._link.abandon)

    def _may_have_run(self) -> bool:
        return self._link.starting and self._link.failed is None

    def _marks(self, supervised: Supervised) -> Marks:
        key = self._spec.env.get(KEY_VARIABLE, "")
        return Marks(
            session=self.pid or 0,
            pipes=supervised.pipes,
            key=os.fsencode(f"{KEY_VARIABLE}={key}") if key else b"",
        )

    def _result(self, supervised: Supervised, status: int | None) -> CommandResult:
        link, ending = self._link, self._link.ending
        stdout, stderr = supervised.stdout.captured(), supervised.stderr.captured()
        if not self._may_have_run():
            if link.failed is not None:
                return not_started(start_error(self._spec, *link.failed), cancelled=link.failed[0] == "cancel")
            if self._supervised is None:
                return not_started(start_error(self._spec, "cancel", 0), cancelled=True)
            said = stderr.text.strip().rpartition("\n")[2]
            return not_started(f"cannot start the command: its supervisor ended (status {status}): {said}")
        lost = self._why_lost or f"the supervisor ended (status {status}) before the command"
        if ending is not None:
            lost = "the command did not end after SIGKILL" if ending.how == "lost" else ""
        return CommandResult(
            started=True,
            exit_code=ending.number if ending is not None and ending.how == "exit" else None,
            signal=ending.number if ending is not None and ending.how == "signal" else None,
            timed_out=ending is not None and ending.cause == "timeout",
            cancelled=self._cancel_requested if ending is None else ending.cause == "cancel",
            start_error="",
            stdout=stdout,
            stderr=stderr,
            duration_sec=self._loop.time() - link.began if ending is None else ending.seconds,
            lost=lost,
            survivors=link.survivors or (),
        )


async def run_command(spec: CommandSpec, *, on_progress: Callable[[], None] | None = None) -> CommandResult:
    """Run one command to its end. CancelledError ends it (SIGTERM, grace, SIGKILL) and is raised again when it has ended.

    Who needs the result of a cancelled command uses RunningCommand. `on_progress`: see RunningCommand.wait; what it
    raises ends the command likewise. NotImplementedError where there is no Linux.
    """
    running = RunningCommand(spec)
    try:
        return await running.wait(on_progress)
    except BaseException:
        running.request_cancel()
        await finished(running)
        raise


async def finished(running: RunningCommand) -> CommandResult:
    """Wait for the end even while being cancelled again; its supervisor bounds the time."""
    while True:
        try:
            return await running.wait()
        except asyncio.CancelledError:
            if running.done:
                raise
