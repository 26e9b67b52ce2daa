"""Files of YAML become rules, or findings, and nothing else."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lumen.errors import Finding, RulesError
from rules.loader import load, parse, sources
from rules.reading.document import Findings, Mapping, Node, Scalar, Sequence
from tests.rules.documents import POLICY, refused, rules_of, write

SHIPPED = Path(__file__).parents[2] / "rules"
RULE = "rules:\n  - alert: A\n    actions: [{proof: true}]\n"
VERBATIM = """\
defaults:
  dry_run: false
  cooldown: 600
  proofd_url: http://proofd:8077
  control_bus_url: http://control-bus:8090/commands
rules:
  - alert: HighResonanceEntropyP95
    when: "resonance_entropy_p95 > 1.2"
    actions:
      - name: Reduce Feedback Gain
        cmd: "python controls/apply_feedback_gain.py --factor 0.8"
      - name: Log Proof
        proof: true
    cooldown: 600
"""


def test_the_shipped_files_load_without_findings_or_warnings() -> None:
    """What a newcomer starts with is clean, acts on nothing and asks people that do not exist."""
    rules = load(SHIPPED)
    assert rules.warnings == ()
    assert [rule.name for rule in rules.rules] == ["HighResonanceEntropyP95"]
    assert all(rule.dry_run for rule in rules.rules)
    assert all(address.endswith("@example.com") for address in rules.policy.allowlist)


def test_the_commented_rule_of_the_shipped_file_loads_too(tmp_path: Path) -> None:
    """The second rule, which one uncomments to begin with, is right."""
    lines = (SHIPPED / "lumen.yaml").read_text("utf-8").splitlines()
    start = next(number for number, line in enumerate(lines) if "- name: disk-full" in line)
    text = "\n".join(lines[:start] + [line.replace("  # ", "  ", 1) for line in lines[start:]])
    rules = load(write(tmp_path, lumen=text, policy=(SHIPPED / "policy.yaml").read_text("utf-8")))
    assert [rule.name for rule in rules.rules] == ["HighResonanceEntropyP95", "disk-full"]


def test_the_source_example_loads_as_it_is(tmp_path: Path) -> None:
    """Its addresses are accepted and ignored, with a warning each: the environment says where things are."""
    rules = rules_of(tmp_path, VERBATIM)
    assert [line.partition(": ")[2] for line in rules.warnings] == [
        "proofd_url is ignored: the environment says where it is",
        "control_bus_url is ignored: the environment says where it is",
    ]
    assert not rules.rules[0].dry_run


def test_defaults_hold_for_their_file_only(tmp_path: Path) -> None:
    """A rule's own keys win over its file's defaults, which do not reach other files."""
    own = "  - alert: B\n    cooldown: 5\n    dry_run: false\n    actions: [{proof: true, timeout: 7}]\n"
    write(tmp_path, a="defaults: {dry_run: true, cooldown: 1h, timeout: 9}\n" + RULE + own)
    rules = rules_of(tmp_path, RULE.replace("A", "C")).rules
    assert [(rule.name, rule.dry_run, rule.cooldown, rule.actions[0].timeout) for rule in rules] == [
        ("A", True, 3600, 9),
        ("B", False, 5, 7),
        ("C", False, 600, 60),
    ]


def test_other_yaml_in_the_folder_is_ignored_with_a_warning(tmp_path: Path) -> None:
    """Only files with a top-level ``rules`` are rule files; hidden files and folders are not looked at."""
    (tmp_path / ".hidden.yaml").write_text("{")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "notes.txt").write_text("{")
    (tmp_path / "more.yml").write_text(RULE.replace("A", "B"))
    rules = rules_of(tmp_path, RULE, other="some: thing", empty="# nothing\n")
    assert [rule.name for rule in rules.rules] == ["B", "A"]
    assert [line.removeprefix(f"{tmp_path}/") for line in rules.warnings] == [
        'empty.yaml:1:1: the file is ignored: it has no top-level "rules"',
        'other.yaml:1:1: the file is ignored: it has no top-level "rules"',
    ]


def test_a_folder_without_a_rule_is_refused(tmp_path: Path) -> None:
    """Zero rules is a refusal."""
    with pytest.raises(RulesError, match="no file here has a rule: add a file"):
        load(write(tmp_path))


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The finding names the folder and the setting."""
    with pytest.raises(
        RulesError,
        match=r"gone:1:1: the folder cannot be read: No such file or directory: create it or set LUMEN_RULES",
    ):
        load(tmp_path / "gone")
    assert sources(tmp_path / "gone") == {}


