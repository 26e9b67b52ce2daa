"""``lumen rules check``."""

from __future__ import annotations

from pathlib import Path

import pytest

from rules.source import RuleSource
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


def test_the_digest_is_the_one_of_the_installation(
    lumen: Lumen, clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside the data of a `lumen up` it is that of its processes, elsewhere that of processes on their own."""
    folder = clean_place / "rules"
    Rulebook(folder)

    def checked(*arguments: str) -> tuple[str, str]:
        document = lumen("rules", "check", "--json", *arguments).document
        assert f"votes count from rank {document['min_rank']} on" in lumen("rules", "check", *arguments).out
        return document["min_rank"], document["digest"]

    alone, embedded = ((rank, RuleSource(folder, rank).current.digest) for rank in ("link", "signal"))
    assert alone[1] != embedded[1]
    assert checked() == alone
    (clean_place / "var").mkdir()
    (clean_place / "var" / "temporal.db").touch()
    assert checked() == embedded
    assert checked("--min-rank", "link") == alone
    monkeypatch.setenv("TEMPORAL_ADDRESS", "127.0.0.1:1")
    assert checked() == alone
    monkeypatch.setenv("LUMEN_EMBEDDED", "1")
    assert checked() == embedded


def test_an_unknown_rank_is_a_mistake_in_the_command(lumen: Lumen, clean_place: Path) -> None:
    """The exit code is 2 and the ranks are listed."""
    Rulebook(clean_place / "rules")
    ran = lumen("rules", "check", "--min-rank", "boss")
    assert ran.code == 2
    assert "want one of signal, token, link, slack, oidc" in ran.err


def test_programs_and_scripts_that_this_machine_lacks_are_warned_about(lumen: Lumen, clean_place: Path) -> None:
    """Each with its rule and action; the exit code stays 0, and what runs elsewhere is not looked for here."""
    (clean_place / "fix.sh").write_text("true\n")
    commands = {
        "there": ["/bin/true"],
        "python": ["python", "-c", "pass"],
        "script": ["sh", "fix.sh"],
        "value": ["/bin/echo", "{labels.script}"],
        "gone": ["/no/such/program"],
        "bare": ["no-such-program"],
        "closed": ["./fix.sh"],
        "scriptless": ["python", "controls/none.py"],
    }
    book = Rulebook(clean_place / "rules")
    book.add("R", actions=[{"name": name, "cmd": argv} for name, argv in commands.items()])
    book.add("Elsewhere", actions=[{"cmd": ["/no/such/program"], "runner": "edge"}])
    ran = lumen("rules", "check")
    assert ran.code == 0
    assert [line for line in ran.err.splitlines() if 'action "' in line] == [
        'lumen: warning: rule "R", action "gone": there is no program /no/such/program on this machine',
        (
            'lumen: warning: rule "R", action "bare": no-such-program: no such program in '
            "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; write its path"
        ),
        f'lumen: warning: rule "R", action "closed": {clean_place}/fix.sh may not be executed here: chmod +x it',
        (
            f'lumen: warning: rule "R", action "scriptless": there is no script {clean_place}/controls/none.py '
            "on this machine"
        ),
    ]
    assert len(lumen("rules", "check", "--json").document["warnings"]) == len(ran.err.splitlines())
