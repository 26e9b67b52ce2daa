"""What the commands themselves wrote when they started and ended: the only witness that Lumen has no hand in."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.chaos.checking.report import Report


@dataclass(frozen=True)
class Action:
    """The key of an action, taken apart: ``<workflow id>/<id of its first run>/<attempt>/<action>``."""

    workflow: str
    run: str
    attempt: int
    name: str

    @property
    def episode(self) -> str:
        """The key of the alert."""
        return self.workflow.removeprefix("alert-")

    @property
    def pass_of(self) -> tuple[str, str, int]:
        """The attempt that the action belongs to."""
        return self.workflow, self.run, self.attempt


def parse_action(key: str) -> Action | None:
    """Take a key apart; None if it has not the documented form."""
    found = key.split("/", 3)
    if len(found) != 4 or not found[2].isascii() or not found[2].isdigit() or not all(found):
        return None
    return Action(found[0], found[1], int(found[2][:9]), found[3])


@dataclass(frozen=True)
class Act:
    """One line of a command: ``what`` is start or end, ``at`` in seconds of CLOCK_MONOTONIC."""

    file: str
    key: str
    what: str
    at: float
    pid: str


@dataclass
class Started:
    """One start of an action and, if the command came so far, its end."""

    key: str
    file: str
    at: float
    ended: float | None

    @property
    def last(self) -> float:
        """The last time that the command was certainly alive."""
        return self.at if self.ended is None else self.ended


def read_acts(folder: Path, report: Report) -> list[Act]:
    """Read every file below ``acts``; a line that no command writes is a finding."""
    found = []
    for file in sorted(folder.rglob("*")) if folder.is_dir() else []:
        if not file.is_file():
            continue
        name = f"acts/{file.relative_to(folder)}"
        try:
            lines = file.read_text(errors="replace").splitlines()
        except OSError as error:
            report.add("evidence", "", f"{name} cannot be read: {error}")
            continue
        for place, line in enumerate(lines, 1):
            words = line.rsplit(" ", 3)
            if len(words) != 4 or words[1] not in {"start", "end"} or not words[2].isdecimal():
                report.add("evidence", "", f"{name} line {place} is no line of a command: {line[:200]!r}")
                continue
            found.append(Act(name, words[0], words[1], int(words[2][:20]) / 1e9, words[3]))
    return found


def pair(acts: list[Act]) -> list[Started]:
    """Return every start with its end: the next end line of the same key and process."""
    found: list[Started] = []
    open_: dict[tuple[str, str, str], Started] = {}
    for act in acts:
        place = act.file, act.key, act.pid
        if act.what == "start":
            open_[place] = Started(act.key, act.file, act.at, None)
            found.append(open_[place])
        elif place in open_:
            open_.pop(place).ended = act.at
    return sorted(found, key=lambda started: started.at)