def test_a_misnamed_policy_is_refused(tmp_path: Path) -> None:
    """A policy that would silently not hold is an error."""
    (tmp_path / "policy.yml").write_text(POLICY)
    found = refused(tmp_path, RULE)
    assert "policy.yml:1:1: the policy is read from policy.yaml only: rename the file" in found


def test_a_file_that_is_too_large_is_refused(tmp_path: Path) -> None:
    """A megabyte of rules is a mistake."""
    assert (
        refused(tmp_path, RULE + "#" * 1024 * 1024)[0]
        == "rules.yaml:1:1: the file is larger than 1048576 bytes: split it"
    )


def test_a_file_that_is_not_utf_8_is_refused_at_its_line(tmp_path: Path) -> None:
    """The line of the first bad byte is named."""
    (tmp_path / "latin.yaml").write_bytes(RULE.encode() + "# é".encode("latin-1"))
    assert refused(tmp_path, RULE.replace("A", "B"))[0] == "latin.yaml:4:1: the file is not UTF-8: save it as UTF-8"


def test_a_file_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason of the operating system is told; permissions do not bind the superuser, so the refusal is made here."""

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    write(tmp_path, rules=RULE)
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(RulesError, match="the file cannot be read: Permission denied: check its owner and mode"):
        load(tmp_path)


def test_a_file_with_too_many_values_is_refused(tmp_path: Path) -> None:
    """The work that a file can cause is bounded."""
    assert "more than 100000 values: split the file" in refused(tmp_path, "rules: [" + "a," * 100_001 + "]")[0]


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    """A file saved by an editor that adds one reads the same."""
    (tmp_path / "bom.yaml").write_text(RULE, encoding="utf-8-sig")
    assert load(write(tmp_path)).rules[0].name == "A"
    (tmp_path / "bom.yaml").write_text(
        "{rules: [{alert: A, match: ['a=1', 'b'], actions: [{proof: true}]}]}", encoding="utf-8-sig"
    )
    assert refused(tmp_path, "rules: []")[0].startswith("bom.yaml:1:38: match: no operator")


def test_aliases_may_share_parts(tmp_path: Path) -> None:
    """An anchor is written once and used twice."""
    text = RULE.replace("actions: ", "match: &m ['a=1']\n    actions: &do ") + "  - {alert: B, match: *m, actions: *do}"
    first, second = rules_of(tmp_path, text).rules
    assert (first.matchers, first.actions) == (second.matchers, second.actions)


@pytest.mark.parametrize("levels", [5, 8])
def test_aliases_cannot_multiply_without_bound(tmp_path: Path, levels: int) -> None:
    """A billion laughs, and a tower of aliases, are refused at the alias that goes too far."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, levels)]
    found = refused(tmp_path, "\n".join(lines))
    assert "aliases that expand to more than 100000 values or 20 levels: write the values out" in found[0]


def test_a_tower_of_aliases_is_refused(tmp_path: Path) -> None:
    """Nesting by aliases counts like nesting by brackets."""
    lines = ["a0: &a0 [x]"] + [f"a{n}: &a{n} [*a{n - 1}]" for n in range(1, 100)]
    assert "20 levels" in refused(tmp_path, "\n".join(lines))[0]


