"""Every mistake in a rule or policy file is named with its place and its fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.documents import refused, write
from tests.rules.mistakes import ACTION_MISTAKES, FILE_MISTAKES, HEAD, POLICY_MISTAKES, RULE_MISTAKES


@pytest.mark.parametrize(("lines", "expected"), RULE_MISTAKES)
def test_a_mistake_in_a_rule_is_found_at_its_place(tmp_path: Path, lines: str, expected: str) -> None:
    """One wrong key gives one finding, with line, column, problem and fix."""
    found = refused(tmp_path, HEAD + lines)
    assert len(found) <= 1
    assert any(line.startswith(f"rules.yaml:{expected}") for line in found)


@pytest.mark.parametrize(("action", "expected"), ACTION_MISTAKES)
def test_a_mistake_in_an_action_is_found_at_its_place(tmp_path: Path, action: str, expected: str) -> None:
    """One wrong action gives one finding, with line, column, problem and fix."""
    found = refused(tmp_path, f"rules:\n  - alert: A\n    actions: [ {action}]")
    assert len(found) <= 1
    assert any(line.startswith(f"rules.yaml:{expected}") for line in found)


@pytest.mark.parametrize(("text", "expected"), FILE_MISTAKES)
def test_a_mistake_in_a_file_is_found_at_its_place(tmp_path: Path, text: str, expected: str) -> None:
    """What is wrong with a file as a whole is found like what is wrong in a rule."""
    found = refused(tmp_path, text)
    assert found[0].startswith(f"rules.yaml:{expected}")


@pytest.mark.parametrize(("first", "second", "expected"), POLICY_MISTAKES)
def test_a_mistake_in_the_policy_is_found_at_its_place(tmp_path: Path, first: str, second: str, expected: str) -> None:
    """One wrong key of the policy gives one finding, and none at the rules."""
    head = "approver_allowlist: [a@example.com, b@example.com]\n" if first else ""
    found = refused(tmp_path, HEAD, policy=head + second)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_all_findings_of_all_files_are_collected(tmp_path: Path) -> None:
    """A person sees everything that is wrong at once, in the order of files and lines."""
    write(tmp_path, second=HEAD.replace("alert: A", "alert: B") + "    mode: x\n    cooldown: y\n")
    found = refused(tmp_path, HEAD + "    mode: x\n    cooldown: y\n", policy="approver_allowlist: [x]")
    assert [line.split(": ")[0] for line in found] == [
        "policy.yaml:1:22",
        "rules.yaml:4:11",
        "rules.yaml:5:15",
        "second.yaml:4:11",
        "second.yaml:5:15",
    ]


def test_a_rule_that_asks_without_any_approver_is_refused(tmp_path: Path) -> None:
    """Zero approvers is a refusal at load time, at the rule, when there is no policy."""
    found = refused(tmp_path, HEAD, policy="")
    assert found == [
        (
            'rules.yaml:2:12: rule "A", severity critical: nobody may approve: '
            "list people under approver_allowlist in policy.yaml, or under approval.allow"
        )
    ]


def test_the_number_of_findings_shown_is_bounded(tmp_path: Path) -> None:
    """A file that is wrong everywhere does not flood the terminal."""
    found = refused(tmp_path, "rules:\n" + "  - x\n" * 1000)
    assert len(found) == 200
