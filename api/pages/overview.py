"""What several people look at together: asked for once in about a second, however many look. Never a query per row."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Request

from api.edge import Edge
from api.freezing import Freeze
from api.guards import Found
from api.ledger_view import Health
from api.ports import Filters
from api.surroundings import Surroundings
from lumen.errors import LumenError
from lumen.outcome import State

MOST_WAITING = 1000
"""So many requests for approval are looked at; the installation that has more has another problem."""

SECONDS = 2.2
"""How long a page waits for any one of its parts, so that it is there within three seconds whatever is down."""

_KEPT = 1.0
_REST = 4.0
"""A question that takes long is asked seldom: between two it rests this many times as long as it took, up to a limit."""
_LONGEST_REST = 5.0
_AT_ONCE_FOR = 15.0
_LONGEST = 10.0
_RECENT = 12

T = TypeVar("T")
Rows = list[dict[str, Any]]


async def known(work: Awaitable[T], seconds: float = SECONDS) -> T | None:
    """Return what ``work`` returns, None if it fails in a way that Lumen knows or takes longer than ``seconds``."""
    try:
        async with asyncio.timeout(seconds):
            return await work
    except (LumenError, TimeoutError):
        return None


class Kept(Generic[T]):
    """An answer, or that there was none, asked for at most once in about a second, however many look.

    Where the question takes long, whoever looks gets the last answer at once, if it is not too old, and the question is
    asked meanwhile: a page that follows shows the new one with its next look.
    """

    def __init__(
        self, ask: Callable[[], Awaitable[T]], clock: Callable[[], float] = time.monotonic, *, at_once_for: float = 0.0
    ) -> None:
        """Ask nothing yet; ``clock`` in seconds. ``at_once_for``: up to this age an answer is given at once."""
        self._ask = ask
        self._clock = clock
        self._at_once_for = at_once_for
        self._at = float("-inf")
        self._kept_for = _KEPT
        self._answer: T | None = None
        self._asking: asyncio.Task[T | None] | None = None

    async def get(self) -> T | None:
        """Return the answer, None if there is none now or within :data:`SECONDS`."""
        age = self._clock() - self._at
        if age <= self._kept_for:
            return self._answer
        if self._asking is None:
            self._asking = asyncio.create_task(self._refresh())
        if age <= self._at_once_for and self._answer is not None:
            return self._answer
        return await known(asyncio.shield(self._asking))

    def forget(self) -> None:
        """Ask anew the next time: something was changed."""
        self._at = float("-inf")
        self._asking = None

    async def _refresh(self) -> T | None:
        began = self._clock()
        answer = await known(self._ask(), _LONGEST)
        self._kept_for = min(max(_KEPT, _REST * (self._clock() - began)), _LONGEST_REST)
        if self._asking is asyncio.current_task():  # else something was changed after the question
            self._answer, self._at, self._asking = answer, self._clock(), None
        return answer


class Overview:
    """The shared parts of the console."""

    def __init__(self, edge: Edge) -> None:
        """Ask nothing yet."""
        self._edge = edge
        self.waiting: Kept[Rows] = Kept(self._waiting, at_once_for=_AT_ONCE_FOR)
        self.recent: Kept[Rows] = Kept(self._recent)
        self.freeze: Kept[Freeze] = Kept(self._freeze)
        self.guards: Kept[Found] = Kept(self._guards)

    async def health(self) -> Health:
        """Return how the ledger stands."""
        around = self._edge.surroundings
        return await around.ledger.health() if around else Health(reachable=False)

    async def _waiting(self) -> Rows:
        """Return what waits for votes, by deadline; what tells none comes last."""
        filters = Filters(state=State.AWAITING_APPROVAL)
        rows: Rows = []
        after = b""
        while len(rows) < MOST_WAITING:
            page = await self._edge.episodes.page(filters, MOST_WAITING - len(rows), after)
            rows += page.rows
            after = page.after
            if not after:
                break
        asking = [row for row in rows if row.get("status") in {None, "running"}]
        return sorted(asking, key=_deadline)

    async def _recent(self) -> Rows:
        return (await self._edge.episodes.page(Filters(), _RECENT, b"")).rows

    async def _freeze(self) -> Freeze:
        return await self._around().switch.state()

    async def _guards(self) -> Found:
        return await self._around().guards.find()

    def _around(self) -> Surroundings:
        if self._edge.surroundings is None:
            raise LumenError("nobody can tell of guards here")
        return self._edge.surroundings


def _deadline(row: dict[str, Any]) -> tuple[str, str]:
    waiting = row.get("waiting") or {}
    # RFC 3339 in UTC with milliseconds sorts as text; "~" comes after every digit.
    return str(waiting.get("expires_at") or "~"), str(row.get("started_at") or "")


async def overview_of(request: Request) -> Overview:
    """Return the overview of the application that serves ``request``."""
    overview = request.app.state.overview
    if not isinstance(overview, Overview):
        raise TypeError("the application was not made by create_app")
    return overview


TheOverview = Annotated[Overview, Depends(overview_of)]
