"""A plan: what one rule would do about one alert, exactly, before anybody is asked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import Any

from lumen.budget import Spending
from lumen.canonical import digest

MINUTE = 60.0
HOUR = 3600.0
ESCALATE = "escalate"
"""The ``on_timeout`` that asks everybody once more instead of ending the request."""


UNDO = "/rollback"
"""What follows the name of an action in the name of its rollback; no action's own name ends with it."""


class Mode(StrEnum):
    """How much a rule may do by itself."""

    SHADOW = "shadow"
    APPROVE = "approve"
    AUTO = "auto"


@dataclass(frozen=True)
class Escalation:
    """Who may decide too once a request has waited ``after`` seconds, and the Slack channel that is told ("" = none)."""

    after: float
    allow: tuple[str, ...] = ()
    channel: str = ""


@dataclass(frozen=True)
class Approval:
    """Who must agree, and for how long. Times in seconds; ``allow`` holds e-mail addresses, groups already expanded.

    ``escalate`` is sorted by time. ``remind`` is how often those who were asked are reminded, 0 = never. ``anonymous``:
    a link that names nobody may vote, all such votes together as one. ``barred`` are those who would be in one of the
    lists and do not vote on this alert, because they asked for it or own what it is about.
    """

    approve: int = 1
    reject: int = 1
    allow: tuple[str, ...] = ()
    window: float = 15 * MINUTE
    timeout: float = HOUR
    valid_for: float = 15 * MINUTE
    on_timeout: str = "reject"
    min_rank: str = "link"
    channel: str = ""
    escalate: tuple[Escalation, ...] = ()
    remind: float = 0.0
    anonymous: bool = False
    barred: tuple[str, ...] = ()

    def escalated(self, waited: float) -> tuple[Escalation, ...]:
        """Return the escalations that are in force once a request has waited so many seconds."""
        return tuple(level for level in self.escalate if level.after <= waited)

    def allowed(self, levels: tuple[Escalation, ...]) -> tuple[str, ...]:
        """Return everybody who may vote while ``levels`` are in force: sorted, each once."""
        return tuple(sorted({*self.allow, *(person for level in levels for person in level.allow)}))

    @property
    def everyone(self) -> tuple[str, ...]:
        """Everybody who may vote in the end."""
        return self.allowed(self.escalate)

    @property
    def longest(self) -> float:
        """The longest time that one request can wait, in seconds: ``on_timeout: escalate`` extends it once."""
        return self.timeout * 2 if self.on_timeout == ESCALATE else self.timeout


@dataclass(frozen=True)
class Limits:
    """What bounds a rule. A count of 0 = not limited; times in seconds.

    ``max_runs``, ``max_targets`` (distinct ones) and ``failures`` (a circuit breaker) count within ``per``.
    """

    attempts: int = 3
    concurrency: int = 0
    stale_after: float = 26 * HOUR
    max_runs: int = 0
    max_targets: int = 0
    failures: int = 0
    per: float = HOUR

    @property
    def spending(self) -> Spending:
        """What the rule may do within ``per``."""
        return Spending(self.max_runs, self.max_targets, self.failures, self.per)


@dataclass(frozen=True)
class Rollback:
    """What undoes an action; ``kind`` and ``spec`` as in :class:`PlannedAction`, ``timeout`` in seconds."""

    kind: str
    spec: dict[str, Any]
    timeout: float = 60.0


@dataclass(frozen=True)
class Verification:
    """What must hold after the actions: for ``stable_for`` seconds on end, within ``within``, looked at each ``every``.

    ``kind`` is ``promql`` (``{"query"}``), ``resolved`` (``{}``), or the name of a kind of action whose success counts.
    """

    kind: str
    spec: dict[str, Any]
    stable_for: float = 0.0
    within: float = 10 * MINUTE
    every: float = 15.0


@dataclass(frozen=True)
class PlannedAction:
    """One rendered action. ``kind`` is a name of ``rules.kinds``, whose file says what stands in ``spec``.

    ``timeout`` and ``backoff`` in seconds; ``attempts`` > 1 only if idempotent. ``check`` is a command whose exit code 0
    means that the action is done already.
    """

    name: str
    kind: str
    spec: dict[str, Any]
    timeout: float = 60.0
    attempts: int = 1
    backoff: float = 5.0
    idempotent: bool = False
    runner: str = "default"
    check: tuple[str, ...] = ()
    rollback: Rollback | None = None

    @property
    def undo(self) -> PlannedAction | None:
        """What undoes it, as an action of its own."""
        if self.rollback is None:
            return None
        undoing = self.rollback
        return PlannedAction(f"{self.name}{UNDO}", undoing.kind, undoing.spec, undoing.timeout, runner=self.runner)


@dataclass(frozen=True)
class Plan:
    """This rule as applied to this alert: rendered actions, target, condition, approval, limits.

    ``digest`` is what a vote is bound to. ``rules_digest`` names the whole rule set that made it and is recorded
    beside it: an edit of another rule changes ``rules_digest`` and voids nothing. ``rollback_approval``: who must agree to a
    rollback; None = it was agreed to with the plan.
    """

    rule: str
    mode: Mode
    dry_run: bool
    target: str
    severity: str
    condition: str
    actions: tuple[PlannedAction, ...]
    approval: Approval
    cooldown: float
    limits: Limits
    runbook_url: str = ""
    has_target: bool = False
    verify: Verification | None = None
    rollback_approval: Approval | None = None
    digest: str = ""
    rules_digest: str = ""

    @property
    def pretends(self) -> bool:
        """Whether its actions are only shown and not carried out."""
        return self.dry_run or self.mode is Mode.SHADOW

    def step(self, name: str) -> PlannedAction | None:
        """Return the action of this name, or the rollback of one."""
        steps = [*self.actions, *(action.undo for action in self.actions)]
        return next((step for step in steps if step is not None and step.name == name), None)

    def sealed(self, rules_digest: str) -> Plan:
        """Return the plan with its digest, taken over everything but the two digests themselves."""
        body = asdict(replace(self, digest="", rules_digest=""))
        return replace(self, digest=digest(body), rules_digest=rules_digest)


@dataclass(frozen=True)
class Refusal:
    """Why no plan can be made for an alert that a rule matches."""

    rule: str
    reason: str
    rules_digest: str = field(default="")
