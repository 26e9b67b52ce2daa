"""Actions on a cluster: what a rule may say, what it becomes, and what is refused with its place and fix."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.kinds import action_line
from rules.kinds.kubernetes._verb import name_problem
from tests.rules.documents import alert, plan, refusal, refused, rules_of

HEAD = "rules:\n  - alert: A\n    actions:\n      - kubernetes:\n"
LABELS = {"namespace": "shop", "deployment": "web", "pod": "web-0", "node": "worker-1.example.com", "uid": "0a1b-2c"}
WEB = {"resource": "deployment", "namespace": "shop", "name": "web"}

GOOD: list[tuple[str, dict[str, Any], str]] = [
    (
        'scale: {namespace: "{labels.namespace}", deployment: "{labels.deployment}", replicas: 3}',
        {"verb": "scale", "context": "", **WEB, "replicas": 3, "wait": 0.0},
        "scale deployment shop/web to 3",
    ),
    (
        "scale: {namespace: shop, statefulset: db, replicas: 0, wait: 30s}",
        {
            "verb": "scale",
            "context": "",
            "resource": "statefulset",
            "namespace": "shop",
            "name": "db",
            "replicas": 0,
            "wait": 30.0,
        },
        "scale statefulset shop/db to 0, and wait up to 30 s",
    ),
    (
        "scale: {namespace: shop, deployment: web, by: +2, most: 6}",
        {"verb": "scale", "context": "", **WEB, "by": 2, "least": None, "most": 6, "wait": 0.0},
        "scale deployment shop/web by +2 (at most 6)",
    ),
    (
        "scale: {namespace: shop, deployment: web, by: -1, least: 1, most: 9}",
        {"verb": "scale", "context": "", **WEB, "by": -1, "least": 1, "most": 9, "wait": 0.0},
        "scale deployment shop/web by -1 (at least 1, at most 9)",
    ),
    (
        'restart: {namespace: shop, deployment: "{labels.deployment}", wait: 50}\n          context: prod@eu',
        {"verb": "restart", "context": "prod@eu", **WEB, "wait": 50.0},
        "restart deployment shop/web, and wait up to 50 s, in context prod@eu",
    ),
    (
        'delete_pod: {namespace: shop, pod: "{labels.pod}", uid: "{labels.uid}"}',
        {
            "verb": "delete_pod",
            "context": "",
            "resource": "pod",
            "namespace": "shop",
            "name": "web-0",
            "uid": "0a1b-2c",
        },
        "delete pod shop/web-0 with uid 0a1b-2c",
    ),
    (
        "delete_pod: {namespace: shop, pod: 'web-{labels.uid}'}",
        {"verb": "delete_pod", "context": "", "resource": "pod", "namespace": "shop", "name": "web-0a1b-2c", "uid": ""},
        "delete pod shop/web-0a1b-2c",
    ),
    (
        'cordon: {node: "{labels.node}"}',
        {"verb": "cordon", "context": "", "resource": "node", "name": "worker-1.example.com"},
        "cordon node worker-1.example.com",
    ),
    (
        "uncordon: {node: worker-2}",
        {"verb": "uncordon", "context": "", "resource": "node", "name": "worker-2"},
        "uncordon node worker-2",
    ),
]

WRONG = [
    ("{}", "5:11: kubernetes does nothing: add one of scale, restart, delete_pod, cordon, uncordon"),
    ("context: prod", "5:11: kubernetes does nothing"),
    ("cordon: {node: a}\n          uncordon: {node: a}", "6:21: kubernetes has cordon and uncordon: make an action of"),
    ("drain: {node: a}", '5:11: unknown key "drain" in kubernetes: known are scale'),
    ("cordon: {}", '5:19: kubernetes.cordon has no "node": add node'),
    ("cordon: {node: ''}", "5:26: kubernetes.cordon.node is empty"),
    ("cordon: {node: Worker}", '5:26: kubernetes: node "Worker" is no name of RFC 1123: lower-case letters'),
    ("cordon: {node: '{labels.node}_1'}", '5:26: kubernetes: node "{labels.node}_1" is no name of RFC 1123'),
    ('cordon: {node: a}\n          context: "{labels.cluster}"', "6:20: a placeholder stands in kubernetes.context"),
    ("delete_pod: {pod: a}", '5:23: kubernetes.delete_pod has no "namespace"'),
    ("delete_pod: {namespace: a.b, pod: a}", '5:35: kubernetes: namespace "a.b" is no name of RFC 1123'),
    ("delete_pod: {namespace: a, pod: a, uid: a/b}", '5:51: kubernetes: uid "a/b" is no uid of Kubernetes'),
    ("restart: {namespace: a}", "5:20: restart names nothing: give it one of deployment, statefulset, daemonset"),
    (
        "restart: {namespace: a, deployment: a, daemonset: b}",
        "5:61: restart has deployment and daemonset: give it one of",
    ),
    ("restart: {namespace: a, deployment: a, replicas: 1}", '5:50: unknown key "replicas" in kubernetes.restart'),
    ("restart: {namespace: a, deployment: a, wait: 0}", "5:56: kubernetes.restart.wait is 0: write a duration from 1"),
    (
        "restart: {namespace: a, deployment: a, wait: 2m}",
        '5:11: the action "action-1" waits up to 120 s, and is ended after 60 s: give it a longer timeout',
    ),
    (
        "cordon: {node: a}\n        rollback: {kubernetes: {restart: {namespace: a, deployment: a, wait: 2m}}, timeout: 9}",
        '6:32: the rollback of "action-1" waits up to 120 s, and is ended after 9 s: give it a longer timeout',
    ),
    ("scale: {namespace: a, daemonset: a, replicas: 1}", '5:33: unknown key "daemonset" in kubernetes.scale'),
    ("scale: {namespace: a, deployment: a}", "5:18: scale has both or neither of replicas and by: give it one"),
    ("scale: {namespace: a, deployment: a, by: +1, replicas: 2, most: 3}", "5:18: scale has both or neither"),
    (
        'scale: {namespace: a, deployment: a, replicas: "{labels.n}"}',
        "5:58: kubernetes.scale.replicas is {labels.n}: write a whole number",
    ),
    ("scale: {namespace: a, deployment: a, replicas: '3'}", '5:58: kubernetes.scale.replicas is "3", which is text'),
    ("scale: {namespace: a, deployment: a, replicas: ~}", "5:58: kubernetes.scale.replicas is ~: write a whole number"),
    ("scale: {namespace: a, deployment: a, replicas: -1}", "5:58: kubernetes.scale.replicas is -1: write a number"),
    ("scale: {namespace: a, deployment: a, replicas: -0}", "5:58: replicas is zero in disguise: write 0 if nothing"),
    ("scale: {namespace: a, deployment: a, replicas: 0x0}", "5:58: kubernetes.scale.replicas is 0x0: write a whole"),
    ("scale: {namespace: a, deployment: a, replicas: 3, most: 5}", "5:67: most bounds by, and there is no by: remove"),
    ("scale: {namespace: a, deployment: a, by: 0, most: 5}", "5:52: by is 0, which changes nothing"),
    ("scale: {namespace: a, deployment: a, by: 2, most: 5}", "5:52: by is 2 without a sign: write +2, or replicas: 2"),
    ("scale: {namespace: a, deployment: a, by: +2}", "5:52: by has no most, so it has no end: add most"),
    ("scale: {namespace: a, deployment: a, by: +2, least: 1}", "5:52: by has no most, so it has no end"),
    ("scale: {namespace: a, deployment: a, by: -2, most: 4}", "5:52: by has no least, so it has no end: add least"),
    ("scale: {namespace: a, deployment: a, by: +two, most: 4}", "5:52: kubernetes.scale.by is +two: write a whole"),
    ("scale: {namespace: a, deployment: a, by: -2, least: 4, most: 4}", "5:63: least is 4 and most is 4: let least"),
]

NAME = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*"


def rules(text: str) -> str:
    """Return a file with one rule and one action, whose ``kubernetes`` holds ``text``."""
    return f"{HEAD}          {text}\n"


@pytest.mark.parametrize(("text", "spec", "line"), GOOD)
def test_what_a_rule_says_becomes_one_change_of_one_object(
    tmp_path: Path, text: str, spec: dict[str, Any], line: str
) -> None:
    """Each verb is rendered for an alert, with a line for the people who are asked."""
    [action] = plan(rules_of(tmp_path, rules(text)), alert(LABELS)).actions
    assert (action.kind, action.spec, action_line(action)) == ("kubernetes", spec, line)


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_a_mistake_is_found_at_its_place(tmp_path: Path, text: str, expected: str) -> None:
    """One mistake gives a finding with line, column, problem and fix."""
    found = refused(tmp_path, rules(text))
    assert any(line.startswith(f"rules.yaml:{expected}") for line in found), found
    assert len(found) == 1 or "unknown key" in expected


@pytest.mark.parametrize(
    "value", ["", "Web", "web_1", "-web", "web-", "../web", "web/scale", "a" * 254, "wéb", "a..b", "a."]
)
def test_a_value_that_is_no_name_is_refused(tmp_path: Path, value: str) -> None:
    """What an alert says reaches the path of a request only as a name."""
    text = rules("delete_pod: {namespace: shop, pod: '{labels.pod}'}") + "    params: {labels.pod: '(?s).*'}\n"
    reason = refusal(rules_of(tmp_path, text), alert({"pod": value}))
    assert f'action "action-1": the name "{value[:70]}' in reason
    assert "is no name of RFC 1123" in reason


def test_the_names_of_an_alert_are_bound_by_its_digest(tmp_path: Path) -> None:
    """Another pod is another plan, for which nobody has voted."""
    found = rules_of(tmp_path, rules('delete_pod: {namespace: shop, pod: "{labels.pod}"}'))
    assert plan(found, alert({"pod": "a"})).digest != plan(found, alert({"pod": "b"})).digest


@given(st.from_regex(NAME, fullmatch=True))
def test_names_of_rfc_1123_are_taken(name: str) -> None:
    """Every name that Kubernetes takes for a pod is taken here, and a namespace has no dots."""
    assert bool(name_problem("name", name)) is (len(name) > 253)
    assert bool(name_problem("namespace", name)) is ("." in name or len(name) > 63)


@given(st.text(min_size=1, max_size=70))
def test_no_other_text_is_a_name(text: str) -> None:
    """Whatever is taken stays one segment of a path, and is no option and no traversal."""
    if not name_problem("name", text):
        assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789-.")
        assert not text.startswith((".", "-"))
        assert ".." not in text
