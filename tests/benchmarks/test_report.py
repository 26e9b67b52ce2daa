"""What the benchmarks print."""

from __future__ import annotations

import json

from benchmarks.report import Figure, at_least, at_most, line, ratio_at_least, ratio_at_most, table


def figure(**changes: object) -> Figure:
    """Return a figure of three rounds."""
    fields = {"figure": "drain", "case": "burst", "measure": "ends", "unit": "1/s"}
    content: dict[str, object] = {"lumen": [4.0, 5.0, 6.0], "bare": [10.0, 10.0, 10.0], **fields, **changes}
    return Figure(**content)  # type: ignore[arg-type]  # a test fills it by name


def test_a_figure_is_one_line_of_json_with_every_round() -> None:
    """Whoever doubts a median finds the rounds beside it."""
    text = line(figure(aims=(ratio_at_least(0.35),)).document())
    assert text.endswith("\n")
    assert "\n" not in text[:-1]
    document = json.loads(text)
    assert document["lumen"] == 5.0
    assert document["bare"] == 10.0
    assert document["ratio"] == 0.5
    assert document["ratio_range"] == [0.4, 0.6]
    assert document["lumen_rounds"] == [4.0, 5.0, 6.0]
    assert document["rounds"] == 3
    assert document["aims"] == ["ratio >= 0.35"]
    assert document["met"] is True


def test_an_aim_may_be_a_ratio_or_a_number() -> None:
    """Every aim must be reached."""
    assert figure(aims=(ratio_at_most(0.4),)).met() is False
    assert figure(aims=(at_most(5.0),)).met() is True
    assert figure(aims=(at_most(4.9),)).met() is False
    assert figure(aims=(at_most(5.0), ratio_at_most(0.4))).met() is False
    assert figure(aims=(at_least(5.0),)).met() is True
    assert figure(aims=(at_least(5.1),)).met() is False
    assert figure().met() is None


def test_a_figure_without_a_baseline_has_no_ratio() -> None:
    """Nothing is compared with nothing."""
    document = figure(bare=()).document()
    assert document["ratio"] is None
    assert document["ratio_range"] is None
    assert document["bare"] is None


def test_the_table_has_a_row_for_each_figure_and_shows_a_miss() -> None:
    """An aim that was missed is in capitals; a missing baseline is a dash."""
    missed, alone = figure(aims=(ratio_at_least(0.6),)), figure(case="alone", bare=())
    head, first, second = table([missed, alone]).splitlines()
    assert head.split()[:2] == ["figure", "case"]
    assert first.split()[-1] == "NO"
    assert "0.5 (0.4-0.6)" in first
    assert second.split()[-2:] == ["-", "-"]
