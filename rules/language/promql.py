"""Conditions: PromQL instant queries whose non-empty result means yes, with placeholders only as label values."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import promql_parser

from rules.language.placeholders import fill, spans

_LIMIT = 4000  # characters; the parser recurses in native code and overflows its stack on some 10^4 nested operators
_TOKEN = re.compile(r"""(?P<comment>\#[^\n]*)|(?P<string>"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`[^`]*`)""", re.DOTALL)
_EQUALS = re.compile(r"(?<![=!<>~])!?=\s*$")
_COMPARISONS = frozenset({"==", "!=", ">", "<", ">=", "<="})
_SET_OPERATORS = frozenset({"and", "or", "unless"})
_ABSENT = frozenset({"absent", "absent_over_time"})
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class ConditionError(ValueError):
    """The text is no condition: what is wrong, how to fix it, and the offset in characters where (0: the whole)."""

    def __init__(self, problem: str, fix: str, offset: int = 0) -> None:
        """Keep the three parts."""
        super().__init__(problem)
        self.problem, self.fix, self.offset = problem, fix, offset


def check_condition(text: str) -> str:
    """Return a warning about the condition, or nothing; raises :class:`ConditionError` if it cannot be one."""
    if len(text) > _LIMIT:
        raise ConditionError(f"the query is longer than {_LIMIT} characters", "make a recording rule of it")
    _check_placeholders(text)
    tree = _parsed(fill(text, lambda _name: "x"))
    try:
        return _check_tree(tree)
    except RecursionError:
        raise ConditionError("the query is nested too deeply", "make a recording rule of it") from None


def _parsed(text: str) -> Any:
    try:
        return promql_parser.parse(text)
    except ValueError as error:
        raise ConditionError(f"no PromQL: {error}", "try the query in Prometheus first") from None
    except BaseException as error:
        # A panic of the parser, which is written in Rust, is no Exception and no type that can be named here:
        # https://pyo3.rs/main/doc/pyo3/panic/struct.PanicException
        if type(error).__name__ != "PanicException":
            raise
        raise ConditionError(
            "no PromQL: the parser cannot read it", "look for a duration or a number that is too large"
        ) from None


def _check_tree(tree: Any) -> str:
    kind = _type_of(tree)
    if kind != "vector":
        raise ConditionError(*_WRONG_TYPE[kind])
    if _has_bool(tree):
        raise ConditionError(
            "a comparison with bool always has a result, 0 or 1, so it would always hold",
            "leave bool out: a > 1 keeps what is above 1",
        )
    if _filters(tree):
        return ""
    return (
        "the query compares nothing, so it holds as soon as the series exists, whatever its value: add > 0 or the like"
    )


_WRONG_TYPE = {
    "scalar": ("the query gives a number, not series, so it would always hold", "compare series: metric > 1"),
    "string": ("the query is a piece of text, so it would always hold", "compare series: metric > 1"),
    "matrix": (
        "the query gives a range of values, which an instant query cannot",
        "wrap it: max_over_time(metric[5m]) > 1",
    ),
}


def render_condition(text: str, value_of: Callable[[str], str]) -> str:
    """Return the query with each placeholder replaced by its value, escaped for the quotes around it."""
    rendered, end = [], 0
    for token in _TOKEN.finditer(text):
        rendered.append(text[end : token.start()])
        end = token.end()
        rendered.append(token.group() if token["comment"] else _filled(token.group(), value_of))
    return "".join(rendered) + text[end:]


def _filled(literal: str, value_of: Callable[[str], str]) -> str:
    return fill(literal, lambda name: escaped(value_of(name), literal[0]))


def escaped(value: str, quote: str) -> str:
    """Return ``value`` as it must stand between two ``quote`` characters of PromQL (the escapes of Go)."""
    value = value.replace("\\", "\\\\").replace(quote, "\\" + quote).replace("\n", "\\n")
    return _CONTROL.sub(lambda found: f"\\u{ord(found.group()):04x}", value)


def _check_placeholders(text: str) -> None:
    literals = [token for token in _TOKEN.finditer(text) if token["string"]]
    for start, end, name in spans(text):
        around = next((token for token in literals if token.start() < start and end < token.end()), None)
        fix = f'write label="{{{name}}}"'
        if around is None:
            raise ConditionError(f"the placeholder {{{name}}} stands outside quotes", fix, start)
        if around.group()[0] == "`":
            raise ConditionError(
                f"the placeholder {{{name}}} stands in backticks, where nothing can be escaped", fix, start
            )
        if not _EQUALS.search(text, 0, around.start()):
            raise ConditionError(f"the placeholder {{{name}}} may stand only right of = or !=", fix, start)


def _type_of(node: Any) -> str:
    match node:
        case promql_parser.NumberLiteral():
            return "scalar"
        case promql_parser.StringLiteral():
            return "string"
        case promql_parser.MatrixSelector() | promql_parser.SubqueryExpr():
            return "matrix"
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            return _type_of(node.expr)
        case promql_parser.Call():
            return str(node.func.return_type).rpartition(".")[2].lower()
        case promql_parser.BinaryExpr():
            return "scalar" if _type_of(node.lhs) == _type_of(node.rhs) == "scalar" else "vector"
    return "vector"


def _has_bool(node: Any) -> bool:
    """Whether a ``bool`` comparison is what gives the result: looked for down to the first comparison that filters."""
    match node:
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            return _has_bool(node.expr)
        case promql_parser.BinaryExpr() if node.modifier is not None and node.modifier.return_bool:
            return True
        case promql_parser.BinaryExpr() if str(node.op) in _COMPARISONS:
            return False
        case promql_parser.BinaryExpr():
            return _has_bool(node.lhs) or _has_bool(node.rhs)
    return False


def _filters(node: Any) -> bool:
    """Whether the result can be empty although the series exist."""
    match node:
        case promql_parser.ParenExpr() | promql_parser.UnaryExpr():
            return _filters(node.expr)
        case promql_parser.Call():
            return node.func.name in _ABSENT or any(_filters(argument) for argument in node.args)
        case promql_parser.AggregateExpr():
            return _filters(node.expr)
        case promql_parser.VectorSelector():
            return node.name in {"ALERTS", "ALERTS_FOR_STATE"}
        case promql_parser.BinaryExpr() if str(node.op) in _COMPARISONS | _SET_OPERATORS:
            return str(node.op) != "or" or (_filters(node.lhs) and _filters(node.rhs))
        case promql_parser.BinaryExpr():
            return _filters(node.lhs) or _filters(node.rhs)
    return False
