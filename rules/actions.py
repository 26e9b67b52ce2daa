"""Builds the actions of a rule from what was read."""

from __future__ import annotations

from rules import schema
from rules.aftercare import build_check, build_rollback, check_wait, only_kind
from rules.model import ActionTemplate
from rules.reading.document import Findings
from rules.reading.sections import Section


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
    spec = only_kind(section, f'the action "{name}"', findings)
    check, rollback = build_check(section, findings), build_rollback(section, name, findings)
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
    timeout = default_timeout if section.get("timeout") is None else section.get("timeout")
    check_wait(section, spec, timeout, f'the action "{name}"', findings)
    return ActionTemplate(
        name=name,
        kind=kind,
        spec=content,
        timeout=timeout,
        attempts=attempts,
        backoff=backoff,
        idempotent=section.get("idempotent"),
        runner=section.get("runner"),
        check=check,
        rollback=rollback,
    )
