"""Matchers mean what they mean in Alertmanager."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.language.matchers import Matcher, MatcherError, parse_matchers
from rules.match import rule_for
from tests.rules.documents import alert, refused, rules_of, write

GOOD = [
    ("foo=bar", [("foo", "=", "bar")]),
    ("{foo=bar}", [("foo", "=", "bar")]),
    ("{foo=bar,}", [("foo", "=", "bar")]),
    ("foo=bar,", [("foo", "=", "bar")]),
    ("foo!=bar", [("foo", "!=", "bar")]),
    ("foo=~[a-z]+", [("foo", "=~", "[a-z]+")]),
    ("foo!~[a-z]+", [("foo", "!~", "[a-z]+")]),
    ("foo=🙂bar", [("foo", "=", "🙂bar")]),
    ('"my name" = "my value"', [("my name", "=", "my value")]),
    (r'foo="\xf0\x9f\x99\x82"', [("foo", "=", "🙂")]),
    (r'foo="\U0001f642\u00e9\351"'.replace(r"\351", r"\303\251"), [("foo", "=", "🙂éé")]),
    (r'foo="a\nb\t\\\""', [("foo", "=", 'a\nb\t\\"')]),
    ("foo=bar,bar!=baz", [("foo", "=", "bar"), ("bar", "!=", "baz")]),
    ("  foo  =  bar  ", [("foo", "=", "bar")]),
    ('foo=""', [("foo", "=", "")]),
    ("foo=a:b/c.d-e|f", [("foo", "=", "a:b/c.d-e|f")]),
]
BAD = [
    *[("", 0), ("{}", 1), (",", 0), ("{", 1), ("}", 0), ("foo=bar}", 7), ("{foo=bar", 8), ("foo", 3), ("=bar", 0)],
    *[
        ("foo=", 4),
        ("foo==bar", 4),
        ("foo~bar", 3),
        ("foo!bar", 3),
        ('foo="bar', 4),
        (r'foo="\w"', 4),
        (r'foo="\xf0\x9f"', 4),
    ],
    *[(r'foo="\ud800"', 4), ("foo=bar baz", 8), ("foo='bar'", 4), ("foo=`bar`", 4), ('foo=~"("', 5), ("foo=bar,,", 8)],
    *[('foo:"bar"', 4), ('foo="a\nb"', 4)],
]
TEXT = st.text(max_size=20)


@pytest.mark.parametrize(("text", "expected"), GOOD)
def test_the_grammar_is_that_of_alertmanager(text: str, expected: list[tuple[str, str, str]]) -> None:
    """Quoted and unquoted names and values, braces, commas and Go's escapes are read."""
    assert [(each.name, each.operator, each.value) for each in parse_matchers(text)] == expected


@pytest.mark.parametrize(("text", "offset"), BAD)
def test_other_text_is_refused_at_its_place(text: str, offset: int) -> None:
    """What Alertmanager refuses is refused, with the offset where it goes wrong."""
    with pytest.raises(MatcherError) as caught:
        parse_matchers(text)
    assert caught.value.offset == offset
    assert caught.value.fix


@given(TEXT, st.sampled_from(["=", "!="]), TEXT, st.dictionaries(TEXT, TEXT, max_size=4))
def test_equality_treats_a_missing_label_as_empty(name: str, operator: str, value: str, labels: dict[str, str]) -> None:
    """``=`` holds exactly when the label, or nothing, is the value; ``!=`` is its opposite."""
    assert Matcher(name, operator, value).holds(labels) is ((labels.get(name, "") == value) is (operator == "="))


@given(st.sampled_from(["a", "a|b", "a.*", "", ".*", "x+", "[^a]", "(?i)A"]), st.text("abxA\n", max_size=4))
def test_regular_expressions_match_whole_values(pattern: str, value: str) -> None:
    """``=~`` agrees with an anchored regular expression, ``!~`` is its opposite."""
    (same,), (other,) = parse_matchers(f'l=~"{pattern}"'), parse_matchers(f'l!~"{pattern}"')
    expected = re.fullmatch(pattern, value) is not None
    assert same.holds({"l": value}) is expected
    assert other.holds({"l": value}) is not expected


