"""Plans hold what the rule says, with the alert's values each inside its own place and nowhere else."""

from __future__ import annotations

import json
import string
from pathlib import Path

import promql_parser
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from lumen.plan import Limits, Mode, Plan, Refusal
from rules.loader import load
from rules.model import RuleSet
from tests.rules.documents import alert, plan, planned, refusal, rules_of, write

WHOLE = """\
defaults: {dry_run: true, cooldown: 300, timeout: 2m}
rules:
  - name: disk-full
    alert: DiskFull
    match: ['severity=~"critical|page"', 'env!="dev"']
    mode: approve
    target: "{labels.instance}"
    when: 'node_filesystem_avail_bytes{instance="{labels.instance}"} < 5e9'
    approval: {approve: 2, reject: 1, allow: [group:sre, Carol@Example.com], window: 10m, timeout: 1h30m, valid_for: 90,
               on_timeout: reject, min_rank: slack, channel: "#ops"}
    params: {labels.instance: '[a-z0-9.:-]+'}
    actions:
      - name: grow
        cmd: [/usr/sbin/lvextend, --resizefs, -L, +10G, --, "/dev/{labels.vg}/data"]
        timeout: 60
        retry: {attempts: 3, backoff: 5s}
        idempotent: true
        runner: storage
      - http:
          method: PUT
          url: "https://h/{labels.vg}?q={labels.vg}"
          headers: {X-A: "v {labels.vg}"}
          json: {a: ["{labels.vg}", 1, null]}
      - control_bus: {command: reduce-gain, args: {vg: "{labels.vg}", by: 0.5}}
      - proof: true
    cooldown: 10m
    limits: {attempts: 5, concurrency: 1, stale_after: 2h}
    dry_run: false
    runbook_url: https://runbooks.example.com/disk
"""
ONE = """\
rules:
  - alert: A
    target: "{labels.t}"
    when: 'up{a="{labels.t}",b!=''{labels.t}''} > 0'
    params: {labels.t: '(?s).*', labels.x: '(?s).*'}
    actions:
      - cmd: [prog, "{labels.x}", "-o{labels.x}{labels.y}", "--", "{annotations.x}", "{other}", "${labels.x}"]
      - http: {url: "https://h/a/{labels.y}/b?c={labels.y}", headers: {X: "{labels.z}"}, json: {a: "{labels.x}"}}
      - control_bus: {command: c, args: {a: "{labels.x}"}}
"""
# Text that a label may hold; half surrogates and NUL are always refused and have their own tests.
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=60)
PLAIN = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=60).filter(
    lambda text: text[0] != "-"
)
HOSTILE = [
    "$(touch x)",
    "; rm -rf /",
    "`id`",
    "a\nb",
    "-rf",
    "--help",
    "{labels.y}",
    "{annotations.x}",
    'it\'s "quoted"',
    "ünïcodé 🙂",
    "\u202e",
]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> RuleSet:
    """A rule with placeholders everywhere."""
    return rules_of(tmp_path_factory.mktemp("one"), ONE)


def test_a_plan_holds_everything_that_the_rule_says(tmp_path: Path) -> None:
    """Each key of the language ends up in its field of the plan, in seconds and with groups expanded."""
    rules = rules_of(tmp_path, WHOLE)
    made = plan(rules, alert({"alertname": "DiskFull", "severity": "page", "instance": "db-1:9100", "vg": "vg/0 "}))
    assert (made.rule, made.mode, made.dry_run, made.severity) == ("disk-full", Mode.APPROVE, False, "page")
    assert (made.target, made.has_target) == ("db-1:9100", True)
    assert made.condition == 'node_filesystem_avail_bytes{instance="db-1:9100"} < 5e9'
    assert (made.cooldown, made.limits, made.runbook_url) == (
        600,
        Limits(5, 1, 7200),
        "https://runbooks.example.com/disk",
    )
    assert made.approval.allow == ("alice@example.com", "bob@example.com", "carol@example.com")
    assert (made.approval.approve, made.approval.reject, made.approval.window) == (2, 1, 600)
    assert (made.approval.timeout, made.approval.valid_for, made.approval.min_rank) == (5400, 90, "slack")
    assert (made.approval.on_timeout, made.approval.channel) == ("reject", "#ops")
    grow, http, bus, proof = made.actions
    assert grow.spec == {"argv": ["/usr/sbin/lvextend", "--resizefs", "-L", "+10G", "--", "/dev/vg/0 /data"]}
    assert (grow.name, grow.timeout, grow.attempts, grow.backoff, grow.idempotent, grow.runner) == (
        "grow",
        60,
        3,
        5,
        True,
        "storage",
    )
    assert http.spec == {
        "method": "PUT",
        "url": "https://h/vg%2F0%20?q=vg%2F0%20",
        "headers": {"X-A": "v vg/0 "},
        "json": {"a": ["vg/0 ", 1, None]},
    }
    assert (http.name, http.timeout, http.attempts, http.runner) == ("action-2", 120, 1, "default")
    assert bus.spec == {"command": "reduce-gain", "args": {"vg": "vg/0 ", "by": 0.5}}
    assert (proof.kind, proof.spec) == ("proof", {})
    assert made.rules_digest == rules.digest


