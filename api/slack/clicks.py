"""An interaction with Slack as the rest of the edge sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from lumen.ballot import Decision


@dataclass(frozen=True)
class Subject:
    """What a button is about: the key of an episode, the request for approval and the digest of the plan it showed."""

    key: str
    approval_id: str
    digest: str


@dataclass(frozen=True)
class Clicker:
    """Who did it and where they can be answered; ``response_url`` and ``channel`` may be empty."""

    user: str
    team: str
    channel: str = ""
    response_url: str = ""


@dataclass(frozen=True)
class Press:
    """A button was pressed. ``stamp`` is Slack's text for the moment ``at``."""

    decision: Decision
    subject: Subject
    stamp: str
    at: datetime
    trigger: str
    message: str
    clicker: Clicker


@dataclass(frozen=True)
class Submission:
    """The form that asks for a reason was sent. ``view`` is its id, ``opened`` when its button was pressed."""

    view: str
    subject: Subject
    reason: str
    opened: datetime
    clicker: Clicker


@dataclass(frozen=True)
class Origin:
    """Which workspace and which app an interaction says it is of."""

    team: str
    app: str
