"""``cmd``: a program and its arguments. One placeholder stays inside one argument, whatever its value."""

from __future__ import annotations

from typing import Any

from rules.key import Key
from rules.kinds._kind import Kind, ValueOf
from rules.language.commands import CommandError, check_argv, split, unexpanded
from rules.language.interpreters import interpreter
from rules.language.placeholders import fill
from rules.reading.document import Findings, Node, Scalar
from rules.surroundings import surroundings_line


def read_argv(value: Scalar | list[Scalar], node: Node, findings: Findings) -> list[str] | None:
    """Return the argument templates, or None after reporting what is wrong with them."""
    try:
        argv = split(value.text) if isinstance(value, Scalar) else [each.text for each in value]
        for warning in check_argv(argv):
            findings.warn(node.place, warning)
    except CommandError as wrong:
        place = node.place if isinstance(value, Scalar) or wrong.index < 0 else value[wrong.index].place
        findings.add(place, wrong.problem, wrong.fix)
        return None
    if isinstance(value, Scalar) and not any(interpreter(element) for element in argv):
        for element in unexpanded(argv):
            findings.warn(node.place, f"no shell runs, so {element} stays as it is written")
    return argv


def _read(value: Any, node: Node, findings: Findings) -> dict[str, Any] | None:
    argv = read_argv(value, node, findings)
    return None if argv is None else {"argv": argv}


def _render(spec: dict[str, Any], value_of: ValueOf) -> dict[str, Any]:
    return {**spec, "argv": [fill(element, value_of) for element in spec["argv"]]}


def _line(spec: dict[str, Any]) -> str:
    return surroundings_line(spec) + " ".join(_quoted(part) for part in spec["argv"])


def _quoted(part: str) -> str:
    plain = part and all(char.isalnum() or char in "@%+=:,./_-" for char in part)
    return part if plain else "'" + part.replace("'", "'\"'\"'") + "'"


KIND = Kind(
    Key(
        "cmd",
        "argv",
        None,
        "program and arguments: a list (at most 1000), or a string split like a shell would; no shell",
    ),
    _read,
    _render,
    _line,
)
