"""`python -m benchmarks [NAME…] [--quick]`: one line of JSON a figure on stdout, progress and a table on stderr."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator

from benchmarks import accept, channels, drain, growth, latency, ledger, memory, votes
from benchmarks.machine import header
from benchmarks.report import Figure, line, table
from benchmarks.sizes import FULL, LARGE, QUICK, Size

FIGURES: dict[str, Callable[[Size], Iterator[Figure]]] = {
    "accept": accept.measure,
    "latency": latency.measure,
    "votes": votes.measure,
    "channels": channels.measure,
    "drain": drain.measure,
    "memory": memory.measure,
    "ledger": ledger.measure,
    "growth": growth.measure,
}


def main() -> None:
    """Measure what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(FIGURES)}; default: all")
    parser.add_argument("--quick", action="store_true", help="small sizes: shows that it works, not how fast")
    parser.add_argument("--large", action="store_true", help="let growth go on to 10,000 waiting episodes")
    wanted = parser.parse_args()
    unknown = sorted(set(wanted.names) - set(FIGURES))
    if unknown:
        parser.error(f"there is no figure {', '.join(unknown)}; there are {', '.join(FIGURES)}")
    size = QUICK if wanted.quick else LARGE if wanted.large else FULL
    # Every process that was started must end with this one, also when it is told to stop.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    sys.stdout.write(line({**header(), "size": "quick" if wanted.quick else "full"}))
    sys.stdout.flush()
    figures = [figure for name in wanted.names or FIGURES for figure in _measured(name, size)]
    sys.stderr.write("\n" + table(figures))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # a client of the SDK that lives shortly may crash the interpreter on its way out


def _measured(name: str, size: Size) -> Iterator[Figure]:
    began = time.monotonic()
    sys.stderr.write(f"{name} … ")
    sys.stderr.flush()
    for figure in FIGURES[name](size):
        sys.stdout.write(line(figure.document()))
        sys.stdout.flush()
        yield figure
    sys.stderr.write(f"{time.monotonic() - began:.0f} s\n")


if __name__ == "__main__":
    main()
