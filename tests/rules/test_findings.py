"""Every mistake in a rule or policy file is named with its place and its fix."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.rules.documents import refused, write

HEAD = "rules:\n  - alert: A\n    actions: [{proof: true}]\n"

RULE_MISTAKES = [
    ("    cooldwn: 600", '4:5: unknown key "cooldwn" in a rule: did you mean "cooldown"?'),
    ("    cooldown: 600\n    cooldown: 5", '5:5: the key "cooldown" is given twice, first in line 4: keep one'),
    ("    mode: automatic", '4:11: mode is automatic: did you mean "auto"?'),
    ("    mode: off", "4:11: mode is off, which YAML reads as a boolean: write shadow or approve or auto"),
    ("    cooldown: soon", "4:15: cooldown is soon, which is no duration: write seconds or units: 90, 10m, 1h30m"),
    ("    cooldown: 1:30", "4:15: cooldown is 1:30, which is no duration: write seconds or units: 90, 10m, 1h30m"),
    ("    cooldown: 10m1h", "4:15: cooldown is 10m1h, which is no duration"),
    ("    cooldown: -1", "4:15: cooldown is -1, which is no duration"),
    ("    cooldown: 31d", "4:15: cooldown is 2.6784e+06 s: write a duration from 0 s to 30 days"),
    ("    cooldown: [1]", "4:15: cooldown is a list: write a duration"),
    ("    when: up > bool 1", "4:11: when: a comparison with bool always has a result"),
    ("    when: 'up == {labels.x}'", "4:18: when: the placeholder {labels.x} stands outside quotes"),
    ("    match: ['a=" + "x" * 4100 + "']", "4:13: an element of match is longer than 4096 characters: shorten it"),
    (
        "    match: ['a=~" + "x" * 1001 + "']",
        "4:17: match: the regular expression is not RE2: it is longer than 1000 characters",
    ),
    ("    dry_run: yes", "4:14: dry_run is yes: write true or false, without quotes"),
    ('    dry_run: "true"', "4:14: dry_run is true: write true or false, without quotes"),
    ("    name: 7", '4:11: name is text, but YAML reads 7 as a number: quote it: "7"'),
    ("    name: ''", "4:11: name is empty: give it a value or leave the key out"),
    ("    name: {a: b}", "4:11: name is a mapping: write text"),
    ("    name: 2026-01-01", "4:11: name is text, but YAML reads 2026-01-01 as a date or a merge key: quote it"),
    ('    name: "a\\nb"', '4:11: name is "a\\x0ab": it must look like'),
    ("    <<: {mode: auto}", '4:5: unknown key "<<" in a rule: write the keys out'),
    ("    runbook_url: javascript:alert(1)", "4:18: runbook_url does not begin with http:// or https://"),
    ("    runbook_url: 'https://a b'", "4:18: runbook_url holds a space"),
    ("    runbook_url: 'https://[::1'", "4:18: runbook_url is no URL"),
    ("    runbook_url: 'https:///x'", "4:18: runbook_url has no host"),
    ("    match: []", "4:12: match is an empty list"),
    ("    match: a=b", "4:12: match is not a list"),
    ("    match: ['a=b', 'c~d']", "4:22: match: no operator after the label name: write one of = != =~ !~"),
    ("    match: ['a=~\"(\"']", "4:17: match: the regular expression is not RE2: missing ): (: correct the pattern"),
    ("    match: ['a=~\"(?=x)\"']", "4:17: match: the regular expression is not RE2"),
    ("    params: {labels.x: '[a-z]+'}", "4:14: the pattern is for labels.x, which this rule does not use: remove it"),
    ("    target: '{labels.inst}'\n    params: {labels.inst: '['}", "5:27: params.labels.inst is no RE2 pattern"),
    (
        "    target: '{labels.inst}'\n    params: {labels.imst: 'a'}",
        "5:14: the pattern is for labels.imst, which this rule does not use: did you",
    ),
    ("    limits: {attempts: 0}", "4:24: limits.attempts is 0: write a number from 1 to 100"),
    ("    limits: {attempts: 010}", "4:24: limits.attempts is 010: write a whole number, in decimal digits"),
    ("    limits: {attempts: 1.5}", "4:24: limits.attempts is 1.5: write a whole number, in decimal digits"),
    ("    limits: {max_runs: 5}", "4:14: not supported yet: limits.max_runs: remove it"),
    ("    limits: {per: 1h}", "4:14: not supported yet: limits.per: remove it"),
    ("    limits: {max_targets: 10}", "4:14: not supported yet: limits.max_targets: remove it"),
    ("    limits: {stale_after: 59}", "4:27: limits.stale_after is 59 s: write a duration from 60 s to 30 days"),
    ("    limits: 5", "4:13: limits is not a mapping: write key: value pairs"),
    (
        "    approval: {on_timeout: no}",
        "4:28: approval.on_timeout is no, which YAML reads as a boolean: write reject or approve",
    ),
    (
        "    approval: {on_timeout: escalate}",
        "4:28: not supported yet: approval.on_timeout: escalate: write reject or approve",
    ),
    ("    approval: {min_rank: Link}", '4:26: approval.min_rank is Link: did you mean "link"?'),
    ("    approval: {min_rank: god}", "4:26: approval.min_rank is god: known are signal, token, link, slack, oidc"),
    ("    approval: {approve: 0}", "4:25: approval.approve is 0: write a number from 1 to 100"),
    (
        "    approval: {approve: 4}",
        '4:25: rule "A", severity critical: 4 people must approve and only 3 may vote: lower approve to 3',
    ),
    ("    approval: {reject: 4}", '4:24: rule "A", severity critical: 4 people must reject and only 3 may vote'),
    (
        "    approval: {allow: [group:sre], approve: 3}",
        '4:45: rule "A", severity critical: 3 people must approve and only 2 may',
    ),
    (
        "    approval: {allow: [bob@example.com]}",
        '4:15: rule "A", severity critical: 2 people must approve and only 1 may vote',
    ),
    ("    approval: {allow: [group:ops]}", '4:24: the group "ops" is not defined: known are sre'),
    ("    approval: {allow: [bob]}", '4:24: "bob" is no e-mail address'),
    ("    approval: {allow: []}", "4:23: approval.allow is an empty list"),
    ("    approval: {remind: 5m}", "4:16: not supported yet: approval.remind: remove it"),
    (
        "    approval: {escalate: [{after: 5m, allow: [group:sre]}]}",
        "4:16: not supported yet: approval.escalate: remove it",
    ),
    ("    approval: {escalate: [{after: 5m}]}", '4:27: an element of approval.escalate has no "allow"'),
    ("    approval: {valid_for: 0}", "4:27: approval.valid_for is 0 s: write a duration from 1 s"),
    (
        "    match: [severity=critical]\n    approval: {on_timeout: approve}",
        "5:28: silence would approve a critical action: write reject",
    ),
    ("    verify: {promql: up, for: 1m}", "4:5: not supported yet: verify: remove it"),
    ("    verify: {promq: up}", '4:14: unknown key "promq" in verify: did you mean "promql"?'),
]

ACTION_MISTAKES = [
    ("{name: x}", '3:16: the action "x" does nothing: add one of cmd, http, control_bus, proof'),
    ("{proof: false}", "3:24: proof is false: write true or leave the key out"),
    ("{cmd: a, proof: true}", '3:32: the action "action-1" has cmd and proof: make an action of each'),
    ("{proof: true}, {name: action-1, proof: true}", '3:38: two actions of this rule are called "action-1"'),
    ("{kubernetes: {x: 1}}", "3:17: not supported yet: kubernetes: remove it"),
    ("{cmd: a, check: [b]}", "3:25: not supported yet: check: remove it"),
    ("{cmd: a, rollback: {cmd: [b]}}", "3:25: not supported yet: rollback: remove it"),
    ("{cmd: a, rollback: {cmd: [b], x: 1}}", '3:46: unknown key "x" in rollback'),
    ("{cmd: a, timeout: 0}", "3:34: timeout is 0 s: write a duration from 1 s"),
    ("{cmd: a, runner: Big One}", '3:33: runner is "Big One": it must look like [a-z0-9-]{1,63}'),
    (
        "{cmd: a, retry: {attempts: 2}}",
        '3:43: the action "action-1" is not idempotent, so it starts at most once: add idempotent: true',
    ),
    ("{cmd: a, idempotent: 1}", "3:37: idempotent is 1: write true or false"),
    ("{cmd: []}", "3:22: cmd is an empty list"),
    ('{cmd: ""}', "3:22: cmd is empty"),
    ('{cmd: " "}', "3:22: the command is empty: name a program"),
    ("{cmd: [a, ~]}", '3:26: an element of cmd is ~, which YAML reads as nothing: quote it: "~"'),
    ("{cmd: [a, [b]]}", "3:26: an element of cmd is a list: write text"),
    ("{cmd: [a, null]}", "3:26: an element of cmd is null, which YAML reads as nothing"),
    ('{cmd: "a \'b"}', "3:22: the command cannot be split: No closing quotation"),
    (
        '{cmd: "ps | grep x"}',
        '3:22: "|" is an operator of a shell, and no shell runs here: write a script, or a list with sh -c',
    ),
    ('{cmd: ["{labels.x}", b]}', "3:23: a placeholder stands in the program: name the program"),
    (
        '{cmd: [sh, -c, "echo {labels.x}"]}',
        "3:31: a placeholder stands in the script or an option of sh: use a positional",
    ),
    ("{cmd: \"sh -c 'echo {labels.x}'\"}", "3:22: a placeholder stands in the script or an option of sh"),
    ('{cmd: ["a\\0b"]}', "3:23: an element of cmd holds a NUL or half a surrogate pair"),
    ("{http: {method: PUT}}", '3:23: http has no "url"'),
    ("{http: {url: https://h/, method: put}}", "3:49: http.method is put: known are GET"),
    ("{http: {url: ftp://h/}}", "3:29: http.url does not begin with http:// or https://"),
    ('{http: {url: "https://{labels.h}/x"}}', "3:38: the placeholder {labels.h} stands before the path of the URL"),
    ('{http: {url: "{labels.h}"}}', "3:30: the placeholder {labels.h} stands before the path of the URL"),
    ('{http: {url: "https://h{labels.h}@evil/"}}', "3:39: the placeholder {labels.h} stands before the path"),
    ('{http: {url: "https://h/#{labels.h}"}}', "3:29: http.url has a fragment, which is never sent"),
    ("{http: {url: https://h/, headers: {Host: x}}}", "3:51: the header Host is set by the client itself: remove it"),
    ("{http: {url: https://h/, headers: {a b: x}}}", "3:51: a b is no header name"),
    ("{http: {url: https://h/, headers: {A: x, a: y}}}", "3:57: the header a is given twice: keep one"),
    (
        '{http: {url: https://h/, headers: {A: "x\\ny"}}}',
        "3:54: the header A holds other than printable ASCII: encode it",
    ),
    (
        "{http: {url: https://h/, json: {a: 0x10}}}",
        "3:51: http.json holds the number 0x10: write a plain decimal number",
    ),
    ("{http: {url: https://h/, json: {a: .nan}}}", "3:51: http.json holds the number .nan"),
    ("{http: {url: https://h/, json: {a: yes}}}", "3:51: http.json is yes: write true or false"),
    ('{http: {url: https://h/, json: {"{labels.x}": 1}}}', "3:47: a placeholder stands in a name of http.json"),
    ("{control_bus: {args: {a: 1}}}", '3:30: control_bus has no "command"'),
    ('{control_bus: {command: "{labels.x}"}}', '3:40: control_bus.command is "{labels.x}": it must look like'),
    ("{control_bus: {command: x, args: [1]}}", "3:49: control_bus.args is not a mapping"),
    (
        '{control_bus: {command: x, args: {"{labels.x}": 1}}}',
        "3:49: a placeholder stands in a name of control_bus.args",
    ),
]

FILE_MISTAKES = [
    ("- a", "1:1: the file is not a mapping: begin it with rules:"),
    ("just text", "1:1: the file is not a mapping"),
    (
        "rules:\n  - alert: A\n    actions:\n      - cmd:\n          - a\n          -\n",
        '6:12: an element of cmd is nothing: write ""',
    ),
    ("rules: []", "1:8: rules is an empty list"),
    ("rules:\n  - just text", "2:5: a rule is not a mapping: write key: value pairs"),
    ("rules:\n  - alert: A", '2:5: a rule has no "actions": add actions:'),
    (
        "rules:\n  - actions: [{proof: true}]",
        "2:5: the rule matches no alert: add alert: NAME, or match: with matchers",
    ),
    ("rules:\n  - match: [a=b]\n    actions: [{proof: true}]", "2:5: a rule without alert has no name: add name: NAME"),
    (
        "rules:\n  - alert: on\n    actions: [{proof: true}]",
        '2:12: alert is text, but YAML reads on as a boolean: quote it: "on"',
    ),
    (HEAD + "  - alert: A\n    actions: [{proof: true}]", '4:12: the rule name "A" is taken by line 2 of'),
    (HEAD + "rule: x", '4:1: unknown key "rule" in the file: did you mean "rules"?'),
    ("rule:\n  - alert: A", '1:1: the file has "rule" and no "rules": did you mean "rules"?'),
    ("defaults: {cooldwn: 1}\n" + HEAD, '1:12: unknown key "cooldwn" in defaults: did you mean "cooldown"?'),
    (HEAD + "? [a]\n: b", "4:3: a list or mapping as key: write a name before the colon"),
    (HEAD + "---\nrules: []", "4:1: a second document: put each document into its own file"),
    ("rules: !!python/object:os.system x", "1:8: the tag tag:yaml.org,2002:python/object:os.system: remove it"),
    ("rules: !x [a]", "1:8: the tag !x: remove it"),
    ("rules: *nowhere", "1:8: the alias *nowhere has no anchor before it"),
    ("rules: &a [*a]", "1:12: the alias *a has no anchor before it"),
    ("rules: [", "1:9: no YAML: expected the node content"),
    ("a: b: c", "1:5: no YAML: mapping values are not allowed here"),
    ("rules: \x07", "1:8: a character that YAML does not allow: remove it or write it as an escape"),
    ('rules: "\\UFFFFFFFF"', "1:1: no YAML: an escape or a directive cannot be read"),
    ("rules: " + "[" * 50 + "]" * 50, "1:28: nested deeper than 20 levels: flatten it"),
]

POLICY_MISTAKES = [
    ("", "approver_allowlist: []", "policy.yaml:1:21: approver_allowlist is an empty list"),
    ("", "timeout: 1h", 'policy.yaml:1:1: policy.yaml has no "approver_allowlist"'),
    ("", "[]", "policy.yaml:1:1: policy.yaml is not a mapping"),
    ("approver_allowlist", "on_timeout: approve", "policy.yaml:2:13: only a rule may let silence approve"),
    (
        "approver_allowlist",
        "on_timeout: escalate",
        "policy.yaml:2:13: not supported yet: on_timeout: escalate: write reject",
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
    (
        "approver_allowlist",
        "quorum_window_sec: 0",
        "policy.yaml:2:20: quorum_window_sec is 0 s: write a duration from 1 s",
    ),
    (
        "approver_allowlist",
        "sverity: {}",
        'policy.yaml:2:1: unknown key "sverity" in policy.yaml: did you mean "severity"?',
    ),
]


@pytest.mark.parametrize(("lines", "expected"), RULE_MISTAKES)
def test_a_mistake_in_a_rule_is_found_at_its_place(tmp_path: Path, lines: str, expected: str) -> None:
    """One wrong key gives one finding, with line, column, problem and fix."""
    found = refused(tmp_path, HEAD + lines)
    assert len([line for line in found if "not supported yet" not in line]) <= 1
    assert any(line.startswith(f"rules.yaml:{expected}") for line in found)


@pytest.mark.parametrize(("action", "expected"), ACTION_MISTAKES)
def test_a_mistake_in_an_action_is_found_at_its_place(tmp_path: Path, action: str, expected: str) -> None:
    """One wrong action gives one finding, with line, column, problem and fix."""
    found = refused(tmp_path, f"rules:\n  - alert: A\n    actions: [ {action}]")
    assert len([line for line in found if "not supported yet" not in line]) <= 1
    assert any(line.startswith(f"rules.yaml:{expected}") for line in found)


@pytest.mark.parametrize(("text", "expected"), FILE_MISTAKES)
def test_a_mistake_in_a_file_is_found_at_its_place(tmp_path: Path, text: str, expected: str) -> None:
    """What is wrong with a file as a whole is found like what is wrong in a rule."""
    found = refused(tmp_path, text)
    assert found[0].startswith(f"rules.yaml:{expected}")


@pytest.mark.parametrize(("first", "second", "expected"), POLICY_MISTAKES)
def test_a_mistake_in_the_policy_is_found_at_its_place(tmp_path: Path, first: str, second: str, expected: str) -> None:
    """One wrong key of the policy gives one finding, and none at the rules."""
    head = "approver_allowlist: [a@example.com, b@example.com]\n" if first else ""
    found = refused(tmp_path, HEAD, policy=head + second)
    assert len(found) == 1
    assert found[0].startswith(expected)


def test_all_findings_of_all_files_are_collected(tmp_path: Path) -> None:
    """A person sees everything that is wrong at once, in the order of files and lines."""
    write(tmp_path, second=HEAD.replace("alert: A", "alert: B") + "    mode: x\n    cooldown: y\n")
    found = refused(tmp_path, HEAD + "    mode: x\n    cooldown: y\n", policy="approver_allowlist: [x]")
    assert [line.split(": ")[0] for line in found] == [
        "policy.yaml:1:22",
        "rules.yaml:4:11",
        "rules.yaml:5:15",
        "second.yaml:4:11",
        "second.yaml:5:15",
    ]


def test_a_rule_that_asks_without_any_approver_is_refused(tmp_path: Path) -> None:
    """Zero approvers is a refusal at load time, at the rule, when there is no policy."""
    found = refused(tmp_path, HEAD, policy="")
    assert found == [
        (
            'rules.yaml:2:12: rule "A", severity critical: nobody may approve: '
            "list people under approver_allowlist in policy.yaml, or under approval.allow"
        )
    ]


def test_the_number_of_findings_shown_is_bounded(tmp_path: Path) -> None:
    """A file that is wrong everywhere does not flood the terminal."""
    found = refused(tmp_path, "rules:\n" + "  - x\n" * 1000)
    assert len(found) == 200
