"""A supervisor that is started before it is needed: its start is the longest part of the start of a command."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING

from activities.execution.link import SupervisorLink
from activities.execution.supervised import spawn_supervisor

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from activities.execution.supervised import Supervised

REFILL_AFTER = 0.1  # seconds that the command which took the last one has the machine for itself
CLOSE_WAIT = 2.0  # seconds for an idle supervisor to end once nobody is there any more


@dataclass(frozen=True, slots=True)
class Ready:
    """An idle supervisor, and the link on which it waits for its request."""

    link: SupervisorLink
    supervised: Supervised


class Standby:
    """Keeps one idle supervisor. Made, used and closed inside one running event loop.

    An idle supervisor reads the request that never comes: if this process goes away, however, it ends by itself.
    """

    def __init__(self, capture_bytes: int) -> None:
        """Begin to start the first one; ``capture_bytes`` are kept of each output stream of whoever takes it."""
        self.capture_bytes = capture_bytes
        self._loop = asyncio.get_running_loop()
        self._ready: Ready | None = None
        self._closed = False
        self._due: asyncio.TimerHandle | None = None
        self._starting: asyncio.Task[None] | None = None
        self._refill()

    def take(self) -> Ready | None:
        """Return an idle supervisor that lives, or None: then the command starts its own."""
        ready, self._ready = self._ready, None
        if ready is not None and ready.link.closed.done():
            self._starting = self._loop.create_task(self._replace(ready))
            return None
        if self._due is None and (self._starting is None or self._starting.done()):
            self._due = self._loop.call_later(REFILL_AFTER, self._refill)
        return ready

    def _refill(self) -> None:
        self._due = None
        self._starting = self._loop.create_task(self._start())

    async def _replace(self, dead: Ready) -> None:
        await dead.supervised.close(CLOSE_WAIT)
        await self._start()

    async def _start(self) -> None:
        if self._closed:
            return
        link = SupervisorLink(self._loop)
        try:
            supervised = await spawn_supervisor(link, self.capture_bytes)
        except (OSError, RuntimeError):
            return  # no room now: the next command says so if it is still true then
        if self._closed:
            await supervised.close(CLOSE_WAIT)
        else:
            self._ready = Ready(link, supervised)

    async def __aenter__(self) -> Self:
        """Nothing to do: the first one is on its way."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End the idle supervisor."""
        self._closed = True
        if self._due is not None:
            self._due.cancel()
        # Not cancelled: a supervisor in the middle of its start would be nobody's.
        if self._starting is not None:
            await self._starting
        if self._ready is not None:
            await self._ready.supervised.close(CLOSE_WAIT)
            self._ready = None
