"""Mistakes in a rule file as a whole: its form, its YAML, and what its rules lack or share."""

from __future__ import annotations

from tests.rules.mistakes.in_rules import HEAD

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
