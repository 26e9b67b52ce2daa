"""How far an action has come: what is known at every moment, for whoever ends it then."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from activities.kinds.protocol import Ended
from lumen.outcome import ActionStatus


class FailedError(Exception):
    """The action failed, for this reason; what is known of its change stands in its course."""


@dataclass
class Course:
    """One action on its way. ``key`` is its idempotency key; ``detail`` is what the ledger will say of it.

    ``doubt``: a change was sent and it is not known whether it was carried out, for this reason. ``changed``: the object
    is as it should be, by this action or already before it.
    """

    key: str
    tried: int
    idempotent: bool
    detail: dict[str, Any] = field(default_factory=dict)
    doubt: str = ""
    changed: bool = False

    def done(self, **detail: Any) -> None:
        """Note that the object is as it should be."""
        self.changed, self.doubt = True, ""
        self.detail.update(detail)

    def failed(self, reason: str) -> Ended:
        """Return the end of an action that could not be brought further than this."""
        if not self.doubt:
            return Ended(ActionStatus.FAILED, reason, self.detail)
        # Started again with the same key it finds out, so an action that may be started again has merely failed.
        status = ActionStatus.FAILED if self.idempotent else ActionStatus.UNKNOWN
        return Ended(status, f"it may have been carried out: {reason}", self.detail)

    def cancelled(self) -> Ended:
        """Return the end of an action that somebody stopped here."""
        if self.changed:
            reason = "cancelled while it waited for the rollout; the change was made"
        elif self.doubt:
            reason = "cancelled while it waited for the answer; it may have been carried out"
        else:
            reason = "cancelled before anything was changed"
        return Ended(ActionStatus.CANCELLED, reason, self.detail)
