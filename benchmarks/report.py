"""What a figure is, as one line of JSON and as one row of a table."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.measure import middle, paired_ratio, ratios


@dataclass(frozen=True)
class Aim:
    """What a figure should reach: ``of`` is ``ratio`` or ``lumen``, ``way`` is ``>=`` or ``<=``."""

    of: str
    way: str
    bound: float

    def met(self, value: float) -> bool:
        """Return whether ``value`` reaches it."""
        return value >= self.bound if self.way == ">=" else value <= self.bound

    def __str__(self) -> str:
        """Return it in words of one row."""
        return f"{self.of} {self.way} {self.bound:g}"


def ratio_at_least(bound: float) -> Aim:
    """Aim at a part of what the baseline does."""
    return Aim("ratio", ">=", bound)


def ratio_at_most(bound: float) -> Aim:
    """Aim at a multiple of what the baseline takes."""
    return Aim("ratio", "<=", bound)


def at_most(bound: float) -> Aim:
    """Aim at a number of its own, in the unit of the figure."""
    return Aim("lumen", "<=", bound)


def at_least(bound: float) -> Aim:
    """Aim at a number of its own that should be exceeded."""
    return Aim("lumen", ">=", bound)


@dataclass(frozen=True)
class Figure:
    """One number over all rounds, beside the baseline of the same rounds (none where there is nothing to compare with)."""

    figure: str
    case: str
    measure: str
    unit: str
    lumen: Sequence[float]
    bare: Sequence[float] = ()
    aims: tuple[Aim, ...] = ()

    @property
    def ratio(self) -> float | None:
        """Lumen by baseline, the median of the rounds."""
        return paired_ratio(self.lumen, self.bare) if self.bare else None

    def met(self) -> bool | None:
        """Return whether every aim is reached; None where there is none."""
        values = {"lumen": middle(self.lumen), "ratio": self.ratio}
        return all(aim.met(values[aim.of] or 0.0) for aim in self.aims) if self.aims else None

    def document(self) -> dict[str, Any]:
        """Return the figure as JSON: medians, ratio, every round, and the aims with whether they are reached."""
        ratio = self.ratio
        every = ratios(self.lumen, self.bare) if self.bare else None
        return {
            "figure": self.figure,
            "case": self.case,
            "measure": self.measure,
            "unit": self.unit,
            "lumen": round(middle(self.lumen), 3),
            "bare": round(middle(self.bare), 3) if self.bare else None,
            "ratio": None if ratio is None else round(ratio, 3),
            "ratio_range": [round(min(every), 3), round(max(every), 3)] if every else None,
            "rounds": len(self.lumen),
            "lumen_rounds": [round(value, 3) for value in self.lumen],
            "bare_rounds": [round(value, 3) for value in self.bare],
            "aims": [str(aim) for aim in self.aims],
            "met": self.met(),
        }


def line(document: dict[str, Any]) -> str:
    """Return one line of JSON, with its end."""
    return json.dumps(document, ensure_ascii=False) + "\n"


def table(figures: Sequence[Figure]) -> str:
    """Return the figures for people, one row each, columns aligned."""
    heads = ("figure", "case", "measure", "unit", "lumen", "bare", "ratio", "aim", "met")
    rows = [heads, *(_row(figure.document()) for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    padded = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(padded) + "\n"


def _row(document: dict[str, Any]) -> tuple[str, ...]:
    words = [document[name] for name in ("figure", "case", "measure", "unit")]
    numbers = ["-" if document[name] is None else f"{document[name]:.4g}" for name in ("lumen", "bare", "ratio")]
    if document["ratio_range"]:
        numbers[-1] += " ({:.3g}-{:.3g})".format(*document["ratio_range"])
    met = {True: "yes", False: "NO", None: ""}[document["met"]]
    return (*words, *numbers, ", ".join(document["aims"]), met)
