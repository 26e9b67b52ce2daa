"""Digests are over what is said, not over how or where it is written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from tests.rules.documents import POLICY, alert, plan, rules_of

FIRST = """\
  - alert: A
    target: "{labels.x}"
    when: 'up{a="{labels.x}"} > 1'
    actions: [{cmd: [p, "{labels.x}"]}]
    cooldown: 600
"""
SECOND = "  - alert: B\n    actions: [{proof: true}]\n"
SENT = alert({"x": "v", "severity": "critical"})

SAME = [
    ("cooldown: 600", "cooldown: 10m  # ten"),
    ('[p, "{labels.x}"]', "'p {labels.x}'"),
    ("alert: A", 'alert: "A"'),
    ("cooldown: 600", "dry_run: false"),
    ("    cooldown: 600\n", ""),
]
EDITS = [
    ("cooldown: 600", "cooldown: 601"),
    ('[p, "{labels.x}"]', '[p, "{labels.x}", q]'),
    ("> 1", "> 2"),
    ('target: "{labels.x}"', "target: x"),
    ("cooldown: 600", "dry_run: true"),
    ("cooldown: 600", "mode: auto"),
    ("cooldown: 600", "approval: {approve: 1}"),
    ("cooldown: 600", "limits: {attempts: 9}"),
    ("cooldown: 600", "runbook_url: https://example.com/"),
    ("alert: A", "name: other\n    alert: A"),
]


@pytest.mark.parametrize(("old", "new"), SAME)
def test_spelling_changes_no_digest(tmp_path: Path, old: str, new: str) -> None:
    """Another way of writing the same rule is the same rule set and the same plan."""
    before = rules_of(tmp_path, "rules:\n" + FIRST + SECOND)
    after = rules_of(tmp_path, "# comment\nrules:\n" + FIRST.replace(old, new) + SECOND)
    assert before.digest == after.digest
    assert plan(before, SENT).digest == plan(after, SENT).digest


def test_file_names_change_no_digest(tmp_path: Path) -> None:
    """The same rules in other files, in the same order, are the same rule set."""
    before = rules_of(tmp_path, "rules:\n" + FIRST + SECOND)
    (tmp_path / "rules.yaml").unlink()
    after = rules_of(tmp_path, "rules:\n" + SECOND, a="rules:\n" + FIRST)
    assert before.digest == after.digest


@pytest.mark.parametrize(("old", "new"), EDITS)
def test_an_edit_changes_the_plan_of_its_rule(tmp_path: Path, old: str, new: str) -> None:
    """What a rule would do is part of what is voted on."""
    before = rules_of(tmp_path, "rules:\n" + FIRST + SECOND)
    after = rules_of(tmp_path, "rules:\n" + FIRST.replace(old, new) + SECOND)
    assert before.digest != after.digest
    assert plan(before, SENT).digest != plan(after, SENT).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (SECOND, SECOND + "    cooldown: 7\n"),
        (SECOND, ""),
        (SECOND, SECOND + SECOND.replace("B", "C")),
        (SECOND, SECOND + "    params: {}\n    mode: auto\n"),
    ],
)
def test_an_edit_of_another_rule_leaves_the_plan_alone(tmp_path: Path, old: str, new: str) -> None:
    """The rule set is another one, and no vote on this rule is voided."""
    before = rules_of(tmp_path, "rules:\n" + FIRST + SECOND)
    after = rules_of(tmp_path, "rules:\n" + (FIRST + SECOND).replace(old, new))
    assert before.digest != after.digest
    assert plan(before, SENT).digest == plan(after, SENT).digest
    assert plan(after, SENT).rules_digest == after.digest


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("critical: {approve: 2", "critical: {approve: 1", False),
        ("quorum_window_sec: 900", "quorum_window_sec: 60", False),
        ("carol@example.com]", "dave@example.com]", False),
        ("warning:  {approve: 1", "warning:  {approve: 2", True),
        ("U012AB3CD", "U999", True),
        ("[restart-exporter, reduce-gain]", "[restart-exporter]", True),
    ],
)
def test_an_edit_of_the_policy_changes_the_plans_that_it_applies_to(
    tmp_path: Path, old: str, new: str, same: bool
) -> None:
    """What the policy says about another severity voids nothing."""
    text = POLICY.replace("warning: {", "warning:  {")
    before = rules_of(tmp_path, "rules:\n" + FIRST)
    after = rules_of(tmp_path, "rules:\n" + FIRST, policy=text.replace(old, new))
    assert before.digest != after.digest
    assert (plan(before, SENT).digest == plan(after, SENT).digest) is same


def test_the_order_of_rules_and_what_they_match_is_part_of_the_rule_set(tmp_path: Path) -> None:
    """First match wins, so another order is another rule set."""
    texts = [
        FIRST + SECOND,
        SECOND + FIRST,
        FIRST + SECOND + "    match: [a=b]\n",
        FIRST + SECOND + "    match: [a=c]\n",
    ]
    texts += [FIRST + f"    params: {{labels.x: {pattern}}}\n" + SECOND for pattern in "vw"]
    assert len({rules_of(tmp_path, "rules:\n" + text).digest for text in texts}) == len(texts)


def test_annotations_that_are_not_used_change_nothing(tmp_path: Path) -> None:
    """A changed annotation voids no vote unless the rule puts it into an action."""
    rules = rules_of(tmp_path, "rules:\n" + FIRST)
    other = alert(SENT.labels, {"value": "other"})
    assert plan(rules, SENT).digest == plan(rules, other).digest


def test_the_text_of_a_rule_set_has_its_digest(tmp_path: Path) -> None:
    """What can be shown is exactly what the digest is over, so that anybody can check it with SHA-256."""
    found = rules_of(tmp_path, "rules:\n" + FIRST + SECOND)
    text, hidden = found.text()
    assert not hidden
    assert "sha256:" + hashlib.sha256(text.encode()).hexdigest() == found.digest
    assert {"rules", "policy"} == json.loads(text).keys()


def test_the_text_of_a_rule_set_holds_no_secret(tmp_path: Path) -> None:
    """Header values and the query of a URL are not shown, and it says that something is missing."""
    call = "http: {method: POST, url: 'https://example.com/x?token=hunter2', headers: {Authorization: Bearer hunter2}}"
    found = rules_of(tmp_path, "rules:\n" + FIRST + SECOND.replace("proof: true", call))
    text, hidden = found.text()
    assert hidden
    assert "hunter2" not in text
    assert "https://example.com/x?(hidden)" in text
