"""The plan of a trial: which faults happen when, all drawn from one seed."""

from __future__ import annotations

import random
from dataclasses import dataclass

PROCESSES = ("temporal", "proofd", "worker1", "worker2", "api1", "api2", "am1", "am2")
_VICTIMS = (
    "temporal",
    "temporal",
    "proofd",
    "proofd",
    "worker1",
    "worker2",
    "worker1",
    "worker2",
    "api1",
    "api2",
    "am1",
)
LINKS = ("worker1-temporal", "worker2-temporal", "api1-temporal", "api2-temporal", "worker1-proofd", "worker2-proofd")
OUTSIDE = ("slack", "prometheus", "bus")
FLOWS = ("refuse", "stall", "mute", "slow", "cut")
KINDS = {
    "kill": 6,
    "stop": 4,
    "restart": 2,
    "link": 6,
    "http": 3,
    "disk": 3,
    "put_back": 2,
    "down": 2,
    "outside": 2,
}
MORE = {"pause": 3, "cancel": 4, "override": 5}
MORE_FROM = 1001
"""Seeds from this on draw these kinds too; earlier seeds keep the faults that they had before there were more kinds."""
OVERRIDES = ("approve", "reject", "cancel", "retry")
FIRST, LAST = 0.5, 9.0
"""Seconds after the begin between which faults begin."""


@dataclass(frozen=True)
class Fault:
    """One fault: ``at`` seconds after the begin, for ``seconds``."""

    at: float
    seconds: float
    kind: str
    target: str
    detail: str = ""

    def __str__(self) -> str:
        """Return the fault in a few characters."""
        detail = f"({self.detail})" if self.detail else ""
        return f"{self.kind}{detail} {self.target} {self.at:.1f}+{self.seconds:.1f}"


def draw(seed: int) -> list[Fault]:
    """Return the faults of the trial with this seed, one to four, in the order of their begin."""
    chance = random.Random(f"faults {seed}")  # noqa: S311 - repeatable, not secret
    every = KINDS if seed < MORE_FROM else KINDS | MORE
    kinds = chance.choices(list(every), list(every.values()), k=chance.randint(1, 4))
    if kinds.count("put_back") > 1:
        kinds = [*(kind for kind in kinds if kind != "put_back"), "put_back"]
    return sorted((_fault(chance, kind) for kind in kinds), key=lambda fault: fault.at)


def _fault(chance: random.Random, kind: str) -> Fault:
    at = chance.uniform(FIRST, LAST)
    short = chance.uniform(0.1, 4.0)
    if kind == "kill":
        return Fault(at, chance.choice((0.0, short)), kind, chance.choice((*_VICTIMS, "worker1+worker2", "am1+am2")))
    if kind == "stop":
        # Beyond 10 seconds a worker counts as lost, and comes back as somebody who was replaced.
        long = chance.random() < 0.3
        victim = chance.choice(("worker1", "worker2", "worker1+worker2")) if long else chance.choice(_VICTIMS)
        return Fault(at, chance.uniform(11.0, 14.0) if long else short, kind, victim)
    if kind == "restart":
        return Fault(at, short / 4, kind, chance.choice(PROCESSES))
    if kind == "link":
        return Fault(at, chance.choice((short, 2 * short)), kind, chance.choice(LINKS), chance.choice(FLOWS))
    if kind == "http":
        what = chance.choice(("request", "answer", "delay"))
        return Fault(at, chance.uniform(1.0, 5.0), kind, chance.choice(("am1", "am2", "am1+am2")), what)
    if kind == "disk":
        what = chance.choice(("full", "torn", "write errors", "sync errors"))
        return Fault(at, chance.uniform(0.5, 5.0), kind, "proofd", what)
    if kind in MORE:
        return _more(chance, kind, at)
    if kind == "put_back":
        return Fault(chance.uniform(1.0, 5.0), chance.uniform(2.0, 6.0), kind, "temporal")
    if kind == "down":
        return Fault(at, chance.uniform(4.0, 8.0), kind, chance.choice(("temporal", "proofd", "api1+api2")))
    return Fault(at, chance.uniform(2.0, 8.0), kind, chance.choice(OUTSIDE), chance.choice(("errors", *FLOWS)))


def _more(chance: random.Random, kind: str, at: float) -> Fault:
    if kind == "pause":
        # Longer than a worker may stand still between the first look and the start of an action.
        return Fault(at, chance.uniform(21.0, 28.0), kind, chance.choice(("worker1", "worker2", "worker1+worker2")))
    number = chance.randint(1, 4)
    detail = str(number) if kind == "cancel" else f"{chance.choice(OVERRIDES)} {number}"
    return Fault(at, 0.0, kind, "episodes", detail)
