"""How a command of ``lumen`` fails: one line for the person, one exit code."""

from __future__ import annotations

from lumen.errors import LumenError

DONE = 0
FAILED = 1
USAGE = 2


class CommandError(LumenError):
    """A command cannot be carried out; the text says what happened, where, and what to do about it.

    ``code`` is the exit code: 1 for something that failed, 2 for something that was asked for wrongly.
    """

    reason = "command_failed"

    def __init__(self, message: str, code: int = FAILED) -> None:
        """Keep the exit code beside the sentence."""
        super().__init__(message)
        self.code = code


class UnansweredError(CommandError):
    """Nobody answered, or only to say that something behind it does not: trying again later can help.

    ``who`` did not answer, such as ``the API``.
    """

    reason = "unanswered"

    def __init__(self, message: str, who: str) -> None:
        """Keep who it was beside the sentence."""
        super().__init__(message)
        self.who = who
