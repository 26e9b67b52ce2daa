"""``lumen rules check``."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Lumen
from tests.cli.test_output import is_harmless
from tests.stack.rulebook import Rulebook


def test_good_rules_are_listed_with_their_digest(
    lumen: Lumen, clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder of LUMEN_RULES, or the one that is named, loads; the exit code is 0."""
    folder = clean_place / "here"
    Rulebook(folder).add("DiskFull", actions=[{"cmd": ["/bin/true"]}])
    monkeypatch.setenv("LUMEN_RULES", str(folder))
    ran = lumen("rules", "check")
    assert ran.code == 0
    assert "DiskFull" in ran.out
    assert "sha256:" in ran.out
    document = lumen("rules", "check", str(folder), "--json").document
    assert document["ok"] is True
    assert "DiskFull" in [rule["name"] for rule in document["rules"]]


def test_findings_show_the_place_and_end_with_one(lumen: Lumen, clean_place: Path) -> None:
    """File, line, column and a marker under the place; control characters of the file are shown, not sent."""
    Rulebook(clean_place / "rules").add("DiskFull", actions=[{"cmd": ["/bin/true"]}])
    (clean_place / "rules" / "bad.yaml").write_text('rules:\n- alert: X\n  "nonsense\\e[31m": 1\n')
    ran = lumen("rules", "check", "rules")
    assert ran.code == 1
    assert "rules/bad.yaml:3:" in ran.err
    assert "^^^" in ran.err
    assert is_harmless(ran.err)
    failed = lumen("rules", "check", "rules", "--json")
    assert failed.code == 1
    assert failed.document["findings"][0]["line"] in {2, 3}


def test_a_folder_that_is_not_there_is_told(lumen: Lumen) -> None:
    """No traceback, exit code 1."""
    ran = lumen("rules", "check", "nowhere")
    assert ran.code == 1
    assert "nowhere" in ran.err
    assert "Traceback" not in ran.err
