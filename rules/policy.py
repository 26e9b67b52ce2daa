"""Builds the policy and the approval parts of rules from what was read."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from lumen.plan import Escalation
from rules import schema
from rules.approvals import CRITICAL, DEFAULT, GROUP, NAMELESS, contradictory, doubtful, impossible, resolved
from rules.kinds import control_bus
from rules.model import ApprovalRule, Policy
from rules.reading.document import Findings, Node, Place, Scalar, nearest
from rules.reading.sections import Named, Reader, Section
from rules.reading.values import Unreadable

_ADDRESS = re.compile(r"[^@\s\"'<>,;:\x00-\x1f\x7f]{1,64}@[^@\s\"'<>,;:\x00-\x1f\x7f]{1,189}")
_AT = {"window": "quorum_window_sec", "valid_for": "severity"}  # where the policy says what a severity does not
_GROUP_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")


def build_policy(node: Node, min_rank: str, findings: Findings) -> Policy:
    """Return the policy in ``node``; what is wrong is reported and left out."""
    try:
        section = Reader(findings).section(node, "policy.yaml", schema.POLICY)
    except Unreadable as wrong:
        findings.add(wrong.place, wrong.problem, wrong.fix)
        return Policy(min_rank=min_rank)
    before = len(findings.items)
    groups = _groups(section.get("groups") or [], findings)
    policy = Policy(
        allowlist=allowed(section.get("approver_allowlist") or [], groups, findings),
        quorum_window=section.get("quorum_window_sec"),
        timeout=section.get("timeout"),
        on_timeout=section.get("on_timeout"),
        severity=_severities(section.get("severity") or [], groups, findings),
        groups=groups,
        people=_people(section.get("people") or [], findings),
        commands=_commands(section.get("commands") or [], findings),
        min_rank=min_rank,
        owner_label=section.get("owner_label") or "",
    )
    if section.values.get("on_timeout") == "approve":
        _refuse_silence(section, findings)
    if len(findings.items) == before and "approver_allowlist" in section.values:
        _check(section, policy, findings)
    return policy


def build_approval(section: Section | None, groups: Mapping[str, tuple[str, ...]], findings: Findings) -> ApprovalRule:
    """Return what ``section`` says about approval, and nothing else."""
    if section is None:
        return ApprovalRule()
    given: dict[str, Any] = {
        name: value
        for name, value in section.values.items()
        if name in ApprovalRule.__dataclass_fields__ and name not in {"allow", "escalate"}
    }
    if "allow" in section.values:
        given["allow"] = allowed(section.values["allow"], groups, findings)
    if "escalate" in section.values:
        levels = [level for level in section.values["escalate"] if level.complete]
        section.complete = section.complete and len(levels) == len(section.values["escalate"])
        given["escalate"] = tuple(_escalation(level, groups, findings) for level in levels)
    return ApprovalRule(**given)


def _escalation(section: Section, groups: Mapping[str, tuple[str, ...]], findings: Findings) -> Escalation:
    people = allowed(section.get("allow"), groups, findings)
    return Escalation(section.get("after"), people, section.get("channel"))


def allowed(entries: list[Scalar], groups: Mapping[str, tuple[str, ...]], findings: Findings) -> tuple[str, ...]:
    """Return addresses in lower case and ``group:NAME`` of known groups."""
    result = []
    for entry in entries:
        if entry.text.startswith(GROUP):
            name = entry.text.removeprefix(GROUP)
            if name in groups:
                result.append(entry.text)
            else:
                fix = nearest(name, groups) if groups else "define it under groups in policy.yaml"
                findings.add(entry.place, f'the group "{name}" is not defined', fix)
        elif (address := _address(entry, findings)) is not None:
            result.append(address)
    return tuple(sorted(set(result)))


def _address(entry: Scalar, findings: Findings) -> str | None:
    if _ADDRESS.fullmatch(entry.text):
        return entry.text.lower()
    findings.add(
        entry.place,
        f'"{entry.text}" is no e-mail address',
        "write name@example.com, or group:NAME where people are allowed",
    )
    return None


def _groups(entries: list[Named], findings: Findings) -> dict[str, tuple[str, ...]]:
    result: dict[str, tuple[str, ...]] = {}
    for entry in entries:
        if not _GROUP_NAME.fullmatch(entry.name.text):
            findings.add(
                entry.name.place, f'"{entry.name.text}" is no group name', "use letters, digits, dot, dash, underscore"
            )
            continue
        members = [address for member in entry.value if (address := _address(member, findings)) is not None]
        result[entry.name.text] = tuple(sorted(set(members)))
    return result


def _people(entries: list[Named], findings: Findings) -> dict[str, dict[str, str]]:
    result: dict[str, dict[str, str]] = {}
    owner: dict[str, str] = {}
    for entry in entries:
        address = _address(entry.name, findings)
        if address is None:
            continue
        if address in result:
            findings.add(entry.name.place, f"{address} is listed twice", "keep one entry a person")
            continue
        slack = entry.value.get("slack")
        if slack and owner.setdefault(slack, address) != address:
            findings.add(
                entry.value.at("slack"), f"{slack} belongs to {owner[slack]} already", "give each person their own id"
            )
        result[address] = {"slack": slack} if slack else {}
    return result


def _severities(
    entries: list[Named], groups: Mapping[str, tuple[str, ...]], findings: Findings
) -> dict[str, ApprovalRule]:
    result: dict[str, ApprovalRule] = {}
    for entry in entries:
        name = entry.name.text.strip().lower()
        if name in result:
            findings.add(
                entry.name.place,
                f'the severity "{name}" is listed twice',
                "severities are compared in lower case: keep one",
            )
        if entry.value.get("on_timeout") == "approve":
            _refuse_silence(entry.value, findings)
        if name == CRITICAL and entry.value.get("anonymous"):
            findings.add(entry.value.at("anonymous"), *NAMELESS)
        result[name] = build_approval(entry.value, groups, findings)
    return result


def _refuse_silence(section: Section, findings: Findings) -> None:
    place = section.at("on_timeout")
    findings.add(place, "only a rule may let silence approve", "write reject here and on_timeout: approve in that rule")


def _commands(entries: list[Scalar], findings: Findings) -> tuple[str, ...]:
    for entry in entries:
        if not re.fullmatch(control_bus.NAME, entry.text):
            findings.add(
                entry.place, f'"{entry.text}" is no command name', "use letters, digits, dot, dash, underscore"
            )
    return tuple(entry.text for entry in entries)


def _check(section: Section, policy: Policy, findings: Findings) -> None:
    """Report severities under which nobody could ever decide."""
    entries = {entry.name.text.strip().lower(): entry for entry in section.get("severity") or []}
    if entries and DEFAULT not in entries:
        findings.warn(
            section.at("severity"), "no severity called default: others are treated as the strictest that is listed"
        )
    places = {name: entry.name.place for name, entry in entries.items()}
    places.setdefault(DEFAULT, section.at("severity" if entries else "approver_allowlist"))
    for name, place in places.items():
        own = entries[name].value if name in entries else None
        approval = resolved(policy, name, ApprovalRule())
        said = name in entries or not entries
        wrong = [found] if said and (found := impossible(approval)) is not None else []
        for key, problem, fix in (*wrong, *contradictory(approval)):
            findings.add(_place(key, own, place), f"severity {name}: {problem}", fix)
        for key, text in doubtful(approval) if said else ():
            at = own.at(key) if own is not None and key in own.nodes else section.at(_AT.get(key, key))
            findings.warn(at, text)


def _place(key: str, own: Section | None, place: Place) -> Place:
    return own.at(key) if own is not None and key in own.nodes else place
