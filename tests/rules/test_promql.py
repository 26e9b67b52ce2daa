"""A condition is an instant vector, and a label value in it is a label value."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.language.promql import ConditionError, check_condition, render_condition
from tests.rules.documents import rules_of

GOOD = [
    "up > 0",
    "up == 0",
    "absent(up)",
    "a unless b",
    "a and b > 1",
    "rate(x[5m]) > 1",
    'a{x="{labels.y}"} > 1',
    "a{x='{labels.y}'} > 1",
    'a{x!="{labels.y}"} > 1',
    'a{x = "{labels.y}:9100"} < 5e9',
    "(a > bool 1) > 0",
    "sum by (x) (a) > 1",
    "-a > 1",
    "vector(1) > 0",
    'ALERTS{alertname="{labels.alertname}"}',
    "time() - a > 5",
    "1 < a",
    "sum(a == 0)",
    "(a > 1) or (b > 1)",
    "a + b > 1",
    'a{"my.label"="{labels.y}"} > 1',
    "a > 1 # about {braces}",
]
BARE = ["up", "-up", "sum(up)", "rate(x[5m])", "a + b", "a or b", "a > 1 or b", "vector(1)"]
BAD = [
    ("1", "gives a number", 0),
    ("time()", "gives a number", 0),
    ("scalar(up)", "gives a number", 0),
    ("1 + 1", "gives a number", 0),
    ("-1", "gives a number", 0),
    ("(time() > bool 1)", "gives a number", 0),
    ('"x"', "piece of text", 0),
    ('("x")', "piece of text", 0),
    ("up[5m]", "range of values", 0),
    ("up[5m:1m]", "range of values", 0),
    ("(up[5m])", "range of values", 0),
    ("up > bool 1", "with bool", 0),
    ("(up > bool 1)", "with bool", 0),
    ("-(up > bool 1)", "with bool", 0),
    ("(a > bool 1) and b > 1", "with bool", 0),
    ("(a > bool 1) + 1", "with bool", 0),
    ("up > > 1", "no PromQL", 0),
    ("rate(a[51e999]) > 1", "no PromQL", 0),
    ("up{", "no PromQL", 0),
    ("up{a=~'['} > 1", "no PromQL", 0),
    ("up > {labels.x}", "outside quotes", 5),
    ('up{a=~"{labels.x}"} > 1', "right of = or !=", 7),
    ('up{a!~"{labels.x}"} > 1', "right of = or !=", 7),
    ("up{a=`{labels.x}`} > 1", "backticks", 6),
    ('up{"{labels.x}"="a"}', "right of", 4),
    ('label_replace(up, "a", "{labels.x}", "", "") > 1', "right of = or !=", 24),
    ("up > 1 # {labels.x}", "outside quotes", 9),
    ("{labels.x} > 1", "outside quotes", 0),
    ("up offset {labels.x}", "outside quotes", 10),
    ("u" * 4001, "longer than 4000", 0),
    ("(" * 1500 + "up" + ")" * 1500, "nested too deeply", 0),
]


@pytest.mark.parametrize("query", GOOD)
def test_a_query_that_compares_is_a_condition(query: str) -> None:
    """No result means no, and there can be no result."""
    assert check_condition(query) == ""


@pytest.mark.parametrize("query", BARE)
def test_a_query_that_compares_nothing_is_warned_about(query: str) -> None:
    """A bare vector is allowed, and holds whatever its value is."""
    assert "compares nothing" in check_condition(query)


@pytest.mark.parametrize(("query", "problem", "offset"), BAD)
def test_what_cannot_be_a_condition_is_refused(query: str, problem: str, offset: int) -> None:
    """Scalars, text, ranges and bool would always or never hold; a placeholder elsewhere could change the query."""
    with pytest.raises(ConditionError) as caught:
        check_condition(query)
    assert problem in caught.value.problem
    assert caught.value.offset == offset
    assert caught.value.fix


@given(st.text(max_size=60))
def test_any_text_is_checked_or_refused(text: str) -> None:
    """The check raises nothing but its own error."""
    try:
        warning = check_condition(text)
    except ConditionError as wrong:
        warning = wrong.fix
    assert isinstance(warning, str)


def test_comments_are_left_alone() -> None:
    """Quotes in a comment do not open a string."""
    assert (
        render_condition("a{x='{labels.y}'} # it's {labels.y}", lambda _name: "v'") == "a{x='v\\''} # it's {labels.y}"
    )


def test_a_rule_whose_condition_compares_nothing_is_warned_about(tmp_path: Path) -> None:
    """The warning names the place of the condition."""
    rules = rules_of(tmp_path, "rules:\n  - alert: A\n    when: up\n    actions: [{proof: true}]")
    assert rules.warnings[0].startswith(f"{tmp_path}/rules.yaml:3:11: when: the query compares nothing")
