"""The message in which people follow an episode: kept right beside the episode, which never waits for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from temporalio import workflow
from temporalio.exceptions import FailureError

from lumen.contracts import Notifying
from lumen.display import truncate
from lumen.outcome import State
from lumen.showing import Board, Line, Note, ShowRequest
from workflows import options
from workflows.face import face

if TYPE_CHECKING:
    from workflows.live import LiveEpisode

_VALUE_BYTES = 500
_KEPT_LINES = 50
_PASSING = frozenset({State.PLANNING, State.WATCHING})


class Showing:
    """Calls :meth:`Notifying.show` whenever something changed: one call at a time, the newest state wins.

    There is something to show from the moment when people are asked, needed, or take a hand; an episode that goes well by
    itself shows nothing.
    """

    def __init__(self, live: LiveEpisode) -> None:
        """Show ``live``; what an earlier run has shown is in its board."""
        self._live = live
        self._wanted = 0
        self._shown = 0
        self._last: tuple[dict[str, Any], tuple[str, ...]] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether everything that changed was shown, or given up."""
        return self._task is None or self._task.done()

    def begin(self) -> None:
        """There is a reason to show the episode from now on."""
        self._board.begun = True

    def say(self, note: Note, *, loud: bool = False, **values: object) -> None:
        """Say one line below the message; before :meth:`begin` there is nobody to say it to."""
        board = self._board
        if not (board.on and board.begun):
            return
        board.said += 1
        cut = {name: truncate(str(value), _VALUE_BYTES) for name, value in values.items()}
        line = Line(f"{board.said}.{note}", note, cut, workflow.now(), loud)
        board.lines = (*board.lines, line)[-_KEPT_LINES:]
        self.changed()

    def entered(self, state: State) -> None:
        """Show a new state, unless it is one that only passes."""
        if state not in _PASSING:
            self.changed()

    def changed(self) -> None:
        """Show the newest state as soon as the call before it has ended."""
        if not (self._board.on and self._board.begun):
            return
        self._wanted += 1
        if self.idle:
            self._task = asyncio.create_task(self._show())

    async def settled(self, unless: Callable[[], bool]) -> None:
        """Wait until the newest state is shown or given up, or until ``unless`` holds."""
        if not self.idle:
            await workflow.wait_condition(lambda: self.idle or unless())

    @property
    def _board(self) -> Board:
        return self._live.episode.board

    async def _show(self) -> None:
        while self._shown != self._wanted:
            self._shown = self._wanted
            await self._call()

    async def _call(self) -> None:
        live, board = self._live, self._board
        board.channels = self._channels()
        request = ShowRequest(live.key, live.workflow_id, face(live), board.channels, board.posted, board.lines)
        if not request.lines and (request.document, request.channels) == self._last:
            return
        try:
            shown = await workflow.execute_activity_method(
                Notifying.show, request, summary=f"show {live.state}", **options.showing()
            )
        except FailureError as error:
            workflow.logger.warning("the message of this episode is not up to date: %s", error)
            return
        self._last = request.document, request.channels
        board.posted = shown.posted
        said = {line.id for line in request.lines}
        board.lines = tuple(line for line in board.lines if line.id not in said)

    def _channels(self) -> tuple[str, ...]:
        """Return every channel that follows the episode: once one has the message, it is kept right there too."""
        live = self._live
        plan, approval = live.episode.plan, live.approval
        wanted = [*self._board.channels, plan.approval.channel if plan else ""]
        if approval is not None:
            wanted += [level.channel for level in approval.waiting.levels(workflow.now()) if level.channel]
        return tuple(dict.fromkeys(wanted))
