"""Who must agree to what: the policy, the severity and the rule laid over each other, and what cannot be satisfied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from lumen.plan import Approval
from rules.model import ApprovalRule, Policy, Rule

GROUP = "group:"
DEFAULT = "default"
CRITICAL = "critical"
_SOON = 60.0
_SHORT = 30.0


def overlaid(lower: ApprovalRule, upper: ApprovalRule) -> ApprovalRule:
    """Return ``lower`` with every key that ``upper`` gives replaced."""
    given = {name: value for name in _NAMES if (value := getattr(upper, name)) is not None}
    return replace(lower, **given)


def of_policy(policy: Policy) -> ApprovalRule:
    """Return what the policy says for every severity."""
    return ApprovalRule(
        allow=policy.allowlist,
        window=policy.quorum_window,
        timeout=policy.timeout,
        on_timeout=policy.on_timeout,
        min_rank=policy.min_rank,
    )


def of_severity(policy: Policy, severity: str) -> ApprovalRule:
    """Return what the policy says for ``severity``; one that it does not name is treated as ``default``.

    A policy that names severities and no default treats the others as the strictest that it names.
    """
    known = policy.severity.get(severity.strip().lower(), policy.severity.get(DEFAULT))
    if known is None and policy.severity:
        known = ApprovalRule(
            approve=max(rule.approve or Approval.approve for rule in policy.severity.values()),
            reject=min(rule.reject or Approval.reject for rule in policy.severity.values()),
        )
    return known or ApprovalRule()


def resolved(policy: Policy, severity: str, own: ApprovalRule) -> Approval:
    """Return the approval that holds for an alert of ``severity`` under a rule that says ``own``; groups expanded."""
    said = overlaid(overlaid(of_policy(policy), of_severity(policy, severity)), own)
    given: dict[str, Any] = {name: value for name in _NAMES if (value := getattr(said, name)) is not None}
    return replace(Approval(), **(given | {"allow": expanded(said.allow or (), policy.groups)}))


def expanded(allow: tuple[str, ...], groups: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the addresses in ``allow``, groups replaced by their members, distinct and sorted. Unknown groups are empty."""
    people: set[str] = set()
    for entry in allow:
        people.update(groups.get(entry.removeprefix(GROUP), ()) if entry.startswith(GROUP) else (entry,))
    return tuple(sorted(people))


def without(approval: Approval, requester: str) -> Approval:
    """Return ``approval`` with ``requester`` out of it: who asks for an action does not also agree to it; "" is nobody."""
    return replace(approval, allow=tuple(person for person in approval.allow if person != requester))


def impossible(approval: Approval) -> tuple[str, str] | None:
    """Return what is wrong and how to fix it if no vote can ever decide under ``approval``."""
    people = len(approval.allow)
    if not people:
        return "nobody may approve", "list people under approver_allowlist in policy.yaml, or under approval.allow"
    if approval.approve > people:
        return (
            f"{approval.approve} people must approve and only {people} may vote",
            f"lower approve to {people} at most, or allow more people",
        )
    if approval.reject > people:
        return (
            f"{approval.reject} people must reject and only {people} may vote",
            f"lower reject to {people} at most, or allow more people",
        )
    return None


def hasty(approval: Approval) -> Iterator[tuple[str, str]]:
    """Yield key and warning for each time under ``approval`` that is most likely too short for people."""
    if approval.timeout < _SOON:
        yield "timeout", f"people have {approval.timeout:g} s to decide"
    if approval.window < _SOON and approval.approve > 1:
        yield "window", f"{approval.approve} people must approve within {approval.window:g} s of each other"
    if approval.valid_for < _SHORT:
        yield "valid_for", f"a decision lapses after {approval.valid_for:g} s, maybe before its action can start"


def approves_itself(approval: Approval, severity: str) -> bool:
    """Return whether silence would approve a critical action, which is never allowed."""
    return approval.on_timeout == "approve" and severity.strip().lower() == CRITICAL


def severities_of(rule: Rule, policy: Policy) -> list[str]:
    """Return the severities that alerts of ``rule`` may have: those of the policy, ``critical`` and any other one."""
    about = [matcher for matcher in rule.matchers if matcher.name == "severity"]
    named = [
        name
        for name in sorted({*policy.severity, CRITICAL} - {DEFAULT})
        if all(each.holds({"severity": name}) for each in about)
    ]
    pinned = [each.value for each in about if each.operator == "="]
    return named + (pinned or [DEFAULT])


_NAMES = tuple(each.name for each in fields(ApprovalRule))
