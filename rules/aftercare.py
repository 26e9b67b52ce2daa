"""What follows the actions of a rule: checks, rollbacks and the verification. From sections to templates to a plan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lumen.plan import UNDO, Rollback, Verification
from rules.kinds import KINDS
from rules.kinds._kind import ValueOf
from rules.kinds.cmd import read_argv
from rules.language.placeholders import fill
from rules.language.promql import ConditionError, check_condition, render_condition
from rules.reading.document import Findings, Scalar
from rules.reading.sections import Section
from rules.surroundings import read_surroundings

PROMQL, RESOLVED = "promql", "resolved"
WAYS = (PROMQL, "http", "cmd", RESOLVED)


def build_check(section: Section, findings: Findings) -> tuple[str, ...]:
    """Return the command that tells whether an action is done already, as templates; nothing if there is none."""
    if "check" not in section.values:
        return ()
    return tuple(read_argv(section.values["check"], section.nodes["check"], findings) or ())


def build_rollback(section: Section, name: str, findings: Findings) -> Rollback | None:
    """Return what undoes the action ``name``, as templates, or None; what is wrong is reported."""
    if name.endswith(UNDO):
        findings.add(
            section.at("name"), f'the name "{name}" ends with {UNDO}', "rollbacks are named so: change the end"
        )
    undoing: Section | None = section.get("rollback")
    if undoing is None:
        return None
    spec = only_kind(undoing, f'the rollback of "{name}"', findings)
    if spec is None:
        return None
    check_wait(undoing, spec, undoing.get("timeout"), f'the rollback of "{name}"', findings)
    return Rollback(spec[0], spec[1], undoing.get("timeout"))


def only_kind(section: Section, what: str, findings: Findings) -> tuple[str, dict[str, Any]] | None:
    """Return the one kind that ``section`` gives and its spec, or None after reporting; ``what`` names it."""
    given = [kind for kind in KINDS if kind in section.nodes]
    if not given:
        findings.add(section.place, f"{what} does nothing", f"add one of {', '.join(KINDS)}")
        return None
    if len(given) > 1:
        findings.add(section.at(given[1]), f"{what} has {' and '.join(given)}", "make an action of each")
        return None
    kind = given[0]
    if kind not in section.values:
        return None
    spec = KINDS[kind].read(section.values[kind], section.nodes[kind], findings)
    around = read_surroundings(section, kind, findings)
    return None if spec is None else (kind, spec | around)


def check_wait(
    section: Section, spec: tuple[str, dict[str, Any]], timeout: float, what: str, findings: Findings
) -> None:
    """Report an action whose spec asks to wait for longer than the action may run."""
    kind, content = spec
    waits = KINDS[kind].waits(content)
    if waits >= timeout:
        problem = f"{what} waits up to {waits:g} s, and is ended after {timeout:g} s"
        findings.add(section.at(kind), problem, "give it a longer timeout")


def build_verify(section: Section | None, findings: Findings) -> Verification | None:
    """Return what must hold after the actions, as templates, or None; what is wrong is reported."""
    if section is None or not section.complete:
        return None
    given = [way for way in WAYS if way in section.nodes]
    if len(given) != 1:
        place = section.at(given[1]) if given else section.place
        findings.add(place, "verify wants one way to look", f"write one of {', '.join(WAYS)}")
        return None
    way = given[0]
    if way not in section.values:
        return None
    stable, within = section.get("for"), section.get("within")
    if stable > within:
        findings.add(section.at("for"), f"verify.for is longer than verify.within, {within:g} s", "lower it")
    spec = _spec(section, way, findings)
    return None if spec is None else Verification(way, spec, stable, within, section.get("every"))


def _spec(section: Section, way: str, findings: Findings) -> dict[str, Any] | None:
    value, node = section.values[way], section.nodes[way]
    if way == RESOLVED:
        return {}
    if way != PROMQL:
        return KINDS[way].read(value, node, findings)
    try:
        if warning := check_condition(value):
            findings.warn(node.place, f"verify.promql: {warning}")
    except ConditionError as wrong:
        place = node.at(wrong.offset) if wrong.offset and isinstance(node, Scalar) else node.place
        findings.add(place, f"verify.promql: {wrong.problem}", wrong.fix)
        return None
    return {"query": value}


def render_check(check: tuple[str, ...], value_of: ValueOf) -> tuple[str, ...]:
    """Return the command with its placeholders filled; raises ``RenderError``."""
    return tuple(fill(element, value_of) for element in check)


def render_rollback(rollback: Rollback | None, value_of: ValueOf) -> Rollback | None:
    """Return the rollback with its placeholders filled; raises ``RenderError``."""
    if rollback is None:
        return None
    return replace(rollback, spec=KINDS[rollback.kind].render(rollback.spec, value_of))


def render_verify(verify: Verification | None, value_of: ValueOf) -> Verification | None:
    """Return the verification with its placeholders filled; raises ``RenderError``."""
    if verify is None or verify.kind == RESOLVED:
        return verify
    if verify.kind == PROMQL:
        return replace(verify, spec={"query": render_condition(verify.spec["query"], value_of)})
    return replace(verify, spec=KINDS[verify.kind].render(verify.spec, value_of))


def verify_line(verify: Verification) -> str:
    """Return the verification as one line for people."""
    if verify.kind == RESOLVED:
        looked = "the alert resolves"
    elif verify.kind == PROMQL:
        looked = verify.spec["query"]
    else:
        looked = KINDS[verify.kind].line(verify.spec)
    stable = f" for {verify.stable_for:g} s" if verify.stable_for else ""
    return f"{looked}{stable}, within {verify.within:g} s"
