"""Reads the folder of rules: the only place that opens files and the only one that knows the YAML library."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import yaml

from rules.build import Trust, build_rules
from rules.model import Policy, Rule, RuleSet, digest_of
from rules.policy import build_policy
from rules.reachability import contradictory, covering
from rules.reading.document import Findings, Mapping, Node, Place, Scalar, Sequence, nearest

POLICY_FILE = "policy.yaml"
_SUFFIXES = (".yaml", ".yml")
_SIZE_LIMIT = 1024 * 1024
_DEPTH_LIMIT = 20
_NODE_LIMIT = 100_000
_TAG = "tag:yaml.org,2002:"


def load(folder: Path, *, default_min_rank: str = "link") -> RuleSet:
    """Return the rules and the policy in ``folder``: ``policy.yaml`` and every other YAML file with a top-level ``rules:``.

    Raises ``RulesError`` with everything that is wrong in all files, one finding a line.
    """
    findings = Findings()
    documents = _documents(folder, findings)
    policy, trust = _policy(documents.pop(str(folder / POLICY_FILE), None), default_min_rank, findings)
    taken: dict[str, Place] = {}
    rules: list[Rule] = []
    for file, node in documents.items():
        if not isinstance(node, Mapping):
            findings.add(node.place, "the file is not a mapping", "begin it with rules:")
        elif _holds_rules(file, node, findings):
            rules.extend(build_rules(node, policy, taken, findings, trust))
    if not rules and not findings.items:
        findings.add(
            Place(str(folder)), "no file here has a rule", "add a file such as lumen.yaml with a top-level rules:"
        )
    if findings.items:
        findings.raise_all()
    _warn_of_unreachable(rules, taken, findings)
    return RuleSet(tuple(rules), policy, digest_of(tuple(rules), policy), tuple(findings.warnings))


def _warn_of_unreachable(rules: list[Rule], places: dict[str, Place], findings: Findings) -> None:
    for rule in rules:
        if label := contradictory(rule):
            findings.warn(places[rule.name], f"no alert can match this rule: it wants two things of the label {label}")
    for rule, taker in covering(rules):
        place = places[taker.name]
        text = f'no alert reaches this rule: "{taker.name}" (line {place.line} of {place.file}) takes them all first'
        findings.warn(places[rule.name], text)


def _policy(node: Node | None, min_rank: str, findings: Findings) -> tuple[Policy, Trust]:
    if node is None:
        return Policy(min_rank=min_rank), Trust.ABSENT
    before = len(findings.items)
    policy = build_policy(node, min_rank, findings)
    return policy, Trust.CHECKED if len(findings.items) == before else Trust.BROKEN


def files_of(folder: Path) -> list[Path]:
    """Return the YAML files of ``folder`` by name; hidden ones (editors, mounted volumes) are not looked at."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix in _SUFFIXES and not path.name.startswith(".") and path.is_file()
    )


def sources(folder: Path) -> dict[str, str]:
    """Return the text of each file of ``folder``, by the name that findings use; unreadable ones are left out."""
    result: dict[str, str] = {}
    try:
        for path in files_of(folder):
            result[str(path)] = path.read_text("utf-8-sig", errors="replace")
    except OSError:  # load has said it in words
        return result
    return result


def parse(text: str, file: str, findings: Findings) -> Node | None:
    """Return the one YAML document in ``text``; None after reporting why there is none. Never raises."""
    try:
        return _Composer(file, text, findings).document()
    except _StopError as wrong:
        findings.add(wrong.place, wrong.problem, wrong.fix)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = Place(file, mark.line + 1, mark.column + 1) if mark else Place(file)
        findings.add(place, f"no YAML: {error.problem or error.context}", "correct the syntax here or just before")
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        column = error.position - (text.rfind("\n", 0, error.position) + 1) + 1
        findings.add(
            Place(file, line, column), "a character that YAML does not allow", "remove it or write it as an escape"
        )
    except (ValueError, OverflowError, IndexError):  # escapes beyond Unicode and numbers beyond reason in directives
        findings.add(Place(file), "no YAML: an escape or a directive cannot be read", "look for \\U and %YAML")
    return None


def _documents(folder: Path, findings: Findings) -> dict[str, Node]:
    result: dict[str, Node] = {}
    try:
        paths = files_of(folder)
    except OSError as error:
        findings.add(Place(str(folder)), f"the folder cannot be read: {error.strerror}", "create it or set LUMEN_RULES")
        return result
    for path in paths:
        node = read(path, findings)
        if node is not None:
            result[str(path)] = node
    return result


def read(path: Path, findings: Findings) -> Node | None:
    """Return the one YAML document in the file ``path``; None after reporting why there is none. Never raises."""
    text = _text(path, findings)
    return None if text is None else parse(text, str(path), findings)


def _text(path: Path, findings: Findings) -> str | None:
    file = str(path)
    try:
        with path.open("rb") as stream:
            raw = stream.read(_SIZE_LIMIT + 1)
    except OSError as error:
        findings.add(Place(file), f"the file cannot be read: {error.strerror}", "check its owner and mode")
        return None
    if len(raw) > _SIZE_LIMIT:
        findings.add(Place(file), f"the file is larger than {_SIZE_LIMIT} bytes", "split it")
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        findings.add(Place(file, line), "the file is not UTF-8", "save it as UTF-8")
        return None


