"""Builds the rules of one file from its document. Pure: the loader reads the files."""

from __future__ import annotations

from dataclasses import fields
from enum import Enum
from typing import Any

from lumen.plan import Limits, Mode, Verification
from rules import schema
from rules.actions import build_actions
from rules.aftercare import build_verify
from rules.approvals import CRITICAL, DEFAULT, NAMELESS, contradictory, doubtful, impossible, resolved, severities_of
from rules.language.matchers import Matcher, MatcherError, parse_matchers
from rules.language.patterns import PatternError, compile_pattern
from rules.language.placeholders import names, strings_in
from rules.language.promql import ConditionError, check_condition
from rules.model import ActionTemplate, ApprovalRule, Param, Policy, Rule
from rules.policy import build_approval
from rules.reading.document import Findings, Mapping, Place, Scalar, nearest
from rules.reading.sections import Named, Reader, Section
from rules.spelling import warn_of_misspellings

_TIMES = {"timeout", "on_timeout", "escalate", "remind"}


class Trust(Enum):
    """What is known about the policy before the rules are built."""

    ABSENT = "absent"
    CHECKED = "checked"
    BROKEN = "broken"


def build_rules(node: Mapping, policy: Policy, taken: dict[str, Place], findings: Findings, trust: Trust) -> list[Rule]:
    """Return the rules of one file; ``taken`` holds the rule names of the files before it and is added to.

    ``trust`` says what is known about the policy, so that one mistake in it is not said again at each rule.
    """
    file = Reader(findings).section(node, "the file", schema.FILE)
    defaults = file.get("defaults") or Section(node.place, {key.name: key for key in schema.DEFAULTS})
    for name in ("proofd_url", "control_bus_url"):
        if name in defaults.nodes:
            findings.warn(defaults.at(name), f"{name} is ignored: the environment says where it is")
    built = [_Builder(section, defaults, policy, findings, trust).rule(taken) for section in file.get("rules") or []]
    return [rule for rule in built if rule is not None]


