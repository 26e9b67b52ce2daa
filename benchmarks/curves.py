"""`python -m benchmarks.curves LOG… [--out FOLDER]`: draws what `python -m benchmarks growth` printed.

Reads its lines of JSON; writes `growth-waiting.png` and `growth-ledger.png`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

Curves = Mapping[str, Mapping[int, float]]
"""For each measure its value by the number of what there is."""

_COLOURS = ("#0b6e4f", "#1f4e9c", "#b03a2e", "#555555")
_WAITING: dict[tuple[str, str], tuple[str, ...]] = {
    ("first page of the console", "ms"): ("console p50", "console p95"),
    ("status of one episode", "ms"): ("status p50", "status p95"),
    ("vote until it is counted", "ms"): ("vote p50", "vote p95"),
    ("resident memory", "MB"): ("worker resident", "api resident", "proofd resident", "temporal resident"),
}
_LEDGER: dict[tuple[str, str], tuple[str, ...]] = {
    ("one append", "ms"): ("append p50", "append p99"),
    ("one proof", "ms"): ("inclusion proof p50", "consistency proof p50"),
    ("check of 100 new entries", "ms"): ("check of 100 new entries",),
    ("check of everything", "s"): ("check of everything", "offline verification"),
    ("on the disk", "MB"): ("file and its log",),
    ("peak memory of the offline verifier", "MB"): ("offline peak memory",),
}
_ALONG = {"waiting": "episodes that wait for votes", "entries": "entries in the ledger"}
_FILES = {"waiting": "growth-waiting.png", "entries": "growth-ledger.png"}
_WIDE = 100


def main() -> None:
    """Draw both pictures, each if there is something to draw."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.curves", description=__doc__)
    parser.add_argument("logs", nargs="+", type=Path, metavar="LOG")
    parser.add_argument("--out", type=Path, default=Path("docs/images"), metavar="FOLDER")
    wanted = parser.parse_args()
    documents = [json.loads(line) for log in wanted.logs for line in log.read_text().splitlines()]
    for unit, panels in (("waiting", _WAITING), ("entries", _LEDGER)):
        if found := curves(documents, unit):
            draw(
                found,
                panels,
                _ALONG[unit],
                wanted.out / _FILES[unit],
            )


def curves(documents: Iterable[Mapping[str, Any]], unit: str) -> Curves:
    """Return the curves over the number of ``unit`` (`waiting` or `entries`); a later line replaces an earlier one."""
    found: dict[str, dict[int, float]] = {}
    for one in documents:
        words = str(one.get("case", "")).split()
        if one.get("figure") == "growth" and words[1:] == [unit]:
            found.setdefault(one["measure"], {})[int(words[0])] = one["lumen"]
    return found


def draw(found: Curves, panels: Mapping[tuple[str, str], tuple[str, ...]], along: str, file: Path) -> None:
    """Draw one panel for each of ``panels``: (title, unit of the values) and the measures in it."""
    rows = (len(panels) + 1) // 2
    figure = Figure(figsize=(10, 2.8 * rows), dpi=100, layout="constrained")
    axes = figure.subplots(rows, 2, squeeze=False).flatten()
    for panel, ((title, unit), measures) in zip(axes, panels.items(), strict=False):
        for measure, colour in zip(measures, _COLOURS, strict=False):
            points = sorted(found.get(measure, {}).items())
            panel.plot([x for x, _ in points], [y for _, y in points], "o-", color=colour, label=measure, linewidth=1)
        _name(panel, title, unit, along, [y for measure in measures for y in found.get(measure, {}).values()])
    figure.savefig(file, facecolor="white")


def _name(panel: Axes, title: str, unit: str, along: str, values: Sequence[float]) -> None:
    """Name a panel and give it its axes: what spans more than a factor of 100 is drawn by its logarithm."""
    panel.set_title(title, loc="left", fontsize=10)
    panel.set_xscale("log")
    panel.set_xlabel(along, fontsize=8)
    panel.set_ylabel(unit)
    if values and max(values) > _WIDE * min(values):
        panel.set_yscale("log")
    else:
        panel.set_ylim(0, 1.4 * max(values, default=1))
    panel.grid(visible=True, color="#e5e5e5", linewidth=0.5)
    panel.legend(fontsize=8, frameon=False, loc="upper left")


if __name__ == "__main__":
    main()