def test_the_source_example_gives_its_plan(tmp_path: Path) -> None:
    """The schema of the source documents loads as it is; without a target the episode is its own."""
    rules = load(write(tmp_path, lumen=(Path(__file__).parents[2] / "rules" / "lumen.yaml").read_text("utf-8")))
    made = plan(rules, alert({"alertname": "HighResonanceEntropyP95"}))
    assert made.actions[0].spec == {"argv": ["python", "controls/apply_feedback_gain.py", "--factor", "0.8"]}
    assert [action.name for action in made.actions] == ["Reduce Feedback Gain", "Log Proof"]
    assert (made.target, made.has_target, made.cooldown) == ("alertmanager-0123456789abcdef", False, 600)
    assert made.dry_run


@pytest.mark.parametrize("hostile", HOSTILE)
def test_a_hostile_value_stays_inside_its_argument(one: RuleSet, hostile: str) -> None:
    """Metacharacters, newlines, dashes and braces of a value change neither the number nor the borders of arguments."""
    made = plan(one, alert({"t": hostile, "x": hostile, "y": "Y", "z": "Z"}, {"x": "X"}))
    assert made.actions[0].spec["argv"] == ["prog", hostile, f"-o{hostile}Y", "--", "X", "{other}", f"${hostile}"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=VALUES, second=PLAIN)
@example("{labels.y}", "{labels.x}")
def test_no_value_changes_the_shape_of_a_plan(one: RuleSet, first: str, second: str) -> None:
    """Any values that are let through are put in exactly once: as many arguments, URL parts, keys as the rule has."""
    made = planned(one, alert({"t": first or "t", "x": first, "y": second, "z": "Z"}, {"x": second}))
    if isinstance(made, Refusal):
        assert second in {".", ".."} or len(first) > 512
        return
    argv = made.actions[0].spec["argv"]
    assert argv == ["prog", first, f"-o{first}{second}", "--", second, "{other}", f"${first}"]
    url = made.actions[1].spec["url"]
    assert url.startswith("https://h/a/")
    assert (url.count("/"), url.count("?"), url.count("="), url.count("#")) == (5, 1, 1, 0)
    assert set(url) <= set(string.ascii_letters + string.digits + "-._~%/:?=")
    assert made.actions[1].spec["json"] == {"a": first}
    assert made.actions[2].spec["args"] == {"a": first}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(value=VALUES.filter(bool))
@example('"')
@example("'")
@example("\\")
@example('x"} or vector(1) #')
@example("\x7f\x01\n\r\t")
def test_no_value_breaks_out_of_a_condition(one: RuleSet, value: str) -> None:
    """The condition that is sent is the one of the rule, with the value as the value of two label matchers."""
    made = planned(one, alert({"t": value, "x": "", "y": "y", "z": "z"}, {"x": "x"}))
    assert isinstance(made, Plan)
    tree = promql_parser.parse(made.condition)
    assert isinstance(tree, promql_parser.BinaryExpr)
    selector = tree.lhs
    assert isinstance(selector, promql_parser.VectorSelector)
    matchers = selector.matchers.matchers
    assert [(matcher.name, matcher.value) for matcher in matchers] == [("a", value), ("b", value)]


@pytest.mark.parametrize(
    ("labels", "reason"),
    [
        ({}, "{labels.x} does not"),
        ({"x": "a b"}, 'the value "a b" of {labels.x} does not match its pattern [a-z]+'),
        ({"x": "a\n"}, 'the value "a\\x0a" of {labels.x}'),
        (
            {"x": "ok", "y": "-rf"},
            'the value "-rf" of {labels.y} does not match its pattern [^\\x00-\\x1f\\x7f]{1,256} without a leading "-"',
        ),
        ({"x": "ok", "y": ""}, 'the value "" of {labels.y}'),
        ({"x": "ok", "y": "y" * 257}, 'yyy…" of {labels.y}'),
        ({"x": "ok", "y": "\x1b[2J"}, 'the value "\\x1b[2J" of {labels.y}'),
        ({"x": "ok", "y": "a\x00b"}, "the value of {labels.y} holds a NUL or half a surrogate pair"),
        ({"x": "ok", "y": "\ud800"}, "the value of {labels.y} holds a NUL or half a surrogate pair"),
    ],
)
def test_a_value_outside_its_pattern_is_refused(tmp_path: Path, labels: dict[str, str], reason: str) -> None:
    """The refusal names rule, placeholder and pattern, and shows control characters escaped."""
    text = """\
rules:
  - name: r
    alert: A
    params: {labels.x: "[a-z]+"}
    actions: [{cmd: [p, "{labels.x}", "{labels.y}"]}]
"""
    said = refusal(rules_of(tmp_path, text), alert(labels))
    expected = 'rule "r": action "action-1": '
    assert said.startswith(expected)
    if not labels:
        reason = "this alert has no label for {labels.x}"
    assert reason in said
    assert said.isprintable()


