"""Starts the supervisor of one command and lets go of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from activities.execution.capture import Capture
from activities.execution.link import OutputReader

if TYPE_CHECKING:
    from activities.execution.link import SupervisorLink

SUPERVISOR = Path(__file__).with_name("supervisor.py")


@dataclass(slots=True)
class Supervised:
    """The supervisor process with both output captures; `pipes` are the inodes of the output pipes."""

    process: asyncio.subprocess.Process
    link: SupervisorLink
    stdout: Capture
    stderr: Capture
    pipes: frozenset[int]
    readers: tuple[OutputReader, OutputReader]

    def kill(self) -> None:
        """SIGKILL the supervisor, which takes the command along."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()

    async def close(self, wait: float) -> int | None:
        """Read the rest of the output and reap, each in at most `wait` seconds; the supervisor's exit status, if it has one.

        Leaving the socket is what ends a command that still runs.
        """
        self.link.abandon()
        await asyncio.wait({reader.closed for reader in self.readers}, timeout=wait)
        for reader in self.readers:
            reader.abandon()
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(self.process.wait(), wait)
        return None


async def spawn_supervisor(link: SupervisorLink, capture_bytes: int) -> Supervised:
    """Start a supervisor that waits for its request on `link`. OSError when the system has no room for it.

    It gets a session of its own, so that signals to the worker's group do not reach it, and nothing of the worker's
    environment.
    """
    if not sys.executable:
        raise FileNotFoundError("the running Python does not know its own path, so it cannot start the supervisor")
    loop = asyncio.get_running_loop()
    captures = Capture(capture_bytes), Capture(capture_bytes)
    readers = OutputReader(captures[0], loop), OutputReader(captures[1], loop)
    with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
        near, far = socket.socketpair()
        ours.callback(near.close)
        theirs.callback(far.close)
        writers = []
        pipes = set()
        for reader in readers:
            read, write = os.pipe()
            file = ours.enter_context(os.fdopen(read, "rb", buffering=0))
            theirs.callback(os.close, write)
            writers.append(write)
            pipes.add(os.fstat(read).st_ino)
            transport, _ = await loop.connect_read_pipe(partial(_same, reader), file)
            ours.callback(transport.close)
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", str(SUPERVISOR)),
            stdin=far.fileno(),
            stdout=writers[0],
            stderr=writers[1],
            env={},
            cwd="/",
            start_new_session=True,
        )
        ours.callback(process.kill)
        await loop.create_unix_connection(lambda: link, sock=near)
        ours.pop_all()
    return Supervised(process, link, *captures, frozenset(pipes), readers)


def _same(reader: OutputReader) -> OutputReader:
    return reader
