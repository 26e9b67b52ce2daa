"""Watching: bounded, patient with whoever does not answer, and over when the episode is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest

from cli.alert.changes import changes
from cli.alert.watching import Appended, Drawn, JsonLines, Pace, follow
from cli.failure import CommandError, UnansweredError
from cli.terminal import Screen, Terminal, frame
from lumen.standing import over
from tests.cli.alert.samples import NOW, asking

CLOSED = asking(state="closed", open=False, run_status="completed")


class Seen:
    """A view that remembers what it was given."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.shown: list[dict[str, Any]] = []
        self.lost_to: list[str] = []

    def show(self, document: dict[str, Any]) -> bool:
        """Keep it."""
        changed = not self.shown or self.shown[-1] != document
        self.shown.append(document)
        return changed

    def lost(self, who: str) -> None:
        """Keep who."""
        self.lost_to.append(who)


def followed(view: Any, *answers: dict[str, Any] | Exception) -> list[float]:
    """Follow these answers and return how long was waited after each."""
    waits: list[float] = []
    left: Iterator[dict[str, Any] | Exception] = iter(answers)

    def ask() -> dict[str, Any]:
        answer = next(left)
        if isinstance(answer, Exception):
            raise answer
        return answer

    follow(ask, view, over, Pace(waits.append))
    return waits


def test_it_ends_when_the_episode_is_over() -> None:
    """The last look is shown, and nobody waits after it."""
    view = Seen()
    assert len(followed(view, asking(), asking(repeats=3), CLOSED)) == 2
    assert view.shown[-1] == CLOSED


def test_it_looks_about_once_a_second_and_less_often_while_nothing_changes() -> None:
    """A second after a change, growing to five without one, and a second again after the next."""
    waits = followed(Seen(), *[asking()] * 10, asking(repeats=3), CLOSED)
    assert waits[0] == 1.0
    assert waits[:10] == sorted(waits[:10])
    assert max(waits) == waits[9] == 5.0
    assert waits[10] == 1.0


def test_an_api_that_went_away_is_waited_for() -> None:
    """After the first answer, no answer is told and tried again, ever less often."""
    view = Seen()
    gone = UnansweredError("cannot reach it", "the Lumen API")
    waits = followed(view, asking(), gone, gone, gone, asking(), CLOSED)
    assert view.lost_to == ["the Lumen API"] * 3
    assert waits[1] < waits[2] < waits[3]


def test_an_api_that_was_never_there_is_an_error() -> None:
    """The first look must be answered; and what is refused is refused at any time."""
    with pytest.raises(UnansweredError):
        followed(Seen(), UnansweredError("cannot reach it", "the Lumen API"), CLOSED)
    with pytest.raises(CommandError, match="there is no episode"):
        followed(Seen(), asking(), CommandError("there is no episode with this key"))


def test_through_a_pipe_only_changes_are_printed_each_with_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a change; who went away is said once, and that they are back."""
    view = Appended(changes, lambda: NOW)
    gone = UnansweredError("x", "the Lumen API")
    followed(view, asking(), asking(), gone, gone, asking(), asking(repeats=3), CLOSED)
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith("2026-03-01T12:00:00.000Z ") for line in lines)
    told = [line.partition(" ")[2] for line in lines]
    first = told.index("state awaiting_approval")
    assert told[first + 1 :] == [
        "ledger 4 5 6 7",
        "the Lumen API does not answer, trying again",
        "the Lumen API answers again",
        "heard again, 4 times now",
        "state closed",
    ]


def test_for_programs_every_other_document_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    """The same document is not printed twice, and trouble on the way is not printed at all."""
    followed(JsonLines(), asking(), asking(), UnansweredError("x", "y"), CLOSED)
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == [asking(), CLOSED]


def test_on_a_terminal_it_is_drawn_on_the_other_screen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drawn from the top each time, what is wrong in the first line; the first screen is back afterwards."""
    monkeypatch.setattr("cli.alert.watching.terminal", lambda: Terminal(44, 12))

    def lines(document: dict[str, Any], now: datetime, width: int) -> list[str]:
        return [f"{document['state']} in {width}", *(str(number) for number in range(20))]

    with Screen() as screen:
        view = Drawn(screen, lines)
        assert capsys.readouterr().out == ""
        assert view.show(asking())
        assert not view.show(asking())
        view.lost("the Lumen API")
    out = capsys.readouterr().out
    assert out.startswith("\x1b[?1049h\x1b[?25l")
    assert out.endswith("\x1b[?25h\x1b[?1049l")
    assert out.count("\x1b[H\x1b[J") == 3
    assert out.count("awaiting_approval in 44\n") == 3
    assert "the Lumen API does not answer,\ntrying again\n" in out
    assert "more lines: make the terminal higher" in out


def test_a_frame_never_scrolls() -> None:
    """Lines that the terminal wraps count as the rows they take, and what does not fit is counted."""
    size = Terminal(10, 6)
    assert frame(["a", "b"], size) == ["a", "b"]
    assert frame(["a" * 25, "b", "c"], size) == ["a" * 25, "b", "c"]
    assert frame(["a" * 25, "b", "c", "d"], size) == ["a" * 25, "b", "… 2 more …"]
    assert frame(["a" * 100], size) == ["… 1 more …"]