@pytest.mark.parametrize("pattern", [".*", "(?s).*", r"[\x00-\x{10ffff}]*"])
def test_no_pattern_lets_a_nul_through(tmp_path: Path, pattern: str) -> None:
    """What no argument of a program can hold is refused whatever the rule allows."""
    text = f"rules:\n  - alert: A\n    params: {{labels.x: '{pattern}'}}\n    actions: [{{cmd: [p, \"{{labels.x}}\"]}}]"
    assert "holds a NUL" in refusal(rules_of(tmp_path, text), alert({"x": "a\x00b"}))


@pytest.mark.parametrize("value", [".", ".."])
def test_a_value_cannot_climb_the_path_of_a_url(tmp_path: Path, value: str) -> None:
    """Dots survive percent-encoding and clients resolve them, so they are refused as a whole path segment."""
    rules = rules_of(tmp_path, 'rules:\n  - alert: A\n    actions: [{http: {url: "https://h/a/{labels.x}/b"}}]')
    assert "would make a path segment of the URL . or .." in refusal(rules, alert({"x": value}))
    assert plan(rules, alert({"x": value + "x"})).actions[0].spec["url"] == f"https://h/a/{value}x/b"


def test_a_value_cannot_add_a_header(tmp_path: Path) -> None:
    """A line break that a rule's own pattern lets through still does not reach a header."""
    text = """\
rules:
  - alert: A
    params: {labels.x: '(?s).*'}
    actions: [{http: {url: "https://h/", headers: {X: "{labels.x}"}}}]
"""
    assert "the header X would hold other than printable ASCII" in refusal(
        rules_of(tmp_path, text), alert({"x": "a\r\nEvil: 1"})
    )


@pytest.mark.parametrize("name", ["my name", "ünï.code", "a-b", "1", "LD_PRELOAD", "__proto__"])
def test_odd_label_names_can_be_placeholders(tmp_path: Path, name: str) -> None:
    """A UTF-8 label name stands between the braces as it is."""
    rules = rules_of(tmp_path, f'rules:\n  - alert: A\n    actions: [{{cmd: [p, "<{{labels.{name}}}>"]}}]')
    assert plan(rules, alert({name: "v"})).actions[0].spec["argv"] == ["p", "<v>"]


def test_a_target_that_is_too_long_is_refused(tmp_path: Path) -> None:
    """A target names a lock; its length is bounded."""
    text = 'rules:\n  - alert: A\n    target: "{labels.x}"\n    params: {labels.x: ".*"}\n    actions: [{proof: true}]'
    assert "the target is longer than 512 characters" in refusal(rules_of(tmp_path, text), alert({"x": "x" * 513}))


def test_shadow_means_dry_run(tmp_path: Path) -> None:
    """A shadow rule never acts, whatever dry_run says."""
    rules = rules_of(
        tmp_path, "rules:\n  - alert: A\n    mode: shadow\n    dry_run: false\n    actions: [{proof: true}]"
    )
    assert plan(rules, alert()).dry_run


@pytest.mark.parametrize("mode", ["approve", "auto"])
def test_silence_never_approves_a_critical_action(tmp_path: Path, mode: str) -> None:
    """A rule's own opt-in holds for every severity but critical, in any spelling."""
    text = (
        f"rules:\n  - alert: A\n    mode: {mode}\n    approval: {{on_timeout: approve}}\n    actions: [{{proof: true}}]"
    )
    rules = rules_of(tmp_path, text)
    assert plan(rules, alert({"severity": "warning"})).approval.on_timeout == "approve"
    for severity in ("critical", "Critical", " CRITICAL "):
        assert "never allowed for critical" in refusal(rules, alert({"severity": severity}))


def test_a_plan_is_json(one: RuleSet) -> None:
    """What the digest is taken over is plain JSON data."""
    made = plan(one, alert({"t": "t", "x": "x", "y": "y", "z": "z"}, {"x": "x"}))
    for action in made.actions:
        assert json.loads(json.dumps(action.spec)) == action.spec
