"""How far one request for approval has come in time: who may vote now, and what happens next. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from lumen.plan import ESCALATE, Approval, Escalation


class Due(StrEnum):
    """What can come while people are asked, in the order in which it is done when two are due at once."""

    ESCALATION = "escalation"
    REMINDER = "reminder"
    DEADLINE = "approval deadline"


@dataclass
class Waiting:
    """One request under ``approval``, asked at ``asked_at``. Times are aware UTC.

    ``announced`` counts the escalations that people were told of and ``reminded`` the reminders that have passed, said or
    not; ``extended``: the deadline has passed once and everybody is asked.
    """

    approval: Approval
    asked_at: datetime
    expires_at: datetime
    announced: int = 0
    reminded: int = 0
    extended: bool = False

    @classmethod
    def begun(cls, approval: Approval, now: datetime) -> Waiting:
        """Return a request that people are asked at ``now``."""
        return cls(approval, now, now + timedelta(seconds=approval.timeout))

    def levels(self, now: datetime) -> tuple[Escalation, ...]:
        """Return the escalations in force at ``now``, by the time alone: whether anybody was told makes no difference."""
        return self.approval.escalate if self.extended else self.approval.escalated(self._waited(now))

    def allow(self, now: datetime) -> tuple[str, ...]:
        """Return everybody who may vote at ``now``."""
        return self.approval.allowed(self.levels(now))

    def next(self) -> tuple[datetime, Due]:
        """Return what comes next and when; the deadline is the last."""
        moments = [(self.expires_at, 2, Due.DEADLINE)]
        if (escalation := self.next_escalation()) is not None:
            moments.append((escalation, 0, Due.ESCALATION))
        if self.approval.remind > 0:
            moments.append((self._after(self.approval.remind * (self.reminded + 1)), 1, Due.REMINDER))
        at, _, due = min(moments)
        return at, due

    def next_escalation(self) -> datetime | None:
        """Return when people are told of the next escalation; one that would not come before the deadline does not come."""
        if self.extended or self.announced >= len(self.approval.escalate):
            return None
        at = self._after(self.approval.escalate[self.announced].after)
        return at if at < self.expires_at else None

    def escalate(self, now: datetime) -> tuple[str, ...]:
        """Take an escalation as announced, with all that are due with it; return who may vote since."""
        before = self.approval.allowed(self.approval.escalate[: self.announced])
        self.announced = max(self.announced + 1, len(self.levels(now)))
        return tuple(person for person in self.allow(now) if person not in before)

    def remind(self, now: datetime) -> None:
        """Take a reminder as said, with all that came due before it: nobody is reminded twice at once."""
        self.reminded = max(self.reminded + 1, int(self._waited(now) // self.approval.remind))

    @property
    def extends(self) -> bool:
        """Whether the deadline is not the end."""
        return self.approval.on_timeout == ESCALATE and not self.extended

    def extend(self, now: datetime) -> tuple[str, ...]:
        """Ask everybody for the same time once more; return who may vote since. Time in which nobody worked is not counted."""
        before = self.approval.allowed(self.approval.escalate[: self.announced])
        later = self.expires_at + timedelta(seconds=self.approval.timeout)
        self.expires_at = later if later > now else now + timedelta(seconds=self.approval.timeout)
        self.extended = True
        self.announced = len(self.approval.escalate)
        return tuple(person for person in self.allow(now) if person not in before)

    def _waited(self, now: datetime) -> float:
        return (now - self.asked_at).total_seconds()

    def _after(self, seconds: float) -> datetime:
        return self.asked_at + timedelta(seconds=seconds)
