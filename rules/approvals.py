"""Who must agree to what: the policy, the severity and the rule laid over each other, and what cannot be satisfied."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any

from lumen.ballot import Rank
from lumen.plan import ESCALATE, Approval
from rules.model import ApprovalRule, Policy, Rule

GROUP = "group:"
DEFAULT = "default"
CRITICAL = "critical"
NAMELESS = ("anonymous votes would decide about a critical alert", "remove it: only named people may")
_SOON = 60.0
_SHORT = 30.0
_LEVELS = 10
_REMINDERS = 100
"""In one request: each is an entry in the history of its episode, which cannot be cut while people are asked."""


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
        owner_label=policy.owner_label or None,
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


def said_of(policy: Policy, severity: str, own: ApprovalRule) -> ApprovalRule:
    """Return what policy, severity and rule say together about an alert of ``severity`` under a rule that says ``own``."""
    return overlaid(overlaid(of_policy(policy), of_severity(policy, severity)), own)


def resolved(policy: Policy, severity: str, own: ApprovalRule) -> Approval:
    """Return the approval that holds for an alert of ``severity`` under a rule that says ``own``; groups expanded.

    Whatever was said, nobody votes without a name on a critical alert.
    """
    said = said_of(policy, severity, own)
    given: dict[str, Any] = {name: value for name in _PLANNED if (value := getattr(said, name)) is not None}
    given["allow"] = expanded(said.allow or (), policy.groups)
    levels = [replace(level, allow=expanded(level.allow, policy.groups)) for level in said.escalate or ()]
    given["escalate"] = tuple(sorted(levels, key=lambda level: level.after))
    if is_critical(severity):
        given["anonymous"] = False
    return replace(Approval(), **given)


def owners_of(policy: Policy, severity: str, own: ApprovalRule, labels: Mapping[str, str]) -> tuple[str, ...]:
    """Return the people whom the ``owner_label`` that holds here names in ``labels``; there may be several, with commas."""
    label = said_of(policy, severity, own).owner_label or ""
    return tuple(policy.principal(name) for name in re.split(r"[\s,;]+", labels.get(label, "")) if name)


def expanded(allow: tuple[str, ...], groups: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Return the addresses in ``allow``, groups replaced by their members, distinct and sorted. Unknown groups are empty."""
    people: set[str] = set()
    for entry in allow:
        people.update(groups.get(entry.removeprefix(GROUP), ()) if entry.startswith(GROUP) else (entry,))
    return tuple(sorted(people))


def without(approval: Approval, people: Collection[str]) -> Approval:
    """Return ``approval`` with ``people`` out of it, out of every escalation too.

    Who asks for an action, or owns what the alert is about, does not also agree to it.
    """
    return replace(
        approval,
        allow=_left(approval.allow, people),
        escalate=tuple(replace(level, allow=_left(level.allow, people)) for level in approval.escalate),
        barred=tuple(person for person in approval.everyone if person in people),
    )


def _left(allow: tuple[str, ...], people: Collection[str]) -> tuple[str, ...]:
    return tuple(person for person in allow if person not in people)


def impossible(approval: Approval) -> tuple[str, str, str] | None:
    """Return key, what is wrong and how to fix it if no vote can ever decide under ``approval``.

    A vote without a name counts for none of these: whoever gives it may have voted by name already.
    """
    if not approval.allow:
        return (
            "allow",
            "nobody may approve",
            "list people under approver_allowlist in policy.yaml, or under approval.allow",
        )
    people = len(approval.everyone)
    for key in ("approve", "reject"):
        wanted = getattr(approval, key)
        if wanted > people:
            problem = f"{wanted} people must {key} and only {people} may vote"
            return key, problem, f"lower {key} to {people} at most, or allow more people"
    return None


def contradictory(approval: Approval) -> Iterator[tuple[str, str, str]]:
    """Yield key, what is wrong and how to fix it for what ``approval`` says and can never happen, or far too often."""
    timeout, levels = approval.timeout, approval.escalate
    if late := [level.after for level in levels if level.after >= timeout]:
        problem = f"an escalation comes after {late[0]:g} s, and the request ends after {timeout:g} s"
        yield "escalate", problem, "let it come earlier, or make timeout longer"
    if approval.on_timeout == ESCALATE and not levels:
        yield "on_timeout", "on_timeout is escalate and there is no escalation", "add escalate, or write reject"
    if len(levels) > _LEVELS:
        yield "escalate", f"{len(levels)} escalations", f"keep {_LEVELS} at most"
    if approval.remind and timeout / approval.remind > _REMINDERS:
        problem = f"{timeout / approval.remind:.0f} reminders in the {timeout:g} s of one request"
        yield "remind", problem, f"remind every {math.ceil(timeout / _REMINDERS)} s at most"


def doubtful(approval: Approval) -> Iterator[tuple[str, str]]:
    """Yield key and warning for each thing under ``approval`` that is most likely not what was meant."""
    if approval.timeout < _SOON:
        yield "timeout", f"people have {approval.timeout:g} s to decide"
    if approval.window < _SOON and approval.approve > 1:
        yield "window", f"{approval.approve} people must approve within {approval.window:g} s of each other"
    if approval.valid_for < _SHORT:
        yield "valid_for", f"a decision lapses after {approval.valid_for:g} s, maybe before its action can start"
    if approval.remind >= approval.timeout:
        yield "remind", f"no reminder comes: the request ends after {approval.timeout:g} s"
    if 0 < len(approval.allow) < approval.approve <= len(approval.everyone):
        yield (
            "approve",
            f"{approval.approve} people must approve and {len(approval.allow)} may vote before an escalation",
        )
    known = set(approval.allow)
    for level in approval.escalate:
        if known.issuperset(level.allow) and not level.channel:
            yield "escalate", f"the escalation after {level.after:g} s adds nobody"
        known.update(level.allow)
    yield from _doubtful_without_names(approval)


def _doubtful_without_names(approval: Approval) -> Iterator[tuple[str, str]]:
    if not approval.anonymous:
        return
    if approval.approve > 1:
        yield "anonymous", "who votes by name can vote once more by an anonymous link, so one person may count as two"
    if Rank.named(approval.min_rank) > Rank.LINK:
        yield "anonymous", f"no anonymous vote counts: min_rank is {approval.min_rank}"


def approves_itself(approval: Approval, severity: str) -> bool:
    """Return whether silence would approve a critical action, which is never allowed."""
    return approval.on_timeout == "approve" and is_critical(severity)


def is_critical(severity: str) -> bool:
    """Return whether ``severity`` is ``critical``, however it is spelt."""
    return severity.strip().lower() == CRITICAL


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
_PLANNED = tuple(name for name in _NAMES if name != "owner_label")
