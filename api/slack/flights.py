"""Asking once what several want to know at the same time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Flights(Generic[T]):
    """Questions on their way. Whoever stops waiting leaves the question on its way for the others, and for the cache."""

    def __init__(self) -> None:
        """Begin with none."""
        self._running: dict[str, asyncio.Task[T]] = {}

    async def join(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        """Return what ``ask`` returns or raises, called once for everybody who joins with this ``key`` meanwhile."""
        task = self._running.get(key)
        if task is None:
            task = asyncio.create_task(_run(ask))
            self._running[key] = task
            task.add_done_callback(lambda done: self._landed(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """End what is on its way."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _landed(self, key: str, task: asyncio.Task[T]) -> None:
        self._running.pop(key, None)
        if not task.cancelled():
            task.exception()  # nobody may be left to look at it


async def _run(ask: Callable[[], Awaitable[T]]) -> T:
    return await ask()
