"""What one rule may do in a period: so many runs, so many targets, so many failures. Pure; times are aware UTC."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True)
class Spending:
    """The limits of a rule within ``per`` seconds; 0 = not limited.

    ``max_failures`` is a circuit breaker: after so many failed remediations nothing runs until the first of them is ``per``
    old, or a human clears it.
    """

    max_runs: int = 0
    max_targets: int = 0
    max_failures: int = 0
    per: float = 0.0

    @property
    def limited(self) -> bool:
        """Whether there is any limit."""
        return bool(self.max_runs or self.max_targets or self.max_failures)


@dataclass(frozen=True)
class Run:
    """Something ran, or may have run, for ``rule`` on ``target``; ``until`` is when it stops to count."""

    rule: str
    target: str
    at: datetime
    until: datetime
    failed: bool = False


@dataclass(frozen=True)
class Spent:
    """What is used up (``runs``, ``targets`` or ``failures``), and until when."""

    what: str
    until: datetime


@dataclass
class Budget:
    """The runs that still count, oldest first."""

    runs: list[Run] = field(default_factory=list)

    def note(self, run: Run) -> None:
        """Count a run."""
        self.runs = sorted([*self.runs, run], key=lambda known: known.until)

    def forget(self, now: datetime) -> bool:
        """Drop the runs that do not count any more; return whether there were any."""
        kept = [run for run in self.runs if run.until > now]
        dropped = len(kept) < len(self.runs)
        self.runs = kept
        return dropped

    def clear(self, rule: str) -> list[str]:
        """Drop the runs of ``rule``, or all when it is empty; return the rules whose runs were dropped."""
        cleared = sorted({run.rule for run in self.runs if not rule or run.rule == rule})
        self.runs = [run for run in self.runs if run.rule not in cleared]
        return cleared

    def tripped(self, limits: Spending, now: datetime) -> Spent | None:
        """Return why nothing may run, if too much failed."""
        failed = [run.until for run in self.runs if run.failed and run.until > now]
        if limits.max_failures and len(failed) >= limits.max_failures:
            return Spent("failures", failed[len(failed) - limits.max_failures])
        return None

    def spent(self, limits: Spending, target: str, now: datetime) -> Spent | None:
        """Return what is used up for a run on ``target`` at ``now``, whatever becomes of those that are under way."""
        alive = [run for run in self.runs if run.until > now]
        tripped = self.tripped(limits, now)
        if tripped is not None:
            return tripped
        if limits.max_runs and len(alive) >= limits.max_runs:
            return Spent("runs", alive[len(alive) - limits.max_runs].until)
        last: dict[str, datetime] = {}
        for run in alive:
            last[run.target] = max(run.until, last.get(run.target, run.until))
        if limits.max_targets and target not in last and len(last) >= limits.max_targets:
            return Spent("targets", sorted(last.values())[len(last) - limits.max_targets])
        return None

    def reserved(self, limits: Spending, target: str, held: Iterable[str], now: datetime) -> bool:
        """Return whether those under way on the targets ``held`` may use up what is left: then one more has to wait."""
        under_way = list(held)
        alive = [run.target for run in self.runs if run.until > now]
        if limits.max_runs and len(alive) + len(under_way) >= limits.max_runs:
            return True
        targets = {*alive, *under_way}
        return bool(limits.max_targets and target not in targets and len(targets) >= limits.max_targets)


def run_of(rule: str, target: str, limits: Spending, at: datetime, *, failed: bool) -> Run:
    """Return the run that ended at ``at`` as it counts under ``limits``."""
    return Run(rule, target, at, at + timedelta(seconds=limits.per), failed)
