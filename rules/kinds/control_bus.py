"""``control_bus``: a named command with JSON arguments; placeholders inside strings of the arguments."""

from __future__ import annotations

from typing import Any

from rules.key import REQUIRED, Key
from rules.kinds._kind import Kind, ValueOf
from rules.language.placeholders import fill_in, keys_in, names
from rules.reading.document import Findings, Node
from rules.reading.sections import Section

NAME = r"[A-Za-z0-9][A-Za-z0-9._:-]{0,99}"
_KEYS = (
    Key("command", "text", REQUIRED, "name of the command", pattern=NAME),
    Key("args", "json", {}, "its arguments; placeholders inside strings"),
)


def _read(value: Section, _node: Node, findings: Findings) -> dict[str, Any] | None:
    args = value.get("args")
    if not isinstance(args, dict):
        findings.add(value.at("args"), "control_bus.args is not a mapping", "write name: value pairs")
        return None
    if any(names(key) for key in keys_in(args)):
        findings.add(
            value.at("args"), "a placeholder stands in a name of control_bus.args", "placeholders belong into values"
        )
        return None
    return {"command": value.get("command"), "args": args} if value.complete else None


def _render(spec: dict[str, Any], value_of: ValueOf) -> dict[str, Any]:
    return {"command": spec["command"], "args": fill_in(spec["args"], value_of)}


def _line(spec: dict[str, Any]) -> str:
    return f"control bus: {spec['command']} {spec.get('args', {})}"


KIND = Kind(Key("control_bus", "section", None, "one command on the control bus", keys=_KEYS), _read, _render, _line)
