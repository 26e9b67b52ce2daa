"""How fast a storm of alerts is accepted and drained: `python -m benchmarks.storm [--alerts N] [--posts P]`.

Prints one JSON line: seconds until all posts were answered 2xx, then the drain rate (attempts ended a second) over each
tenth of the time, so that a rate that falls is seen.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

from tests.stack.site import running_site
from tests.stack.storm import drain, prepare, send

EVERY = 2.0


def main() -> None:
    """Run one storm and print what was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--alerts", type=int, default=10_000)
    parser.add_argument("--posts", type=int, default=20)
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, running_site(Path(folder)) as site:
        before = prepare(site)
        accepted = send(site, wanted.alerts, wanted.posts)
        points = [(0.0, 0)]
        for point in drain(site, before, wanted.alerts, EVERY, 3600):
            points.append(point)
            sys.stderr.write(f"\r{point[1]} of {wanted.alerts} after {point[0]:.0f} s")
        sys.stderr.write("\n")
        figures = {
            "alerts": wanted.alerts,
            "posts": wanted.posts,
            "accepted_in_seconds": round(accepted, 2),
            "drained_in_seconds": round(points[-1][0], 1),
            "rate_by_tenths": rates(points),
            "reconcile": site.lumen("reconcile", "--json").stdout.strip(),
        }
    sys.stdout.write(json.dumps(figures) + "\n")


def rates(points: list[tuple[float, int]]) -> list[float]:
    """Return the attempts ended a second over each tenth of the measured time."""
    end = points[-1][0]
    result = []
    for tenth in range(10):
        inside = [point for point in points if end * tenth / 10 <= point[0] <= end * (tenth + 1) / 10]
        if len(inside) > 1 and inside[-1][0] > inside[0][0]:
            result.append(round((inside[-1][1] - inside[0][1]) / (inside[-1][0] - inside[0][0]), 1))
    return result


if __name__ == "__main__":
    main()