@given(TEXT.filter(lambda text: not re.search("[\ud800-\udfff]", text)), st.sampled_from(["=", "!="]), TEXT)
def test_a_matcher_is_read_back_from_its_text(name: str, operator: str, value: str) -> None:
    """The text of a matcher is a matcher."""
    matcher = Matcher(name, operator, value)
    assert parse_matchers(str(matcher)) == (matcher,)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """The parser raises nothing but its own error, inside the text."""
    try:
        offset = len(parse_matchers(text)) - 1
    except MatcherError as wrong:
        offset = wrong.offset
    assert 0 <= offset <= len(text)


@pytest.mark.parametrize("text", ["a=~\ud800", 'a="\ud800"'])
def test_half_a_surrogate_pair_is_refused_in_a_matcher(text: str) -> None:
    """It is no text that a label could be compared with."""
    with pytest.raises(MatcherError):
        parse_matchers(text)


def test_half_a_surrogate_pair_matches_like_the_replacement_character() -> None:
    """A broken label value cannot make the matching fail."""
    (matcher,) = parse_matchers('l=~"."')
    assert matcher.holds({"l": "\ud800"})


def test_a_nested_repetition_cannot_stall_the_matching() -> None:
    """A pattern that takes a backtracking engine exponential time is decided at once."""
    (matcher,) = parse_matchers('l=~"(a+)+b"')
    assert not matcher.holds({"l": "a" * 10000})


def test_a_bad_pattern_prints_nothing(tmp_path: Path) -> None:
    """RE2's own complaints on stderr are silenced; the finding says it."""
    code = "from rules.language.patterns import *\ntry: compile_pattern('(')\nexcept PatternError as e: print(e)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2]
    )
    assert (done.stdout, done.stderr) == ("missing ): (\n", "")


def test_the_first_rule_that_matches_is_used(tmp_path: Path) -> None:
    """Files in the order of their names, then rules from top to bottom."""
    rule = "  - name: {0}\n    alert: A\n    match: ['x={1}']\n    actions: [{{proof: true}}]\n"
    write(
        tmp_path,
        b="rules:\n" + rule.format("b1", "~.*"),
        a="rules:\n" + rule.format("a1", "1") + rule.format("a2", "~1|2"),
    )
    rules = rules_of(tmp_path, "rules:\n" + rule.format("r1", "~.*"))
    assert [rule.name for rule in rules.rules] == ["a1", "a2", "b1", "r1"]
    found = {x: rule_for(alert({"x": x}), rules) for x in "123"}
    assert {x: rule.name for x, rule in found.items() if rule} == {"1": "a1", "2": "a2", "3": "b1"}
    assert rule_for(alert({"alertname": "B", "x": "1"}), rules) is None


def test_the_alert_name_is_compared_exactly(tmp_path: Path) -> None:
    """``alert`` is no pattern, and a rule may do without it."""
    rules = rules_of(
        tmp_path,
        "rules:\n  - alert: A.\n    actions: [{proof: true}]\n"
        "  - name: any\n    match: ['alertname=~\"A.*\"']\n    actions: [{proof: true}]",
    )
    assert [rule.name for rule in (rule_for(alert({"alertname": name}), rules) for name in ("A.", "AB")) if rule] == [
        "A.",
        "any",
    ]


def test_a_rule_for_nearly_every_alert_is_warned_about(tmp_path: Path) -> None:
    """Matchers that hold for no labels at all are allowed and pointed at."""
    rules = rules_of(tmp_path, "rules:\n  - name: n\n    match: ['env!=dev']\n    actions: [{proof: true}]")
    assert any("matches every alert that does not have these labels" in line for line in rules.warnings)


def test_commas_join_matchers(tmp_path: Path) -> None:
    """One entry may hold several matchers, as in Alertmanager's own files."""
    rules = rules_of(tmp_path, "rules:\n  - alert: A\n    match: ['a=1,b=2']\n    actions: [{proof: true}]")
    assert len(rules.rules[0].matchers) == 2
    assert refused(tmp_path, "rules:\n  - alert: A\n    match: ['a=1,b']\n    actions: [{proof: true}]")[0].startswith(
        "rules.yaml:3:19: match: no op"
    )
