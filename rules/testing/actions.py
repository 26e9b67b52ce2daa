"""What a case wants of one action: an argument list, the line that people are shown, or what matters in it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping as Names
from dataclasses import asdict, dataclass, field
from typing import Any

from lumen.plan import PlannedAction
from rules import schema
from rules.kinds import KINDS, action_line, shown_spec
from rules.reading.document import Findings, Mapping, Node, Scalar, Sequence, nearest
from rules.reading.values import Unreadable, json_value, word

_OWN = frozenset(PlannedAction.__dataclass_fields__) - {"kind", "spec"}
_AROUND = frozenset(key.name for key in schema.ACTION) - _OWN - frozenset(KINDS)
_LISTS = frozenset(name for name, kind in KINDS.items() if kind.key.type == "argv")


@dataclass(frozen=True)
class Wanted:
    """One action. What is None or empty is not compared; ``spec`` and ``fields`` hold what must be in the planned action."""

    line: str | None = None
    argv: tuple[str, ...] | None = None
    kind: str = ""
    spec: Any = None
    fields: Names[str, Any] = field(default_factory=dict)

    def fits(self, action: PlannedAction) -> bool:
        """Return whether ``action`` is what is wanted."""
        if self.line is not None:
            return self.line in {action_line(action), shown_line(action)}
        if self.argv is not None and list(self.argv) != action.spec.get("argv"):
            return False
        if self.kind and (self.kind != action.kind or not _holds(action.spec, self.spec)):
            return False
        return _holds(asdict(action), dict(self.fields))

    def __str__(self) -> str:
        """Return it as a case would say it."""
        if self.line is not None:
            return self.line
        said = dict(self.fields) | ({self.kind: self.spec or True} if self.kind else {})
        parts = [shlex.join(self.argv)] if self.argv is not None else []
        return " ".join([*parts, *([str(said)] if said else [])])


def shown_line(action: PlannedAction) -> str:
    """Return the line of ``action`` with what may be secret in it hidden."""
    return action_line(PlannedAction(action.name, action.kind, shown_spec(action.kind, action.spec)))


def wanted_action(node: Node, findings: Findings) -> Wanted | None:
    """Return what ``node`` wants, None after reporting."""
    try:
        if isinstance(node, Scalar):
            return Wanted(line=word(node, "an element of actions").text)
        if isinstance(node, Sequence):
            return Wanted(argv=_argv(node))
        return _of_mapping(node, findings)
    except Unreadable as wrong:
        findings.add(wrong.place, wrong.problem, wrong.fix)
        return None


def _argv(node: Sequence) -> tuple[str, ...]:
    return tuple(word(item, "an element of actions").text for item in node.items)


def _of_mapping(node: Mapping, findings: Findings) -> Wanted | None:
    argv, kind, spec = None, "", None
    fields: dict[str, Any] = {}
    for name, item in node.entries:
        if name.text in _LISTS and isinstance(item, Sequence):
            argv = _argv(item)
        elif name.text in KINDS:
            kind, spec = name.text, _spec(json_value(item, name.text))
        elif name.text in _OWN:
            fields[name.text] = json_value(item, name.text)
        elif name.text in _AROUND:
            fields["spec"] = {**fields.get("spec", {}), name.text: json_value(item, name.text)}
        else:
            known = [*KINDS, *sorted(_OWN | _AROUND)]
            findings.add(name.place, f'unknown key "{name.text}" in an element of actions', nearest(name.text, known))
            return None
    return Wanted(None, argv, kind, spec, fields)


def _spec(written: Any) -> Any:
    """Return what the spec of an action must hold; ``proof: true`` wants nothing of it."""
    return {} if written is True else written


def _holds(found: Any, wanted: Any) -> bool:
    """Return whether ``found`` is ``wanted``, or a mapping that holds everything in it."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(name in found and _holds(found[name], value) for name, value in wanted.items())
    return bool(found == wanted)
