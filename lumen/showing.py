"""How people hear of an episode: told when they are needed, and shown it in a message that is rewritten. In histories."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True)
class HumanNeeded:
    """Tell a human. ``reason`` is an outcome, ``attempts_used_up``, ``approval_timed_out`` or ``unproven``."""

    key: str
    workflow_id: str
    rule: str
    target: str
    alert: str
    severity: str
    reason: str
    text: str
    at: datetime
    runbook_url: str = ""


class Note(StrEnum):
    """What a line below the message of an episode is about; each has its own wording in every language.

    ``values`` of its :class:`Line`: asked ``attempt``; reminder ``minutes`` left; escalated ``minutes`` left, ``people``;
    vote ``actor, decision, channel, reason``; override ``actor, decision, reason``; action ``name, status, reason``;
    ended ``attempt, outcome, reason``; needs_human ``reason, text``.
    """

    ASKED = "asked"
    REMINDER = "reminder"
    ESCALATED = "escalated"
    VOTE = "vote"
    OVERRIDE = "override"
    ACTION = "action"
    ENDED = "ended"
    NEEDS_HUMAN = "needs_human"


@dataclass(frozen=True)
class Line:
    """One line that is said once, in the thread of the message. ``id`` is unique in its episode and makes a retry harmless.

    ``loud``: also shown in the channel itself, not only to those who follow the thread.
    """

    id: str
    note: Note
    values: dict[str, str] = field(default_factory=dict)
    at: datetime | None = None
    loud: bool = False


@dataclass(frozen=True)
class Posted:
    """Where the message of an episode stands. ``asked`` is the channel that the rule names ("" = the default one).

    ``channel`` and ``ts`` are Slack's; ``ts`` is empty where a message cannot be changed (incoming webhook).
    """

    asked: str
    channel: str
    ts: str
    medium: str = "slack"


@dataclass(frozen=True)
class ShowRequest:
    """Show an episode to the people who follow it: one message in each of ``channels``, rewritten, and lines below it.

    ``document`` is what :func:`workflows.face.face` makes: the JSON of ``GET /alerts/{key}``, cut to a bounded size.
    ``posted`` is what earlier calls answered, ``lines`` what was not said yet.
    """

    key: str
    workflow_id: str
    document: dict[str, Any]
    channels: tuple[str, ...]
    posted: tuple[Posted, ...] = ()
    lines: tuple[Line, ...] = ()


@dataclass(frozen=True)
class Shown:
    """Where the message stands now; complete, so it replaces what was known."""

    posted: tuple[Posted, ...] = ()


@dataclass
class Board:
    """What those who follow an episode were shown. It outlives a run, so that no message is posted twice.

    ``on``: a channel is configured. ``begun``: there was a reason to show the episode. ``channels`` only grows. ``lines``
    were not said yet; ``said`` counts all lines, for their ids.
    """

    on: bool = False
    begun: bool = False
    posted: tuple[Posted, ...] = ()
    channels: tuple[str, ...] = ()
    lines: tuple[Line, ...] = ()
    said: int = 0
