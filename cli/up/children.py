"""The processes that ``lumen up`` starts: in order, watched, and stopped in reverse order."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cli.tether
from cli.failure import CommandError
from cli.up.logfile import ChildLog

_CHUNK = 64 * 1024
_DRAIN = 1.0
_HEARD_CTRL_C = 1.0


class StopRequestedError(Exception):
    """Somebody asked ``lumen up`` to stop."""


@dataclass(frozen=True)
class Piece:
    """One process. ``ready`` returns once it can be used; ``grace`` is how many seconds it gets to end by itself."""

    name: str
    argv: tuple[str, ...]
    environ: Mapping[str, str]
    ready: Callable[[], Awaitable[None]]
    ready_within: float = 60.0
    grace: float = 10.0
    shows_errors: bool = True


@dataclass
class _Child:
    piece: Piece
    process: asyncio.subprocess.Process
    log: ChildLog
    pump: asyncio.Task[None]
    gone: asyncio.Task[int] = field(repr=False)


class Children:
    """Starts pieces one after the other. The first that ends by itself ends all."""

    def __init__(self, logs: Path, tell: Callable[[str], None]) -> None:
        """Keep the logs in the folder ``logs``; ``tell`` shows a line to the person."""
        self._logs = logs
        self._tell = tell
        self._children: list[_Child] = []
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()

    def request_stop(self) -> None:
        """Stop everything in order; asked again, at once."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    async def start(self, piece: Piece) -> None:
        """Start a piece and return when it is ready.

        Raises:
            CommandError: it (or another) ended, or is not ready in time.
            StopRequestedError: somebody asked to stop.

        """
        argv = (sys.executable, "-I", "-S", cli.tether.__file__, str(os.getpid()), *piece.argv)
        # The pipe is our own: asyncio's wait() for a child would also wait for whatever else holds its pipe open.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                env=dict(piece.environ),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=asyncio.subprocess.STDOUT,
            )
        finally:
            os.close(writing)
        show = (lambda message: self._tell(f"{piece.name}: {message}")) if piece.shows_errors else None
        log = ChildLog(self._logs / f"{piece.name}.log", show)
        pump = asyncio.create_task(_pump(reading, log))
        self._children.append(_Child(piece, process, log, pump, asyncio.create_task(process.wait())))
        try:
            await self.until(asyncio.wait_for(piece.ready(), piece.ready_within))
        except TimeoutError:
            message = f"{piece.name} is not ready after {piece.ready_within:.0f} s"
            raise CommandError(_with_log(message, log)) from None

    async def until(self, work: Coroutine[Any, Any, object]) -> None:
        """Return when ``work`` is done, unless a child ends or a stop is requested before.

        Raises:
            CommandError: a child ended by itself.
            StopRequestedError: somebody asked to stop.

        """
        working, stopping = asyncio.create_task(work), asyncio.create_task(self._stop.wait())
        try:
            ends = {child.gone for child in self._children}
            await asyncio.wait({working, stopping, *ends}, return_when=asyncio.FIRST_COMPLETED)
            if not self._stop.is_set() and any(end.done() for end in ends):
                # A terminal's Ctrl-C reaches the children too, and one of them may have been quicker than this process.
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._stop.wait(), _HEARD_CTRL_C)
            if self._stop.is_set():
                raise StopRequestedError
            for child in self._children:
                if child.gone.done():
                    raise CommandError(await _epitaph(child))
            await working
        finally:
            for task in (working, stopping):
                task.cancel()
            await asyncio.gather(working, stopping, return_exceptions=True)

    async def stop_all(self) -> None:
        """End every child, the last started first, each by SIGTERM and, when its grace is over, by SIGKILL."""
        for child in reversed(self._children):
            await self._end(child)
        self._children.clear()

    async def _end(self, child: _Child) -> None:
        if not child.gone.done():
            with suppress(ProcessLookupError):
                child.process.send_signal(signal.SIGTERM)
            hurry = asyncio.create_task(self._hurry.wait())
            await asyncio.wait({child.gone, hurry}, timeout=child.piece.grace, return_when=asyncio.FIRST_COMPLETED)
            hurry.cancel()
        if not child.gone.done():
            if not self._hurry.is_set():
                self._tell(f"{child.piece.name} did not stop within {child.piece.grace:.0f} s: killed")
            with suppress(ProcessLookupError):
                child.process.kill()
        await child.gone
        await _drain(child)
        child.log.close()


async def _pump(reading: int, log: ChildLog) -> None:
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(reading, "rb", 0)
    )
    try:
        while chunk := await stream.read(_CHUNK):
            log.write(chunk)
    finally:
        transport.close()


async def _drain(child: _Child) -> None:
    """Take what is left in the pipe; something else may hold its other end, so not for ever."""
    await asyncio.wait({child.pump}, timeout=_DRAIN)
    child.pump.cancel()
    await asyncio.gather(child.pump, return_exceptions=True)


async def _epitaph(child: _Child) -> str:
    await _drain(child)
    code = child.gone.result()
    how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
    return _with_log(f"{child.piece.name} {how}", child.log)


def _with_log(message: str, log: ChildLog) -> str:
    last = log.last_lines()
    heading = f"{message}; its log is {log.path}"
    return "\n".join([heading + (", which ends:" if last else ""), *(f"  {line}" for line in last)])
