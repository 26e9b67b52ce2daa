"""One picture of a soak: small multiples over the time of the run, in minutes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.soak.pace import Pace
from benchmarks.soak.verdict import Sample

_COLOURS = {"worker": "#0b6e4f", "api": "#1f4e9c", "proofd": "#b03a2e", "temporal": "#555555", "load": "#bbbbbb"}
_SERVED = ("worker", "api", "proofd", "temporal")


def draw(samples: Sequence[Sample], pace: Pace, file: Path) -> None:
    """Draw the samples into ``file`` (PNG)."""
    figure = Figure(figsize=(12, 12), dpi=100, layout="constrained")
    panels = figure.subplots(4, 2, sharex=True).flatten()
    _memory(panels[0], samples, ("worker", "api", "proofd"), "Lumen's processes")
    _memory(panels[1], samples, ("temporal",), "Temporal")
    _each(panels[2], samples, "open file descriptors", "fds")
    _each(panels[3], samples, "threads", "threads")
    _line(panels[4], samples, "temporal.db and its log", lambda one: _size(one, "temporal") / 1e6, "#555555")
    _line(panels[4], samples, "proof.db and its log", lambda one: _size(one, "proof") / 1e6, _COLOURS["proofd"])
    _name(panels[4], "databases", "MB")
    _line(panels[5], samples, "open workflows", lambda one: one["open"], "#1f4e9c")
    _line(panels[5], samples, "open episodes", lambda one: one["open_episodes"], "#0b6e4f")
    _name(panels[5], "open in Temporal", "count")
    _line(panels[6], samples, "longest history", lambda one: one["history"]["events"], "#b03a2e")
    _name(panels[6], "longest history of an open workflow", "events")
    _processors(panels[7], samples)
    for panel in panels:
        panel.axvspan(pace.reference / 60, (pace.reference + pace.window) / 60, color="#f7f0da", linewidth=0)
        panel.axvspan((pace.seconds - pace.window) / 60, pace.seconds / 60, color="#f7f0da", linewidth=0)
    for panel in panels[-2:]:
        panel.set_xlabel("minutes of load")
    figure.savefig(file, facecolor="white")


def _memory(panel: Axes, samples: Sequence[Sample], names: Sequence[str], title: str) -> None:
    for name in names:
        _line(panel, samples, f"{name}, resident", partial(_megabytes, name, "rss"), _COLOURS[name])
        _line(panel, samples, f"{name}, its own", partial(_megabytes, name, "uss"), _COLOURS[name], ":")
    _name(panel, f"memory, {title}", "MB")


def _each(panel: Axes, samples: Sequence[Sample], title: str, measure: str) -> None:
    for name in _SERVED:
        _line(panel, samples, name, partial(_of, name, measure), _COLOURS[name])
    _name(panel, title, "count")


def _processors(panel: Axes, samples: Sequence[Sample]) -> None:
    """Draw processor time as percent of one core, over each minute."""
    step = 12
    for name in (*_SERVED, "load"):
        pairs = list(zip(samples[:-step:step], samples[step::step], strict=False))
        panel.plot(
            [after["t"] / 60 for _, after in pairs],
            [
                100 * (_of(name, "cpu", after) - _of(name, "cpu", before)) / (after["t"] - before["t"])
                for before, after in pairs
            ],
            color=_COLOURS[name],
            label=name,
            linewidth=1,
        )
    _name(panel, "processor time", "% of one core")


def _line(
    panel: Axes, samples: Sequence[Sample], label: str, of: Callable[[Sample], float], colour: str, style: str = "-"
) -> None:
    points = []
    for one in samples:
        try:
            points.append((one["t"] / 60, of(one)))
        except KeyError:  # not every look counts everything
            continue
    panel.plot([x for x, _ in points], [y for _, y in points], style, color=colour, label=label, linewidth=1)


def _name(panel: Axes, title: str, unit: str) -> None:
    panel.set_title(title, loc="left", fontsize=10)
    panel.set_ylabel(unit)
    panel.set_ylim(bottom=0)
    panel.grid(visible=True, color="#e5e5e5", linewidth=0.5)
    panel.legend(fontsize=8, frameon=False, loc="lower right")


def _of(process: str, measure: str, sample: Sample) -> float:
    return float(sample["processes"][process][measure])


def _megabytes(process: str, measure: str, sample: Sample) -> float:
    return _of(process, measure, sample) / 1e6


def _size(sample: Sample, database: str) -> float:
    return float(sum(size for name, size in sample["files"].items() if name.startswith(f"{database}.db")))
