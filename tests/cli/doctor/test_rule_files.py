"""Rules, policy and the programs that rules run."""

from __future__ import annotations

from pathlib import Path

from cli.doctor.finding import Status
from tests.cli.doctor.conftest import Diagnose
from tests.stack.rulebook import Rulebook


def test_a_mistake_in_a_rule_is_told_with_place_and_fix(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path
) -> None:
    """File, line and column, what is wrong, and what to write instead."""
    path = clean_place / "rules" / "disk.yaml"
    path.write_text("rules:\n- alert: X\n  actoins:\n  - cmd: [/bin/true]\n")
    found = diagnose(place).of("rules")
    assert {one.status for one in found} == {Status.FAIL}
    assert any(one.found.startswith(f"{path}:3:3: ") and "actions" in one.fix for one in found), found


def test_a_mistake_in_the_policy_is_told_too(diagnose: Diagnose, place: dict[str, str], clean_place: Path) -> None:
    """The policy is a file like the others."""
    path = clean_place / "rules" / "policy.yaml"
    path.write_text("severity:\n  default: {aprove: 1}\n")
    assert f"{path}:2:" in diagnose(place).failed()["rules"]


def test_many_mistakes_leave_room_for_the_other_checks(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path
) -> None:
    """Ten are shown; the rest is a number and the command that shows all."""
    mistakes = "".join(f"- {{alert: A{number}, nonsense: 1, actions: [{{proof: true}}]}}\n" for number in range(30))
    (clean_place / "rules" / "bad.yaml").write_text(f"rules:\n{mistakes}")
    found = diagnose(place).of("rules")
    assert len(found) == 11
    assert (found[-1].status, found[-1].found) == (Status.FAIL, "and 20 more")
    assert found[-1].fix.startswith("lumen rules check")


def test_a_folder_that_is_not_there_is_told_with_its_variable(diagnose: Diagnose, place: dict[str, str]) -> None:
    """LUMEN_RULES leads nowhere."""
    found = diagnose({**place, "LUMEN_RULES": "/nowhere/rules"}).one("rules")
    assert (found.status, "LUMEN_RULES" in found.fix) == (Status.FAIL, True)


def test_a_program_that_is_missing_fails_for_a_rule_that_executes_it(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path
) -> None:
    """Missing and not executable are told by rule and action; what only runs dry is a warning."""
    (clean_place / "plain.sh").write_text("")
    book = Rulebook(clean_place / "rules")
    book.add("Live", actions=[{"name": "a", "cmd": ["no-such-program"]}, {"name": "b", "cmd": ["./plain.sh"]}])
    book.add("Dry", dry_run=True, actions=[{"name": "c", "cmd": ["/no/such/program"]}])
    missing, plain, dry = diagnose(place).of("commands")
    assert [one.status for one in (missing, plain, dry)] == [Status.FAIL, Status.FAIL, Status.WARN]
    assert 'rule "Live", action "a"' in missing.found
    assert "no-such-program" in missing.found
    assert "executed" in plain.found
    assert "chmod +x" in plain.found
    assert "/no/such/program" in dry.found
    assert all("`cmd`" in one.fix for one in (missing, plain, dry))


def test_programs_that_are_here_are_fine(diagnose: Diagnose, place: dict[str, str], clean_place: Path) -> None:
    """One that is there and executable is no finding."""
    Rulebook(clean_place / "rules").add("Live", actions=[{"cmd": ["/bin/true"]}])
    assert diagnose(place).status("commands") is Status.OK