class _Builder:
    """Builds one rule."""

    def __init__(self, section: Section, defaults: Section, policy: Policy, findings: Findings, trust: Trust) -> None:
        self._trust = trust
        self._section, self._defaults, self._policy, self._findings = section, defaults, policy, findings

    def rule(self, taken: dict[str, Place]) -> Rule | None:
        """Return the rule, or None if something in it was reported."""
        before = len(self._findings.items)
        section = self._section
        name = self._name(taken)
        named = len(self._findings.items)
        approval = build_approval(section.get("approval"), self._policy.groups, self._findings)
        approval_read = len(self._findings.items) == named
        self._condition()
        actions = build_actions(section.get("actions") or [], self._own("timeout"), self._findings)
        verify = build_verify(section.get("verify"), self._findings)
        matchers = self._matchers()
        warn_of_misspellings(section, matchers, self._findings)
        rule = Rule(
            name=name,
            alert=section.get("alert") or "",
            matchers=matchers,
            mode=Mode(section.get("mode")),
            target=section.get("target") or "",
            when=section.get("when") or "",
            approval=approval,
            params=self._params(actions, verify),
            actions=actions,
            cooldown=self._own("cooldown"),
            limits=self._limits(),
            dry_run=self._own("dry_run"),
            runbook_url=section.get("runbook_url"),
            verify=verify,
            rollback_approval=self._rollback_approval(),
        )
        if approval_read:
            self._check_approval(rule)
        return rule if len(self._findings.items) == before and section.complete else None

    def _own(self, key: str) -> Any:
        """Return the rule's own value of ``key``, else that of the file."""
        return self._section.values[key] if key in self._section.values else self._defaults.get(key)

    def _name(self, taken: dict[str, Place]) -> str:
        section = self._section
        silent = "alert" not in section.nodes and "match" not in section.nodes
        if silent:
            self._findings.add(section.place, "the rule matches no alert", "add alert: NAME, or match: with matchers")
        name: str = section.get("name") or section.get("alert") or ""
        place = section.at("name") if "name" in section.nodes else section.at("alert")
        if not name and not silent and "name" not in section.nodes and "alert" not in section.nodes:
            self._findings.add(section.place, "a rule without alert has no name", "add name: NAME")
        elif name and name in taken:
            first = taken[name]
            where = f"line {first.line} of {first.file}"
            self._findings.add(
                place, f'the rule name "{name}" is taken by {where}', "add a name of its own: name: NAME"
            )
        taken.setdefault(name, place)
        return name

    def _matchers(self) -> tuple[Matcher, ...]:
        result: list[Matcher] = []
        for entry in self._section.get("match") or []:
            try:
                result.extend(parse_matchers(entry.text))
            except MatcherError as wrong:
                self._findings.add(entry.at(wrong.offset), f"match: {wrong.problem}", wrong.fix)
        if result and "alert" not in self._section.nodes and all(matcher.holds({}) for matcher in result):
            self._findings.warn(
                self._section.at("match"), "this rule matches every alert that does not have these labels"
            )
        return tuple(result)

    def _condition(self) -> None:
        node, text = self._section.nodes.get("when"), self._section.get("when")
        if not text or not isinstance(node, Scalar):
            return
        try:
            if warning := check_condition(text):
                self._findings.warn(node.place, f"when: {warning}")
        except ConditionError as wrong:
            self._findings.add(
                node.at(wrong.offset) if wrong.offset else node.place, f"when: {wrong.problem}", wrong.fix
            )

    def _rollback_approval(self) -> ApprovalRule | None:
        section: Section | None = self._section.get("rollback_approval")
        return None if section is None else build_approval(section, self._policy.groups, self._findings)

    def _params(self, actions: tuple[ActionTemplate, ...], verify: Verification | None) -> tuple[Param, ...]:
        """Return the patterns; one for a placeholder that the rule does not use is most often a misspelt one."""
        templates = [self._section.get("target") or "", self._section.get("when") or ""]
        parts = [(action.spec, action.check, action.rollback and action.rollback.spec) for action in actions]
        templates += strings_in([*parts, verify and verify.spec])
        used = {name for text in templates for name in names(text)}
        complete = len(actions) == len(self._section.get("actions") or [])
        return tuple(
            param for entry in self._section.get("params") or [] if (param := self._param(entry, used, complete))
        )

    def _param(self, entry: Named, used: set[str], complete: bool) -> Param | None:
        name = entry.name.text
        if complete and name not in used:
            fix = nearest(name, sorted(used)) if used else "remove it: the rule has no placeholder"
            self._findings.add(entry.name.place, f"the pattern is for {name}, which this rule does not use", fix)
            return None
        try:
            return Param(name, entry.value.text, compile_pattern(entry.value.text))
        except PatternError as wrong:
            self._findings.add(entry.value.place, f"params.{name} is no RE2 pattern: {wrong}", "correct the pattern")
            return None

    def _limits(self) -> Limits:
        section = self._section.get("limits")
        if section is None:
            return Limits()
        return Limits(**{each.name: section.get(each.name) for each in fields(Limits)})

    def _check_approval(self, rule: Rule) -> None:
        """Report a rule that asks for votes which can never decide, whatever the severity of its alert."""
        section: Section | None = self._section.get("approval")
        if rule.mode is Mode.SHADOW or (section is not None and not section.complete):
            return
        if self._trust is Trust.BROKEN:
            return
        own = rule.approval
        self._warn_of_doubts(rule, section)
        if section is not None and _only(rule, CRITICAL):
            if own.on_timeout == "approve":
                self._findings.add(section.at("on_timeout"), "silence would approve a critical action", "write reject")
            if own.anonymous:
                self._findings.add(section.at("anonymous"), *NAMELESS)
        self._check_contradictions(rule, section)
        if self._trust is Trust.CHECKED and own.approve is None and own.reject is None and own.allow is None:
            return  # what is wrong is reported at the policy, once
        for severity in severities_of(rule, self._policy):
            wrong = impossible(resolved(self._policy, severity, own))
            if wrong is None:
                continue
            place = self._place_of(rule, section, wrong[0])
            if rule.mode is Mode.AUTO:
                self._findings.warn(place, f"severity {severity}: {wrong[1]}, so no vote can follow an unknown result")
            else:
                self._findings.add(place, f'rule "{rule.name}", severity {severity}: {wrong[1]}', wrong[2])
            return

    def _check_contradictions(self, rule: Rule, section: Section | None) -> None:
        """Report what can never happen for some severity because of what the rule itself says."""
        if section is None or not _TIMES.intersection(section.nodes):
            return
        for severity in severities_of(rule, self._policy):
            wrong = list(contradictory(resolved(self._policy, severity, rule.approval)))
            for key, problem, fix in wrong:
                own = key if key in section.nodes else min(_TIMES.intersection(section.nodes))
                self._findings.add(section.at(own), f'rule "{rule.name}", severity {severity}: {problem}', fix)
            if wrong:
                return

    def _place_of(self, rule: Rule, section: Section | None, key: str) -> Place:
        if section is not None:
            return section.at(key)
        return self._section.at("alert" if rule.alert else "match")

    def _warn_of_doubts(self, rule: Rule, section: Section | None) -> None:
        if section is None:
            return
        named = severities_of(rule, self._policy)
        for key, text in doubtful(resolved(self._policy, DEFAULT if DEFAULT in named else named[0], rule.approval)):
            if key in section.nodes:
                self._findings.warn(section.at(key), text)
        if rule.approval.anonymous and CRITICAL in named and not _only(rule, CRITICAL):
            self._findings.warn(section.at("anonymous"), "critical alerts of this rule take no anonymous votes")


def _only(rule: Rule, severity: str) -> bool:
    """Return whether the matchers of ``rule`` let no other severity through than this one."""
    return any(
        each.name == "severity" and each.operator == "=" and each.value.lower() == severity for each in rule.matchers
    )
