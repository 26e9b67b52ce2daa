"""Alertmanager's matchers: a parser for their grammar and their meaning."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.language.patterns import Pattern, PatternError, compile_pattern, matches

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_UNQUOTED = re.compile(r"[^\s{}!=~,\\\"'`]+")
_OPERATOR = re.compile(r"=~|!=|!~|=")
_SPACE = re.compile(r"\s*")
_ESCAPE = re.compile(
    rb"\\(?:(?P<simple>[abfnrtv\\\"])|(?P<octal>[0-7]{3})|x(?P<byte>[0-9a-fA-F]{2})"
    rb"|u(?P<short>[0-9a-fA-F]{4})|U(?P<long>[0-9a-fA-F]{8})|(?P<bad>.))",
    re.DOTALL,
)
_SIMPLE = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}


class MatcherError(ValueError):
    """The text is no matcher: what is wrong, how to fix it, and the offset in characters where."""

    def __init__(self, problem: str, fix: str, offset: int) -> None:
        """Keep the three parts."""
        super().__init__(problem)
        self.problem, self.fix, self.offset = problem, fix, offset


@dataclass(frozen=True)
class Matcher:
    """One condition on one label. ``operator`` is ``=``, ``!=``, ``=~`` or ``!~``; a missing label counts as ""."""

    name: str
    operator: str
    value: str
    pattern: Pattern | None = field(default=None, compare=False, repr=False)

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Return whether the condition holds for ``labels``; regular expressions must match the whole value."""
        actual = labels.get(self.name, "")
        same = matches(self.pattern, actual) if self.pattern is not None else actual == self.value
        return same is self.operator.startswith("=")

    def __str__(self) -> str:
        """Return the matcher in the form that :func:`parse_matchers` reads back."""
        return f"{_quoted(self.name)}{self.operator}{_quoted(self.value)}"


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    """Return the matchers in ``text``; raises :class:`MatcherError`.

    ``matchers = [ "{" ] , matcher , { "," , matcher } , [ "," ] , [ "}" ]``: braces both or none, blanks anywhere between.
    """
    parser = _Parser(text)
    braced = parser.take("{")
    found = [parser.matcher()]
    while parser.take(",") and not parser.done() and not parser.sees("}"):
        found.append(parser.matcher())
    if braced:
        parser.expect("}", "no closing brace", 'end the matchers with "}"')
    if not parser.done():
        raise MatcherError(
            "text after the matcher", "separate matchers by commas and quote values with blanks", parser.offset
        )
    return tuple(found)


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self.offset = 0
        self._blanks()

    def matcher(self) -> Matcher:
        """``matcher = name , operator , value``, where name and value are ``quoted | unquoted``."""
        name = self._operand("no label name", 'a matcher looks like name="value"')
        operator = self._operator()
        start = self.offset
        value = self._operand("no value", 'write the value in double quotes, "" for empty')
        if not operator.endswith("~"):
            return Matcher(name, operator, value)
        try:
            return Matcher(name, operator, value, compile_pattern(value))
        except PatternError as error:
            raise MatcherError(f"the regular expression is not RE2: {error}", "correct the pattern", start) from None

    def _operand(self, problem: str, fix: str) -> str:
        """``quoted = '"' , { character | escape } , '"'`` and ``unquoted`` = no blank and none of ``{}!=~,\\"'` ``."""
        start = self.offset
        if (found := _QUOTED.match(self._text, start)) is not None:
            self._move(found.end())
            return _unquoted(found.group(), start)
        if self._text[start : start + 1] == '"':
            raise MatcherError("the double quote is not closed", 'end the text with "', start)
        found = _UNQUOTED.match(self._text, start)
        if found is None:
            raise MatcherError(problem, fix, start)
        self._move(found.end())
        return found.group()

    def _operator(self) -> str:
        """``operator = "=" | "!=" | "=~" | "!~"``."""
        found = _OPERATOR.match(self._text, self.offset)
        if found is None:
            raise MatcherError("no operator after the label name", "write one of = != =~ !~", self.offset)
        self._move(found.end())
        return found.group()

    def sees(self, token: str) -> bool:
        return self._text.startswith(token, self.offset)

    def take(self, token: str) -> bool:
        if not self.sees(token):
            return False
        self._move(self.offset + len(token))
        return True

    def expect(self, token: str, problem: str, fix: str) -> None:
        if not self.take(token):
            raise MatcherError(problem, fix, self.offset)

    def done(self) -> bool:
        return self.offset >= len(self._text)

    def _move(self, offset: int) -> None:
        self.offset = offset
        self._blanks()

    def _blanks(self) -> None:
        found = _SPACE.match(self._text, self.offset)
        self.offset = found.end() if found else self.offset


def _unquoted(literal: str, start: int) -> str:
    """Return the text of a quoted literal; escapes are those of Go, and the result must be UTF-8."""
    if "\n" in literal:
        raise MatcherError("a line break inside the double quotes", r"write it as \n", start)
    try:
        return _ESCAPE.sub(_unescaped, literal[1:-1].encode("utf-8")).decode("utf-8")
    except (UnicodeError, ValueError, OverflowError):
        raise MatcherError(
            "an escape inside the double quotes is unknown or no UTF-8",
            r"known are \\ \" \a \b \f \n \r \t \v \x7f \u00e9",
            start,
        ) from None


def _unescaped(found: re.Match[bytes]) -> bytes:
    if found["bad"] is not None:
        raise ValueError("unknown escape")
    if found["simple"] is not None:
        return _SIMPLE.get(found["simple"], found["simple"])
    if found["octal"] is not None:
        return bytes([int(found["octal"], 8)])
    if found["byte"] is not None:
        return bytes([int(found["byte"], 16)])
    return chr(int(found["short"] or found["long"], 16)).encode("utf-8")


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
