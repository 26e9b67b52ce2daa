"""The kinds of action, one file each. A new kind is a new file and a line here; ``activities.kinds`` runs it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from lumen.plan import Plan, PlannedAction
from rules.key import Key
from rules.kinds import cmd, control_bus, http, kubernetes, proof
from rules.kinds._kind import Kind

KINDS: dict[str, Kind] = {
    each.name: each for each in (cmd.KIND, http.KIND, control_bus.KIND, kubernetes.KIND, proof.KIND)
}


def action_line(action: PlannedAction) -> str:
    """Return one action as one line for people; only :attr:`PlannedAction.spec` is what runs.

    An action of a kind that only a newer worker knows is shown by its kind.
    """
    kind = KINDS.get(action.kind)
    return kind.line(action.spec) if kind else action.kind


def shown_spec(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return the spec of an action as it may leave the worker: what may be secret in it is hidden."""
    return KINDS[kind].shown(spec)


def shown_plan(plan: Plan) -> Plan:
    """Return the plan as it may leave the worker.

    The digest stays that of the whole plan, so what was approved is still what runs.
    """
    verify = plan.verify
    if verify is not None and verify.kind in KINDS:
        verify = replace(verify, spec=shown_spec(verify.kind, verify.spec))
    return replace(plan, actions=tuple(_shown(action) for action in plan.actions), verify=verify)


def _shown(action: PlannedAction) -> PlannedAction:
    undo = action.rollback
    if undo is not None:
        undo = replace(undo, spec=shown_spec(undo.kind, undo.spec))
    return replace(action, spec=shown_spec(action.kind, action.spec), rollback=undo)


def tables() -> dict[str, tuple[Key, ...]]:
    """Return the keys of every kind that has some, and of every mapping in it, by the name of the key above them."""
    found: dict[str, tuple[Key, ...]] = {}
    above = [kind.key for kind in KINDS.values()]
    while above:
        key = above.pop(0)
        if key.keys and key.keys not in found.values():
            found[key.name] = key.keys
            above += key.keys
    return found
