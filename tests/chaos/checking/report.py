"""What the checker says about one trial: findings, and counts of what was seen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

CLASSES = (
    "lost",
    "doubled",
    "unproven",
    "wrong_outcome",
    "vote_lost",
    "vote_doubled",
    "guard_exceeded",
    "ledger_broken",
    "stuck",
    "evidence",
)


@dataclass(frozen=True, order=True)
class Finding:
    """One broken promise: its class, the episode or action it is about (may be empty), and a text for people."""

    kind: str
    key: str
    text: str


@dataclass
class Report:
    """Findings, counts, and what a put-back of Temporal's database excuses."""

    seed: int | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    found: list[Finding] = field(default_factory=list)
    excused: list[str] = field(default_factory=list)

    def add(self, kind: str, key: str, text: str) -> None:
        """Add a finding once; ``kind`` is one of :data:`CLASSES`."""
        finding = Finding(kind, key, text)
        if finding not in self.found:
            self.found.append(finding)

    def judge(self, kind: str, key: str, text: str, *, excused: bool) -> None:
        """Add a finding, or name it among what the put-back explains."""
        if not excused:
            self.add(kind, key, text)
        elif f"{key}: {text}" not in self.excused:
            self.excused.append(f"{key}: {text}")

    def count(self, name: str, number: int = 1) -> None:
        """Add to a count."""
        self.counts[name] = self.counts.get(name, 0) + number

    def document(self) -> dict[str, Any]:
        """Return ``{"seed", "counts", "findings": [{"class", "key", "text"}]}``."""
        counts = dict(self.counts)
        counts["put_back"] = {"excused": len(self.excused), "names": self.excused}
        findings = [{"class": found.kind, "key": found.key, "text": found.text} for found in self.found]
        return {"seed": self.seed, "counts": counts, "findings": findings}
