"""Whether a soak stayed level: pure arithmetic over its samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import middle
from benchmarks.soak.pace import Pace

OWN = ("worker", "api", "proofd")
"""Lumen's own processes. Temporal's and the load's are shown, not judged."""

_FDS = 8
_OPEN_OF_ALL = 0.6  # 1 if none ever closed; in a short soak the check above cannot tell that from a busy moment
_LOG = 40.0  # MB: it is moved into the file at 16, and may grow while somebody reads
_OPEN_SHARE, _OPEN_MORE = 1.3, 40  # a storm of 25 may fall into one window and not into the other

Sample = dict[str, Any]


@dataclass(frozen=True)
class Check:
    """One thing that must hold: ``value`` may be at most ``bound``, in ``unit``; ``reference`` is what the bound comes from."""

    name: str
    unit: str
    reference: float | None
    value: float
    bound: float

    @property
    def ok(self) -> bool:
        """Whether it holds."""
        return self.value <= self.bound

    def document(self) -> dict[str, Any]:
        """Return it as JSON, numbers rounded to three places."""
        reference = None if self.reference is None else round(self.reference, 3)
        return {
            "check": self.name,
            "unit": self.unit,
            "reference": reference,
            "end": round(self.value, 3),
            "bound": round(self.bound, 3),
            "ok": self.ok,
        }


def judge(samples: Sequence[Sample], pace: Pace, flow: dict[str, Any]) -> list[Check]:
    """Return every check. ``flow`` is what was sent. ValueError when there are no samples where they are needed."""
    early = _between(samples, pace.reference, pace.reference + pace.window)
    late = _between(samples, pace.seconds - pace.window, pace.seconds)
    if not early or not late:
        raise ValueError(f"there are no samples at {pace.reference:.0f} s or none of the last {pace.window:.0f} s")
    checks = []
    for name in OWN:
        before, after = (_median(window, _of(name, "rss")) / 1e6 for window in (early, late))
        checks.append(Check(f"{name} resident", "MB", before, after, before * (1 + pace.growth)))
        before, after = (_median(window, _of(name, "fds")) for window in (early, late))
        checks.append(Check(f"{name} file descriptors", "", before, after, before + _FDS))
    before, after = (_median(window, lambda one: one["open"]) for window in (early, late))
    checks.append(Check("open workflows", "", before, after, before * _OPEN_SHARE + _OPEN_MORE))
    share = _median(late, lambda one: one["open_episodes"] / (one["open_episodes"] + one["closed"]))
    checks.append(Check("episodes still open, of all executions", "share", None, share, _OPEN_OF_ALL))
    longest = max(one["history"]["events"] for one in samples if "history" in one)
    checks.append(Check("longest history", "events", None, longest, pace.longest_history))
    log = max(one["files"].get("proof.db-wal", 0) for one in samples) / 1e6
    checks.append(Check("write-ahead log of the ledger", "MB", None, log, _LOG))
    checks.append(Check("wrong answers and outcomes", "", None, flow["faults"], 0))
    return checks


def costs(samples: Sequence[Sample], pace: Pace) -> dict[str, float]:
    """Return what an episode leaves and costs: bytes of each database, events of the ledger, processor seconds."""
    first, last = samples[0], _between(samples, 0, pace.seconds)[-1]
    spent = last["t"] - first["t"]
    episodes = _counted(last) - _counted(first)
    found = {"episodes": episodes, "episodes_per_second": episodes / spent}
    for database in ("temporal", "proof"):
        grown = _bytes(last, database) - _bytes(first, database)
        found[f"{database}_db_bytes_per_episode"] = grown / max(1, episodes)
    found["ledger_entries_per_episode"] = (last.get("height", 0) - first.get("height", 0)) / max(1, episodes)
    for name in last["processes"]:
        used = last["processes"][name]["cpu"] - first["processes"][name]["cpu"]
        found[f"{name}_core_share"] = used / spent
    return {name: round(value, 4) for name, value in found.items()}


def _counted(sample: Sample) -> float:
    return float(sample.get("open_episodes", 0) + sample.get("closed", 0))


def _bytes(sample: Sample, database: str) -> float:
    return float(sum(size for name, size in sample["files"].items() if name.startswith(f"{database}.db")))


def _between(samples: Sequence[Sample], begin: float, end: float) -> list[Sample]:
    return [one for one in samples if begin <= one["t"] <= end]


def _median(samples: Sequence[Sample], of: Callable[[Sample], float]) -> float:
    found = []
    for one in samples:
        try:
            found.append(of(one))
        except KeyError:  # this look was cut short
            continue
    return middle(found)


def _of(process: str, measure: str) -> Callable[[Sample], float]:
    return lambda sample: float(sample["processes"][process][measure])
