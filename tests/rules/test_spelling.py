"""What looks like a placeholder and is none stays literal text, and is pointed at with what was meant."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.language.misspellings import misspellings
from rules.language.placeholders import names
from tests.rules.documents import alert, plan, rules_of

MISSPELT = [
    ("{label.instance}", "{labels.instance}"),
    ("{lables.zone}", "{labels.zone}"),
    ("{Labels.zone}", "{labels.zone}"),
    ("{annotation.summary}", "{annotations.summary}"),
    ("{labels.Instance }", "{labels.instance}"),
    ("{labels.Instance}", "{labels.instance}"),
    ("{labels.VG}", "{labels.vg}"),
    ("{ labels.zone }", "{labels.zone}"),
    ("{$labels.zone}", "{labels.zone}"),
    ("${labels.zone}", "{labels.zone}"),
    ("{{labels.zone}}", "{labels.zone}"),
    ("{{ $labels.zone }}", "{labels.zone}"),
    ("{{ .CommonLabels.zone }}", "{labels.zone}"),
    ("{labels['zone']}", "{labels.zone}"),
    ("{labels.zone|lower}", "{labels.zone}"),
    ("{labels.zone", "{labels.zone}"),
    ("{labels}", "{labels.NAME}"),
    ("{labels.}", "{labels.NAME}"),
    ("{instance}", "{labels.instance}"),
    ("{vg}", "{labels.vg}"),
]
RIGHT = [
    "{labels.vg}",
    "{labels.zone} and {annotations.summary}",
    "{labels.service.name}",
    "{labels.größe}",
    '{"n": {labels.vg}}',
    "{print $1}",
    "{x}",
    "{alert.name}",
    '{"labels": {"a": 1}}',
    'up{job="x", labels="y.z"}',
    "{}",
    "}{",
]


@pytest.mark.parametrize(("text", "meant"), MISSPELT)
def test_a_misspelling_is_found_with_what_was_meant(text: str, meant: str) -> None:
    """The nearest placeholder is named, in the spelling that the rule uses elsewhere."""
    (found,) = misspellings(f"a {text}", ["labels.vg"])
    assert (found.start, found.fix) == (2, f"did you mean {meant}?")


@pytest.mark.parametrize("text", RIGHT)
def test_what_is_right_or_something_else_is_left_alone(text: str) -> None:
    """Placeholders, programs of awk, JSON and selectors of PromQL give no warning."""
    assert misspellings(text, ["labels.vg"]) == []


@given(st.text(alphabet="{}$. labesnotix'[]\n", max_size=40))
def test_any_text_can_be_looked_at(text: str) -> None:
    """Every misspelling stands where it says, and what it proposes is one placeholder."""
    for found in misspellings(text):
        assert text.startswith(found.written.rstrip("…"), found.start)
        assert len(names(found.fix)) == 1


@given(st.from_regex(r"[a-z_][a-z0-9_]{0,10}", fullmatch=True), st.sampled_from(["labels", "annotations"]))
def test_a_plain_placeholder_is_never_misspelt(name: str, kind: str) -> None:
    """What Prometheus itself would accept as a label in lower case gives no warning."""
    assert misspellings(f"a-{{{kind}.{name}}}-b") == []


def test_a_warning_has_its_place_and_the_text_stays(tmp_path: Path) -> None:
    """Each is warned about where it stands; nothing of it is replaced."""
    words = ["{label.x}", "--a={x}", "{labels.X}"]
    text = f"rules:\n  - alert: A\n    match: ['x!=\"\"']\n    actions:\n      - cmd: {json.dumps(['p', *words[:2]])}\n"
    rules = rules_of(tmp_path, text + f'      - http: {{url: "https://h/", json: {{a: ["{words[2]}"]}}}}\n')
    assert [line.removeprefix(f"{tmp_path}/rules.yaml:") for line in rules.warnings] == [
        "5:21: {label.x} is no placeholder and stays as it is: did you mean {labels.x}?",
        "5:38: {x} is no placeholder and stays as it is: did you mean {labels.x}?",
        "6:47: {labels.X} is another label than {labels.x}: did you mean {labels.x}?",
    ]
    made = plan(rules, alert({"x": "v", "X": "w"}))
    assert made.actions[0].spec["argv"] == ["p", *words[:2]]


def test_the_first_spelling_of_a_rule_is_taken_for_meant(tmp_path: Path) -> None:
    """Two spellings of one label in one rule are most often one too many."""
    text = "rules:\n  - alert: A\n    target: '{labels.Vg}'\n    actions: [{cmd: [p, '{labels.vg}', '{labels.Vg}']}]"
    (warning,) = rules_of(tmp_path, text).warnings
    assert warning.endswith("4:26: {labels.vg} is another label than {labels.Vg}: did you mean {labels.Vg}?")


@pytest.mark.parametrize(
    ("line", "key"), [("name: 'fix {labels.x}'", "name"), ("runbook_url: 'https://h/{labels.x}'", "runbook_url")]
)
def test_a_placeholder_where_nothing_is_filled_in_is_warned_about(tmp_path: Path, line: str, key: str) -> None:
    """Names and links are shown as they are written."""
    (warning,) = rules_of(tmp_path, f"rules:\n  - alert: A\n    {line}\n    actions: [{{proof: true}}]").warnings
    assert warning.endswith(f"nothing is filled in here: {key} stays as it is written")
