"""``lumen rules test``."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Lumen
from tests.cli.test_output import is_harmless
from tests.stack.rulebook import Rulebook

ROOT = Path(__file__).parents[3]
GOOD = "cases:\n  - {name: works, alert: {labels: {alertname: A}}, expect: {rule: A}}\n"
BAD = GOOD + "  - name: fails\n    alert: {labels: {alertname: A}}\n    expect:\n      outcome: remediated\n"


def book(folder: Path, text: str) -> Path:
    """Write rules with a rule A and cases beside them; return the file of cases."""
    Rulebook(folder / "rules").add("A", actions=[{"cmd": ["/bin/true"]}])
    (folder / "rules" / "tests").mkdir(exist_ok=True)
    file = folder / "rules" / "tests" / "cases.yaml"
    file.write_text(text)
    return file


def test_the_shipped_cases_pass(lumen: Lumen) -> None:
    """What the shipped rules promise is so."""
    ran = lumen("rules", "test", *map(str, sorted((ROOT / "rules" / "tests").glob("*.yaml"))))
    assert (ran.code, ran.err) == (0, "")
    assert "6 passed, 0 failed" in ran.out


def test_cases_are_found_beside_the_rules(lumen: Lumen, clean_place: Path) -> None:
    """Without a file those of LUMEN_RULES/tests; the rules themselves do not see them."""
    book(clean_place, GOOD)
    assert lumen("rules", "test").out.splitlines()[-1] == "1 passed, 0 failed"
    assert "tests" not in lumen("rules", "check").err


def test_a_failing_case_shows_place_and_both_sides(lumen: Lumen, clean_place: Path) -> None:
    """Exit code 1; the others still count; the JSON has what really came of it."""
    file = book(clean_place, BAD)
    ran = lumen("rules", "test", str(file))
    assert ran.code == 1
    assert f"{file}:6:16: outcome is expired: expected remediated" in ran.out
    assert "6 |       outcome: remediated" in ran.out
    assert "1 passed, 1 failed" in ran.out
    document = lumen("rules", "test", "--json").document
    assert (document["ok"], document["passed"], document["failed"]) == (False, 1, 1)
    (failed,) = [case for case in document["files"][0]["cases"] if not case["ok"]]
    assert failed["differences"] == [
        {"key": "outcome", "expected": "remediated", "got": "expired", "line": 6, "column": 16}
    ]
    assert failed["got"]["path"] == ["planning", "awaiting_approval"]


def test_another_folder_of_rules_can_be_tested(lumen: Lumen, clean_place: Path) -> None:
    """``--rules`` goes before what the file says: the same cases for rules that are to come."""
    file = book(clean_place, GOOD)
    Rulebook(clean_place / "new")
    assert lumen("rules", "test", str(file), "--rules", "new").code == 1
    assert lumen("rules", "test", str(file)).code == 0


def test_files_that_cannot_be_used_are_told(lumen: Lumen, clean_place: Path) -> None:
    """Findings of cases and of rules with their lines; what is not there is a mistake in the command."""
    file = book(clean_place, 'cases: [{name: "\\e[31m", alert: 1}]')
    ran = lumen("rules", "test")
    assert ran.code == 1
    assert "rules/tests/cases.yaml:1:" in ran.out
    assert is_harmless(ran.out)
    assert lumen("rules", "test", "--json").document["files"][0]["findings"][0]["line"] == 1
    file.write_text(GOOD)
    (clean_place / "rules" / "bad.yaml").write_text(json.dumps({"rules": [{"alert": "X", "nonsense": 1}]}))
    assert 'unknown key "nonsense"' in lumen("rules", "test").out
    assert lumen("rules", "test", "nowhere.yaml").code == 2
    assert lumen("rules", "test", "--rules", "nowhere").code == 2