def test_a_position_inside_an_escaped_text_is_that_of_the_text(tmp_path: Path) -> None:
    """Where the file and the value differ, the finding points at the start of the value."""
    found = refused(tmp_path, 'rules:\n  - alert: A\n    match: ["a=\\"1\\", b"]\n    actions: [{proof: true}]')
    assert found[0].startswith("rules.yaml:3:13: match: no operator")


def plain(node: Node) -> object:
    """Return what ``node`` says as plain data."""
    if isinstance(node, Scalar):
        return yaml.safe_load(node.text) if node.tag != "str" else node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {name.text: plain(item) for name, item in node.entries}


TREES = st.recursive(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
    | st.booleans()
    | st.integers()
    | st.none(),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdefg ", min_size=1, max_size=6), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(tree=st.dictionaries(st.text("abcdefg", min_size=1), TREES, min_size=1), flow=st.booleans())
def test_the_tree_is_what_the_yaml_library_reads(tree: dict[str, object], flow: bool) -> None:
    """Whatever was written by a YAML library is read back the same."""
    findings = Findings()
    node = parse(yaml.safe_dump(tree, allow_unicode=True, default_flow_style=flow), "f", findings)
    assert findings.items == []
    assert isinstance(node, Mapping)
    assert plain(node) == tree


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(text=st.text(max_size=80) | st.text("{}[]&*!|>'\"%@`:-?,# \n\tab\\Uux01~<.", max_size=60))
def test_any_text_is_read_or_refused(tmp_path: Path, text: str) -> None:
    """No text makes the loader raise anything but its own error, and each finding has a place in the file."""
    (tmp_path / "rules.yaml").write_bytes(text.encode("utf-8", "surrogatepass"))
    with contextlib.suppress(RulesError):
        load(tmp_path)


MUTATIONS = st.lists(
    st.tuples(
        st.integers(0, 1500),
        st.sampled_from(["", " ", "\n", ":", "- ", "{", "]", '"', "'", "~", "0", "é", "\ud800", "&a ", "*a"]),
    ),
    max_size=6,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=300)
@given(mutations=MUTATIONS, policy=st.booleans())
def test_any_damage_to_a_good_file_is_read_or_refused(
    tmp_path: Path, mutations: list[tuple[int, str]], policy: bool
) -> None:
    """Characters taken out of, or put into, a whole example give rules or findings on existing lines."""
    text = POLICY if policy else VERBATIM + WHOLE_RULE
    for place, insert in mutations:
        text = text[: place % len(text)] + insert + text[place % len(text) + (not insert) :]
    text = text.encode("utf-8", "replace").decode()
    write(tmp_path, **({"policy": text, "rules": RULE} if policy else {"rules": text}))
    findings: tuple[Finding, ...] = ()
    try:
        load(tmp_path)
    except RulesError as wrong:
        findings = wrong.findings
    lines = text.count("\n") + 2
    assert all(1 <= found.line <= lines and found.column >= 1 and found.fix for found in findings)


WHOLE_RULE = """\
  - name: disk-full
    match: ['severity=~"critical|page"', 'env!="dev"']
    target: "{labels.instance}"
    when: 'node_filesystem_avail_bytes{instance="{labels.instance}"} < 5e9'
    approval: {approve: 2, reject: 1, allow: [group:sre, alice@example.com], window: 15m, min_rank: link}
    params: {labels.instance: '[a-z0-9.:-]+'}
    actions:
      - cmd: [/usr/sbin/lvextend, --resizefs, -L, +10G, --, "/dev/{labels.vg}/data"]
        retry: {attempts: 2, backoff: 5s}
        idempotent: true
      - http: {url: "https://h/{labels.x}?a=b", headers: {A: "b"}, json: {a: [1, 2.5, {b: ~}]}}
      - control_bus: {command: reduce-gain, args: {a: "{labels.x}"}}
    limits: {attempts: 3, concurrency: 1, stale_after: 26h}
"""
