"""Asking the person at the terminal, without keeping the event loop from hearing Ctrl-C."""

from __future__ import annotations

import asyncio
import os
import termios
from contextlib import suppress
from typing import Protocol

from cli.demo.telling import Teller
from cli.failure import CommandError

_LONGEST_LINE = 4096
_ANSWERS = {"y": True, "yes": True, "n": False, "no": False}


class NotApprovedError(CommandError):
    """The person did not agree: the demo ends, and nothing of Lumen has failed."""

    reason = "not_approved"


class Voters(Protocol):
    """Whoever answers for the people that vote in the demo."""

    async def approves(self, actor: str) -> bool:
        """Return whether ``actor`` is for what has been shown."""


class Everybody:
    """Nobody is asked: all approve (``--yes``)."""

    def __init__(self, teller: Teller) -> None:
        """Say each vote through ``teller``."""
        self._teller = teller

    async def approves(self, actor: str) -> bool:
        """Return True, and say so."""
        self._teller.say(f"{actor}: yes, by --yes.")
        return True


class Person:
    """The person at the terminal ``handle``, who answers for all voters."""

    def __init__(self, handle: int, teller: Teller) -> None:
        """Read lines from ``handle``, a terminal; ask through ``teller``."""
        self._handle = handle
        self._teller = teller

    async def approves(self, actor: str) -> bool:
        """Ask until the answer is y or n.

        Raises:
            NotApprovedError: the terminal has closed, or the person has ended the input.

        """
        # What was typed before the question was there is no answer to it.
        with suppress(termios.error):
            termios.tcflush(self._handle, termios.TCIFLUSH)
        while True:
            self._teller.ask(f"Approve as {actor}?")
            try:
                answer = _ANSWERS.get((await self._line()).strip().lower())
            except (NotApprovedError, asyncio.CancelledError):
                self._teller.leave_question()
                raise
            if answer is not None:
                return answer

    async def _line(self) -> str:
        loop, readable = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(self._handle, readable.set)
        try:
            await readable.wait()
        finally:
            loop.remove_reader(self._handle)
        # A terminal gives whole lines, and nothing at all after Ctrl-D.
        with suppress(OSError):
            if line := os.read(self._handle, _LONGEST_LINE):
                return line.decode("utf-8", "replace")
        raise NotApprovedError("the input ended before an answer, so nobody has approved and nothing ran")
