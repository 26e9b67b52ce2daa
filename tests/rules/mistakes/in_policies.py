"""Mistakes in policy.yaml: whether a list of approvers is written above, then what is written."""

from __future__ import annotations

POLICY_MISTAKES = [
    ("", "approver_allowlist: []", "policy.yaml:1:21: approver_allowlist is an empty list"),
    ("", "timeout: 1h", 'policy.yaml:1:1: policy.yaml has no "approver_allowlist"'),
    ("", "[]", "policy.yaml:1:1: policy.yaml is not a mapping"),
    ("approver_allowlist", "on_timeout: approve", "policy.yaml:2:13: only a rule may let silence approve"),
    (
        "approver_allowlist",
        "on_timeout: escalate",
        "policy.yaml:1:21: severity default: on_timeout is escalate and there is no escalation: add escalate, or write",
    ),
    (
        "approver_allowlist",
        "severity: {default: {on_timeout: escalate}}",
        "policy.yaml:2:34: severity default: on_timeout is escalate and there is no escalation",
    ),
    (
        "approver_allowlist",
        "severity: {default: {escalate: [{after: 61m, allow: [c@example.com]}]}}",
        "policy.yaml:2:32: severity default: an escalation comes after 3660 s, and the request ends after 3600 s",
    ),
    (
        "approver_allowlist",
        "severity: {default: {approve: 1}, CRITICAL: {anonymous: true}}",
        "policy.yaml:2:57: anonymous votes would decide about a critical alert: remove it",
    ),
    (
        "approver_allowlist",
        "owner_label: 'x y'",
        'policy.yaml:2:14: owner_label is "x y": it must look like',
    ),
    (
        "approver_allowlist",
        "severity: {on: {approve: 1}}",
        "policy.yaml:2:12: a key of severity is text, but YAML reads on",
    ),
    (
        "approver_allowlist",
        "severity: {critical: {approve: 3}}",
        "policy.yaml:2:32: severity critical: 3 people must approve and only 2",
    ),
    (
        "approver_allowlist",
        "severity: {a: {on_timeout: approve}}",
        "policy.yaml:2:28: only a rule may let silence approve",
    ),
    ("approver_allowlist", "severity: {a: {}, A: {}}", 'policy.yaml:2:19: the severity "a" is listed twice'),
    ("approver_allowlist", "groups: {g: [x]}", 'policy.yaml:2:14: "x" is no e-mail address'),
    ("approver_allowlist", "groups: {g: []}", "policy.yaml:2:13: groups.g is an empty list"),
    ("approver_allowlist", "groups: {'a b': [x@example.com]}", 'policy.yaml:2:10: "a b" is no group name'),
    ("approver_allowlist", "people: {x: {slack: U123}}", 'policy.yaml:2:10: "x" is no e-mail address'),
    (
        "approver_allowlist",
        "people: {x@e.com: {slack: alice}}",
        'policy.yaml:2:27: people.x@e.com.slack is "alice": it must look like',
    ),
    (
        "approver_allowlist",
        "people: {x@e.com: {slack: U123}, y@e.com: {slack: U123}}",
        "policy.yaml:2:51: U123 belongs to x@e.com already",
    ),
    ("approver_allowlist", "people: {x@e.com: {}, X@e.com: {}}", "policy.yaml:2:23: x@e.com is listed twice"),
    ("approver_allowlist", "commands: [a b]", 'policy.yaml:2:12: "a b" is no command name'),
    ("approver_allowlist", "timeout: 31d", "policy.yaml:2:10: timeout is 31d: write a duration from 1 s to 30 days"),
    (
        "approver_allowlist",
        "severity: {a: {approve: 101}}",
        "policy.yaml:2:25: severity.a.approve is 101: write a number from 1 to 100",
    ),
    (
        "approver_allowlist",
        "quorum_window_sec: 0",
        "policy.yaml:2:20: quorum_window_sec is 0: write a duration from 1 s",
    ),
    (
        "approver_allowlist",
        "sverity: {}",
        'policy.yaml:2:1: unknown key "sverity" in policy.yaml: did you mean "severity"?',
    ),
]
