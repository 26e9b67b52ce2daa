"""The rules in force are the last good ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lumen.errors import RulesError
from rules.source import RuleSource
from tests.rules.documents import write

RULE = "rules:\n  - alert: A\n    actions: [{proof: true}]\n"


def names(source: RuleSource) -> list[str]:
    """Return the names of the rules in force."""
    return [rule.name for rule in source.current.rules]


def test_the_first_load_must_succeed(tmp_path: Path) -> None:
    """Without a good set there is nothing to hold."""
    with pytest.raises(RulesError):
        RuleSource(write(tmp_path, rules="rules: x"))


def test_nothing_happens_while_nothing_changes(tmp_path: Path) -> None:
    """The cheap check does not read the files."""
    source = RuleSource(write(tmp_path, rules=RULE))
    before = source.current
    assert source.refresh() is None
    assert source.current is before


def test_a_change_comes_into_force(tmp_path: Path) -> None:
    """A new file, a changed one and a removed one are all seen."""
    source = RuleSource(write(tmp_path, rules=RULE), default_min_rank="signal")
    write(tmp_path, more=RULE.replace("A", "B"))
    assert (source.refresh(), names(source)) == ("", ["B", "A"])
    write(tmp_path, more=RULE.replace("A", "LongerName"))
    assert (source.refresh(), names(source)) == ("", ["LongerName", "A"])
    (tmp_path / "more.yaml").unlink()
    assert (source.refresh(), names(source)) == ("", ["A"])
    assert source.current.policy.min_rank == "signal"
    assert source.refresh() is None


def test_a_change_of_the_same_size_is_seen(tmp_path: Path) -> None:
    """The time of a file counts, to the nanosecond."""
    source = RuleSource(write(tmp_path, rules=RULE))
    file = tmp_path / "rules.yaml"
    stat = file.stat()
    file.write_text(RULE.replace("A", "B"))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1))
    assert (source.refresh(), names(source)) == ("", ["B"])


def test_a_broken_change_leaves_the_last_good_set(tmp_path: Path) -> None:
    """The error is told once by the check and stays readable until the files are good again."""
    source = RuleSource(write(tmp_path, rules=RULE))
    digest = source.current.digest
    write(tmp_path, rules=RULE + "    cooldwn: 5\n")
    said = source.refresh()
    assert said is not None
    assert 'unknown key "cooldwn"' in said
    assert (names(source), source.current.digest, source.error) == (["A"], digest, said)
    assert source.refresh() is None
    assert source.reload() == said
    write(tmp_path, rules=RULE)
    assert (source.refresh(), source.error) == ("", "")


def test_a_folder_that_disappears_leaves_the_last_good_set(tmp_path: Path) -> None:
    """A volume that is not there for a moment does not take the rules away."""
    folder = tmp_path / "rules"
    folder.mkdir()
    source = RuleSource(write(folder, rules=RULE))
    folder.rename(tmp_path / "away")
    assert "the folder cannot be read" in (source.refresh() or "")
    assert names(source) == ["A"]
    (tmp_path / "away").rename(folder)
    assert source.refresh() == ""
