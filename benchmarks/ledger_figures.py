"""The figures of an arm that appends, against the bare loop of the same rounds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from benchmarks.measure import Rate, percentile
from benchmarks.report import Aim, Figure

_NO_AIMS: Mapping[str, tuple[Aim, ...]] = {}


def rate_of(
    case: str, ours: Sequence[Rate], theirs: Sequence[Rate], aims: Mapping[str, tuple[Aim, ...]] = _NO_AIMS
) -> Figure:
    """Return the appends a second; ``aims`` are those of each measure."""
    lumen, bare = ([one.per_second for one in arm] for arm in (ours, theirs))
    return Figure("ledger", case, "rate", "1/s", lumen, bare, aims.get("rate", ()))


def latencies_of(
    case: str, ours: Sequence[Rate], theirs: Sequence[Rate], aims: Mapping[str, tuple[Aim, ...]] = _NO_AIMS
) -> Iterator[Figure]:
    """Yield p50 and p99 of one append in milliseconds."""
    for measured, share in (("p50", 0.5), ("p99", 0.99)):
        lumen, bare = ([percentile(one.seconds, share) * 1000 for one in arm] for arm in (ours, theirs))
        yield Figure("ledger", case, measured, "ms", lumen, bare, aims.get(measured, ()))
