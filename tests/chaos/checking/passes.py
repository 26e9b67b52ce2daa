"""One attempt as commands and ledger tell it together: what guards count."""

from __future__ import annotations

from dataclasses import dataclass

from tests.chaos.checking.acts import parse_action
from tests.chaos.checking.evidence import Evidence, Pass
from tests.chaos.checking.ledger import Entry
from tests.chaos.checking.reading import instant, number, text


@dataclass
class Ran:
    """An attempt in which something was claimed or started.

    ``first``, ``last``: seconds of CLOCK_MONOTONIC, from the lines of the commands, or estimated from the claims if none
    wrote a line. ``asked``: when the attempt began at the earliest. ``opened`` and ``closed``: numbers of the first claim
    and of the entry that ends the attempt (None if there is none).
    """

    place: Pass
    rule: str
    target: str
    first: float
    last: float
    asked: float
    opened: int | None
    closed: int | None
    token: float
    started: bool

    @property
    def key(self) -> str:
        """The episode."""
        return self.place[0].removeprefix("alert-")

    @property
    def name(self) -> str:
        """How findings call it."""
        return f"{self.key} attempt {self.place[2]}"


def ran_passes(evidence: Evidence) -> list[Ran]:
    """Return every attempt that ran something, in the order of time."""
    claims: dict[Pass, list[Entry]] = {}
    for claim in evidence.ledger.of_kind("action.started"):
        action = parse_action(claim.key)
        if action:
            claims.setdefault(action.pass_of, []).append(claim)
    found = []
    for place in claims.keys() | evidence.by_pass.keys():
        ran = _ran(place, claims.get(place, []), evidence)
        if ran:
            found.append(ran)
    return sorted(found, key=lambda ran: (ran.first, ran.place))


def _ran(place: Pass, claims: list[Entry], evidence: Evidence) -> Ran | None:
    starts = evidence.by_pass.get(place, [])
    times = [started.at for started in starts] or [
        at for claim in claims if (at := evidence.monotonic(claim.at)) is not None
    ]
    if not times:
        return None
    ends = evidence.ledger.ends.get(place, [])
    began = evidence.monotonic(instant(ends[0].data.get("started_at"))) if ends else None
    key = place[0].removeprefix("alert-")
    rule = evidence.trial.rule_of(key)
    target = text(claims[0].data, "target") if claims else ""
    if rule and rule.target_label:
        target = text(evidence.trial.episodes[key].labels, rule.target_label) or target
    return Ran(
        place=place,
        rule=evidence.rule_name(key),
        target=target or key,
        first=min(times),
        last=max([started.last for started in starts] or times),
        asked=min(times) if began is None else min(began, *times),
        opened=claims[0].seq if claims else None,
        closed=ends[0].seq if ends else None,
        token=(number(claims[0].data, "fencing_token") or 0.0) if claims else 0.0,
        started=bool(starts),
    )
