"""What the harness says about its trial: rules, episodes, faults, and a put-back of Temporal's database."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from tests.chaos.checking.reading import number, rows, table, text, whole


@dataclass(frozen=True)
class Rule:
    """One rule of the trial, as far as judging needs it. Times in seconds; None and 0 mean no limit."""

    name: str
    mode: str
    idempotent: bool
    idempotent_actions: frozenset[str]
    actions: int
    approve: int
    reject: int
    allow: frozenset[str]
    max_runs: int
    per: float
    concurrency: int
    max_targets: int
    cooldown: float
    attempts: int
    target_label: str
    ends: frozenset[str]

    def may_repeat(self, action: str) -> bool:
        """Return whether the action of this name may start again under its key."""
        return self.idempotent or action in self.idempotent_actions

    @classmethod
    def read(cls, name: str, value: dict[str, Any]) -> Rule:
        """Read the value of ``rules`` of trial.json."""
        return cls(
            name=name,
            mode=text(value, "mode") or "approve",
            idempotent=value.get("idempotent") is True,
            idempotent_actions=frozenset(item for item in rows(value, "idempotent") if isinstance(item, str)),
            actions=whole(value, "actions") or 1,
            approve=whole(value, "approve") or 1,
            reject=whole(value, "reject") or 1,
            allow=frozenset(person(item) for item in rows(value, "allow") if isinstance(item, str)),
            max_runs=whole(value, "max_runs") or 0,
            per=number(value, "per_seconds") or 3600.0,
            concurrency=whole(value, "concurrency") or 0,
            max_targets=whole(value, "max_targets") or 0,
            cooldown=number(value, "cooldown_seconds") or 0.0,
            attempts=whole(value, "attempts") or 0,
            target_label=text(value, "target_label"),
            ends=frozenset(item for item in rows(value, "ends") if isinstance(item, str)),
        )


@dataclass(frozen=True)
class Episode:
    """One alert that the harness made fire."""

    key: str
    rule: str
    labels: dict[str, Any]
    file: str
    fired: float
    resolved: float | None


# `copied` may be the end of the copy: what came during it may be missing from it. Seconds.
COPYING = 1.0


@dataclass(frozen=True)
class PutBack:
    """When a copy of Temporal's database was made, Temporal was stopped, and the copy was in its place again."""

    copied: float
    stopped: float
    restored: float

    def forgets(self, began: float, ended: float | None = None) -> bool:
        """Return whether something between ``began`` and ``ended`` may be gone from Temporal."""
        return (began if ended is None else ended) >= self.copied - COPYING and began <= self.restored


@dataclass(frozen=True)
class Trial:
    """The whole of trial.json."""

    seed: int | None = None
    began: float = 0.0
    ended: float = 0.0
    rules: dict[str, Rule] = field(default_factory=dict)
    episodes: dict[str, Episode] = field(default_factory=dict)
    faults: list[dict[str, Any]] = field(default_factory=list)
    put_back: PutBack | None = None
    outside: frozenset[str] = frozenset()
    wall: float | None = None

    @property
    def faults_over(self) -> float:
        """When the last fault ended; one without an end of its own is over at once."""
        ends = [number(fault, "until") or number(fault, "at") or 0.0 for fault in self.faults]
        if self.put_back:
            ends.append(self.put_back.restored)
        return max(ends, default=self.began)

    def cancelled(self, key: str) -> bool:
        """Return whether somebody cancelled the episode in Temporal: it closed, and the next repeat began another."""
        return any(
            f"alert-{key}" in rows(fault, "episodes") for fault in self.faults if text(fault, "fault") == "cancel"
        )

    def forgets(self, began: float | None, ended: float | None = None) -> bool:
        """Return whether a put-back explains that Temporal knows nothing of it; of an unknown time it might."""
        if self.put_back is None:
            return False
        return began is None or self.put_back.forgets(began, ended)

    def rule_of(self, key: str) -> Rule | None:
        """Return the rule of an episode."""
        episode = self.episodes.get(key)
        return self.rules.get(episode.rule) if episode else None


def person(name: str) -> str:
    """Return the one form of an address: case and spaces do not make another person."""
    return name.strip().casefold()


def read_trial(document: Any) -> Trial:
    """Read trial.json; what is missing or of a wrong type is left out."""
    back = table(document, "put_back")
    copied, stopped, restored = (number(back, name) for name in ("copied", "stopped", "restored"))
    whole_back = copied is not None and restored is not None
    clock = table(document, "clock")
    wall, monotonic = number(clock, "wall"), number(clock, "monotonic")
    return Trial(
        seed=whole(document, "seed"),
        began=number(document, "began") or 0.0,
        ended=number(document, "ended") or 0.0,
        rules={name: Rule.read(name, table(value)) for name, value in table(document, "rules").items()},
        episodes={key: _episode(key, table(value)) for key, value in table(document, "episodes").items()},
        faults=[fault for fault in rows(document, "faults") if isinstance(fault, dict)],
        put_back=PutBack(copied or 0.0, stopped or copied or 0.0, restored or 0.0) if whole_back else None,
        outside=frozenset(person(item) for item in rows(document, "voters_outside") if isinstance(item, str)),
        wall=wall - monotonic if wall is not None and monotonic is not None else None,
    )


def _episode(key: str, value: dict[str, Any]) -> Episode:
    return Episode(
        key=key,
        rule=text(value, "rule"),
        labels=table(value, "labels"),
        file=text(value, "file"),
        fired=number(value, "fired") or 0.0,
        resolved=number(value, "resolved"),
    )
