"""Lines in the thread of an episode: what happened, once each, in the words of the reader. Pure."""

from __future__ import annotations

from activities.notification import blocks as kit
from activities.notification.blocks import Message
from activities.notification.face import utc
from activities.notification.message import MessageWriter
from lumen.display import printable
from lumen.outcome import HUMAN_NEEDED
from lumen.showing import Line, Note
from lumen.wording import Wording

_VALUE = 300
_LONG = 1200
_NAMES = (
    "attempt",
    "minutes",
    "people",
    "actor",
    "decision",
    "channel",
    "reason",
    "name",
    "status",
    "outcome",
    "text",
)


class LineWriter:
    """Writes lines in one language."""

    def __init__(self, words: Wording, messages: MessageWriter) -> None:
        self._say = words
        self._messages = messages

    def text(self, line: Line) -> str:
        """Return what a line says, in one paragraph; values that are missing are shown as ``?``."""
        values = {name: kit.cut(printable(line.values.get(name, "")) or "?", _VALUE) for name in _NAMES}
        values["outcome"] = self._messages.word("outcome", values["outcome"])
        values["status"] = self._messages.word("status", values["status"])
        reason = kit.cut(printable(line.values.get("reason", "")), _LONG)
        if line.note is Note.NEEDS_HUMAN:
            values["reason"] = self._need(values["reason"])
            reason = kit.cut(printable(line.values.get("text", "")), _LONG)
        said = self._say(f"slack.line.{_variant(line)}", **values)
        if reason:
            said = self._say("slack.line.because", line=said, reason=reason)
        return f"{utc(line.at)} · {said}" if line.at else said

    def _need(self, reason: str) -> str:
        return self._messages.word("outcome" if reason in set(HUMAN_NEEDED) else "need", reason)

    def message(self, line: Line) -> Message:
        """Return a line as a message of one block."""
        text = self.text(line)
        return Message(text, [kit.section(text)])


def _variant(line: Line) -> str:
    if line.note is not Note.VOTE:
        return line.note.value
    return "vote_reject" if line.values.get("decision") == "reject" else "vote_approve"