def _holds_rules(file: str, node: Mapping, findings: Findings) -> bool:
    """Tell rule files from other YAML; a policy or a misspelt ``rules`` must not pass as something else."""
    keys = {name.text: name.place for name, _ in node.entries}
    if "rules" in keys:
        return True
    if Path(file).name == "policy.yml":
        findings.add(node.place, "the policy is read from policy.yaml only", "rename the file")
        return False
    for name, place in keys.items():
        if nearest(name, ["rules"]).startswith("did you mean"):
            findings.add(place, f'the file has "{name}" and no "rules"', 'did you mean "rules"?')
            return False
    findings.warn(node.place, 'the file is ignored: it has no top-level "rules"')
    return False


class _StopError(Exception):
    """The document cannot be read any further."""

    def __init__(self, place: Place, problem: str, fix: str) -> None:
        super().__init__(problem)
        self.place, self.problem, self.fix = place, problem, fix


class _Composer:
    """Builds the tree from the events of the YAML parser, with an own stack, so that depth and size stay bounded."""

    def __init__(self, file: str, text: str, findings: Findings) -> None:
        self._file, self._text, self._findings = file, text, findings
        self._resolver: Any = yaml.SafeLoader("")  # knows the implicit types of YAML 1.1; typed nowhere
        self._anchors: dict[str, Node] = {}
        self._nodes = 0

    def document(self) -> Node:
        """Return the root; an empty file is an empty mapping."""
        root: Node | None = None
        events = yaml.parse(self._text, Loader=yaml.SafeLoader)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent) and root is not None:
                self._stop(event, "a second document", "put each document into its own file")
            if isinstance(event, yaml.NodeEvent):
                root = self._node(event, events, 0)
        return root if root is not None else Mapping(Place(self._file))

    def _node(self, event: Any, events: Iterator[yaml.Event], depth: int) -> Node:
        self._nodes += 1
        if self._nodes > _NODE_LIMIT:
            self._stop(event, f"more than {_NODE_LIMIT} values", "split the file")
        if depth > _DEPTH_LIMIT:
            self._stop(event, f"nested deeper than {_DEPTH_LIMIT} levels", "flatten it")
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if getattr(event, "tag", None) not in {None, "!"}:
            self._stop(event, f"the tag {event.tag}", "remove it: rules need no tags")
        if isinstance(event, yaml.ScalarEvent):
            node: Node = self._scalar(event)
        elif isinstance(event, yaml.SequenceStartEvent):
            node = self._sequence(event, events, depth)
        else:
            node = self._mapping(event, events, depth)
        anchor = getattr(event, "anchor", None)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _alias(self, event: Any, depth: int) -> Node:
        node = self._anchors.get(event.anchor)
        if node is None:
            self._stop(
                event,
                f"the alias *{event.anchor} has no anchor before it",
                f"write &{event.anchor} where the value stands",
            )
        size, levels = _measured(node)
        self._nodes += size
        if self._nodes > _NODE_LIMIT or depth + levels > _DEPTH_LIMIT:
            limits = f"more than {_NODE_LIMIT} values or {_DEPTH_LIMIT} levels"
            self._stop(event, f"aliases that expand to {limits}", "write the values out")
        return node

    def _scalar(self, event: Any) -> Scalar:
        start, end = event.start_mark, event.end_mark
        raw = self._text[start.index : end.index]
        quote = 1 if event.style in {"'", '"'} else 0
        verbatim = raw[quote : len(raw) - quote] == event.value and event.style not in {"|", ">"}
        tag = (
            "str"
            if event.style
            else self._resolver.resolve(yaml.ScalarNode, event.value, event.implicit).removeprefix(_TAG)
        )
        length = end.column - start.column if end.line == start.line else 1
        return Scalar(
            self._place(event, length),
            event.value,
            tag if tag in {"str", "int", "float", "bool", "null"} else "other",
            start.column + 1 + quote if verbatim else 0,
        )

    def _sequence(self, event: Any, events: Iterator[yaml.Event], depth: int) -> Sequence:
        items = []
        while not isinstance(item := next(events), yaml.SequenceEndEvent):
            items.append(self._node(item, events, depth + 1))
        return Sequence(self._place(event), tuple(items))

    def _mapping(self, event: Any, events: Iterator[yaml.Event], depth: int) -> Mapping:
        entries: dict[str, tuple[Scalar, Node]] = {}
        while not isinstance(item := next(events), yaml.MappingEndEvent):
            key = self._node(item, events, depth + 1)
            value = self._node(next(events), events, depth + 1)
            if not isinstance(key, Scalar):
                self._findings.add(key.place, "a list or mapping as key", "write a name before the colon")
            elif key.text in entries:
                first = entries[key.text][0].place.line
                self._findings.add(key.place, f'the key "{key.text}" is given twice, first in line {first}', "keep one")
            else:
                entries[key.text] = (key, value)
        return Mapping(self._place(event), tuple(entries.values()))

    def _place(self, event: Any, length: int = 1) -> Place:
        return Place(self._file, event.start_mark.line + 1, event.start_mark.column + 1, max(1, length))

    def _stop(self, event: Any, problem: str, fix: str) -> NoReturn:
        raise _StopError(self._place(event), problem, fix)


def _measured(node: Node) -> tuple[int, int]:
    """Return how many nodes and levels a copy of ``node`` adds; shared parts count each time, as the readers walk them."""
    if isinstance(node, Scalar):
        return 1, 0
    inner = node.items if isinstance(node, Sequence) else tuple(item for _, item in node.entries)
    measured = [_measured(item) for item in inner]
    return 1 + len(inner) + sum(size for size, _ in measured), 1 + max((levels for _, levels in measured), default=0)
