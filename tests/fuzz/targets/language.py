"""The language of rules: files, matchers, conditions, patterns, commands, durations."""

# ruff: noqa: PT017 - what an error says is part of a promise, and each input may raise it or not

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path

import promql_parser

from lumen.errors import RulesError
from rules.language.commands import CommandError, check_argv, split
from rules.language.matchers import MatcherError, parse_matchers
from rules.language.patterns import PatternError, compile_pattern, matches
from rules.language.promql import ConditionError, check_condition, render_condition
from rules.loader import load
from rules.reading.values import parse_duration
from tests.fuzz.targets.documents import RULES, SMALL, YAML_WORDS
from tests.fuzz.targets.promise import Target, one_line, text_of
from tests.rules.documents import POLICY

_folder = tempfile.TemporaryDirectory(prefix="lumen-fuzz-")


def _load(**files: bytes) -> None:
    folder = Path(_folder.name)
    for name, content in files.items():
        (folder / f"{name}.yaml").write_bytes(content)
    try:
        first = load(folder)
    except RulesError as error:
        assert error.findings
        for finding in error.findings:
            one_line(str(finding))
            assert finding.fix
            assert finding.line >= 1
            assert finding.column >= 1
        return
    assert load(folder).digest == first.digest


def rules_file(given: bytes) -> None:
    """A file of rules is loaded, the same each time, or refused with findings that name line, column and fix."""
    _load(policy=POLICY.encode(), rules=given)


def policy_file(given: bytes) -> None:
    """So is a policy."""
    _load(policy=given, rules=SMALL)


def matcher(given: bytes) -> None:
    """Matchers are refused with an offset in the text, or written out again they mean the same."""
    text = text_of(given)
    try:
        found = parse_matchers(text)
    except MatcherError as error:
        assert error.problem
        assert error.fix
        assert 0 <= error.offset <= len(text)
        return
    for one in found:
        assert one.holds({}) in {True, False}
        assert one.holds({one.name: one.value + "\ud800"}) in {True, False}
    if not any("\ud800" <= char <= "\udfff" for char in text):  # no file holds half a surrogate pair
        assert parse_matchers(",".join(map(str, found))) == found


def condition(given: bytes) -> None:
    """A condition is refused with an offset, or whatever the labels hold, the filled-in query is still one query."""
    text = text_of(given)
    try:
        check_condition(text)
    except ConditionError as error:
        assert error.problem
        assert error.fix
        assert 0 <= error.offset <= len(text)
        return
    for value in ("x", "\"'`\\", '"} or vector(1) #', "\n\x00\u2028"):
        promql_parser.parse(render_condition(text, partial(_always, value)))


def _always(value: str, _name: str) -> str:
    return value


def pattern(given: bytes) -> None:
    """A pattern is refused with a reason, or it answers yes or no, in time that grows with the text alone."""
    try:
        found = compile_pattern(text_of(given))
    except PatternError as error:
        assert str(error)
        return
    assert matches(found, "a" * 2000 + "\ud800!") in {True, False}


def command(given: bytes) -> None:
    """A command line is split and judged, or refused with the element at fault."""
    try:
        argv = split(text_of(given))
        check_argv(argv)
    except CommandError as error:
        assert error.problem
        assert error.fix
        return
    assert all(isinstance(one, str) for one in argv)


def duration(given: bytes) -> None:
    """A duration is a number of seconds that is not negative, or none."""
    found = parse_duration(text_of(given))
    assert found is None or found >= 0


TARGETS = (
    Target("rules_file", rules_file, (RULES, SMALL, b"", b"rules: []"), YAML_WORDS, 0.12),
    Target("policy_file", policy_file, (POLICY.encode(), b"timeout: 1h"), YAML_WORDS, 0.12),
    Target(
        "matcher",
        matcher,
        (b'severity=~"critical|page"', b"{a=b,c!=d,}", b'env!="d\\n"', b'"x y"="\\u00e9\\x41"'),
        (
            b"=~",
            b"!~",
            b"!=",
            b"=",
            b"{",
            b"}",
            b",",
            b'"',
            b"\\",
            b"\\u",
            b"\\x",
            b"\\U0010ffff",
            b"(",
            b"[[:alpha:]]",
            b"'",
            b"\\400",
        ),
    ),
    Target(
        "condition",
        condition,
        (
            b'up{instance="{labels.instance}"} == 0',
            b"rate(a[5m]) > 1",
            b"sum by (x) (a) / on(x) group_left b > 0.5",
            b"(a or b) unless c",
        ),
        (
            b"{labels.x}",
            b"bool",
            b"[5m:1m]",
            b"offset -1h",
            b"@ end()",
            b"=~",
            b'"',
            b"'",
            b"`",
            b"\\",
            b"(",
            b")",
            b"-",
            b"^",
            b"atan2",
            b"1e999",
            b"Inf",
        ),
    ),
    Target(
        "pattern",
        pattern,
        (rb"[a-z0-9.:-]+", rb"(?s).*", rb"(a|b)*\pL{1,30}"),
        (
            b"(?i)",
            b"(?P<a>",
            b"\\p{Greek}",
            b"{1000}",
            b"{2,1000}",
            b"*",
            b"+?",
            b"[^]",
            b"\\C",
            b"\\1",
            b"(?=",
            b"|",
            b"\\Q",
            b"\\x{10ffff}",
        ),
        0.5,
    ),
    Target(
        "command",
        command,
        (
            b"python controls/x.py --factor 0.8",
            b"/bin/sh -c 'echo \"$1\"' sh {labels.a}",
            b"env -S 'a b' ssh -o X=y h ls",
        ),
        (
            b"sh -c ",
            b"bash -lc ",
            b"ssh ",
            b"{labels.a}",
            b"env ",
            b"xargs ",
            b"sudo -u a ",
            b"python -c ",
            b"'",
            b'"',
            b"\\",
            b"|",
            b"&&",
            b"--",
            b"-",
            b"awk ",
            b"perl -e",
        ),
    ),
    Target(
        "duration",
        duration,
        (b"10m", b"1h30m", b"90", b"1.5", b"2w3d"),
        (b"ms", b"s", b"m", b"h", b"d", b"w", b"y", b".", b"-", b"9" * 5000, "²".encode()),
    ),
)
