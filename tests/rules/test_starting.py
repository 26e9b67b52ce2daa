"""A new rule is a rule: it loads, changes nothing, and there is one for every kind."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumen.plan import Mode
from rules.kinds import KINDS
from rules.starting import ACTIONS, file_name, starter
from tests.rules.documents import alert, plan, refusal, rules_of

LABELS = {"instance": "host1:9100", "namespace": "shop", "deployment": "web"}


@pytest.mark.parametrize("kind", ACTIONS)
def test_a_new_rule_loads_without_a_warning_and_runs_nothing(tmp_path: Path, kind: str) -> None:
    """For each kind; it makes a plan for an alert as its comments say, which is a dry run that asks people."""
    ruleset = rules_of(tmp_path, starter("web down", "WebDown", kind))
    assert ruleset.warnings == ()
    made = plan(ruleset, alert(LABELS | {"alertname": "WebDown"}))
    assert (made.rule, made.mode, made.dry_run) == ("web down", Mode.APPROVE, True)
    assert [action.kind for action in made.actions] == [kind]
    assert made.has_target


@pytest.mark.parametrize("kind", ACTIONS)
def test_no_value_can_be_taken_for_an_option(tmp_path: Path, kind: str) -> None:
    """A pattern of one's own replaces the default one, so each has to refuse a leading dash itself."""
    ruleset = rules_of(tmp_path, starter("web down", "WebDown", kind))
    for param in ruleset.rules[0].params:
        label = param.placeholder.removeprefix("labels.")
        assert "does not match its pattern" in refusal(ruleset, alert(LABELS | {"alertname": "WebDown", label: "-rf"}))


def test_every_kind_that_changes_something_has_a_beginning() -> None:
    """A new kind is not forgotten here."""
    assert set(ACTIONS) == set(KINDS) - {"proof"}


@pytest.mark.parametrize("kind", ACTIONS)
def test_what_is_commented_out_is_right_too(tmp_path: Path, kind: str) -> None:
    """Each key that one uncomments loads."""
    lines = starter("x", "X", kind).splitlines()
    text = [re.sub(r"^(    |        )# (?=[a-z_]+: )", r"\1", line) for line in lines]
    assert sum(line != was for line, was in zip(text, lines, strict=True)) >= 5
    rules_of(tmp_path, "\n".join(text))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=20), st.sampled_from(["no", "a: b", '"'])
)
def test_any_name_is_written_as_it_is(tmp_path: Path, name: str, alertname: str) -> None:
    """Words of YAML, quotes and colons in a name change nothing else."""
    (rule,) = rules_of(tmp_path, starter(name, alertname, "cmd")).rules
    assert (rule.name, rule.alert) == (name, alertname)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("disk full", "disk-full.yaml"),
        ("../../x", "x.yaml"),
        ("...", ""),
        ("A/B", "a-b.yaml"),
        ("x" * 200, "x" * 80 + ".yaml"),
    ],
)
def test_the_file_is_called_after_the_rule(name: str, file: str) -> None:
    """Nothing of a name leads out of the folder."""
    assert file_name(name) == file
