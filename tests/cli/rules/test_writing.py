"""``lumen rules new`` and ``lumen rules schema``."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.json_schema import cases_schema, policy_schema, rules_schema
from tests.cli.conftest import Lumen
from tests.stack.rulebook import Rulebook


@pytest.mark.parametrize("kind", ["cmd", "http", "control_bus", "kubernetes"])
def test_a_new_rule_is_written_and_passes_the_check(lumen: Lumen, clean_place: Path, kind: str) -> None:
    """Its file is printed, alone on stdout; `lumen rules check` has nothing against it."""
    Rulebook(clean_place / "rules")
    ran = lumen("rules", "new", "disk full", "--alert", "DiskFull", "--kind", kind)
    assert (ran.code, ran.out) == (0, "rules/disk-full.yaml\n"), ran.err
    checked = lumen("rules", "check")
    assert (checked.code, checked.err) == (0, "")
    assert "disk full" in checked.out
    assert lumen("alert", "explain", "-l", "alertname=DiskFull", "--json").document["rule"] == "disk full"


def test_nothing_is_ever_written_over(lumen: Lumen, clean_place: Path) -> None:
    """Neither the file nor, in another file, the rule of this name; the exit code is 1."""
    Rulebook(clean_place / "rules")
    assert lumen("rules", "new", "A").code == 0
    file = clean_place / "rules" / "a.yaml"
    file.write_text(file.read_text().replace("cooldown: 10m", "cooldown: 99"))
    assert lumen("rules", "new", "A").code == 1
    assert lumen("rules", "new", "a").code == 1
    assert "cooldown: 99" in file.read_text()
    file.rename(clean_place / "rules" / "b.yaml")
    ran = lumen("rules", "new", "A")
    assert (ran.code, "there is a rule A" in ran.err, file.exists()) == (1, True, False)


@pytest.mark.parametrize(
    "arguments", [["..."], ["A", "--kind", "magic"], ["a\nb"], [" a"], ["A", "--alert", "x" * 101], ["policy"]]
)
def test_what_cannot_be_written_is_a_mistake_in_the_command(
    lumen: Lumen, clean_place: Path, arguments: list[str]
) -> None:
    """Exit code 2, and no file."""
    Rulebook(clean_place / "rules")
    before = sorted((clean_place / "rules").iterdir())
    assert lumen("rules", "new", *arguments).code == 2
    assert sorted((clean_place / "rules").iterdir()) == before


def test_a_folder_that_is_not_there_is_told(lumen: Lumen) -> None:
    """Nothing is created that nobody asked for."""
    ran = lumen("rules", "new", "A", "--rules", "nowhere")
    assert (ran.code, "no folder nowhere" in ran.err) == (1, True)


def test_a_warning_about_the_new_rule_is_said(lumen: Lumen, clean_place: Path) -> None:
    """Such as that an earlier rule takes all of its alerts."""
    Rulebook(clean_place / "rules").add("Full", actions=[{"proof": True}])
    ran = lumen("rules", "new", "zzz", "--alert", "Full")
    assert (ran.code, "no alert reaches this rule" in ran.err) == (0, True)


def test_the_schemas_are_printed(lumen: Lumen) -> None:
    """One JSON document each, and one at a time."""
    assert lumen("rules", "schema").document == rules_schema()
    assert lumen("rules", "schema", "--policy").document == policy_schema()
    assert lumen("rules", "schema", "--tests").document == cases_schema()
    assert lumen("rules", "schema", "--tests", "--policy").code == 2
