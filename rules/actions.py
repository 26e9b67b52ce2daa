"""Builds the actions of a rule from what was read."""

from __future__ import annotations

from typing import Any

from rules import schema
from rules.kinds import KINDS
from rules.model import ActionTemplate
from rules.reading.document import Findings
from rules.reading.sections import Section
from rules.surroundings import read_surroundings

_KIND_NAMES = tuple(key.name for key in schema.KINDS)


def build_actions(sections: list[Section], default_timeout: float, findings: Findings) -> tuple[ActionTemplate, ...]:
    """Return the actions that could be built; the others have been reported."""
    built: list[ActionTemplate] = []
    names: set[str] = set()
    for number, section in enumerate(sections, start=1):
        name = section.get("name") or f"action-{number}"
        if name in names:
            findings.add(section.at("name"), f'two actions of this rule are called "{name}"', "give each its own name")
        names.add(name)
        action = _build(section, name, default_timeout, findings)
        if action is not None:
            built.append(action)
    return tuple(built)


def _build(section: Section, name: str, default_timeout: float, findings: Findings) -> ActionTemplate | None:
    spec = _spec(section, name, findings)
    retry = section.get("retry")
    attempts = retry.get("attempts") if retry else schema.RETRY[0].default
    backoff = retry.get("backoff") if retry else schema.RETRY[1].default
    if attempts > 1 and not section.get("idempotent"):
        findings.add(
            retry.at("attempts"),
            f'the action "{name}" is not idempotent, so it starts at most once',
            "add idempotent: true if running it twice is harmless, or remove retry",
        )
        return None
    if spec is None:
        return None
    kind, content = spec
    return ActionTemplate(
        name=name,
        kind=kind,
        spec=content,
        timeout=default_timeout if section.get("timeout") is None else section.get("timeout"),
        attempts=attempts,
        backoff=backoff,
        idempotent=section.get("idempotent"),
        runner=section.get("runner"),
    )


def _spec(section: Section, name: str, findings: Findings) -> tuple[str, dict[str, Any]] | None:
    given = [kind for kind in _KIND_NAMES if kind in section.nodes]
    if not given:
        findings.add(section.place, f'the action "{name}" does nothing', f"add one of {', '.join(KINDS)}")
        return None
    if len(given) > 1:
        findings.add(section.at(given[1]), f'the action "{name}" has {" and ".join(given)}', "make an action of each")
        return None
    kind = given[0]
    if kind not in KINDS or kind not in section.values:
        return None
    spec = KINDS[kind].read(section.values[kind], section.nodes[kind], findings)
    around = read_surroundings(section, kind, findings)
    return None if spec is None else (kind, spec | around)
