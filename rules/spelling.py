"""Warns of what looks like a misspelt placeholder in a rule, at its place in the file."""

from __future__ import annotations

from collections.abc import Iterator

from rules.kinds import KINDS
from rules.language.matchers import Matcher
from rules.language.misspellings import misspellings
from rules.language.placeholders import names
from rules.reading.document import Findings, Mapping, Node, Scalar
from rules.reading.sections import Section

_LITERAL = ("name", "runbook_url")


def warn_of_misspellings(rule: Section, matchers: tuple[Matcher, ...], findings: Findings) -> None:
    """Warn of every misspelling in the texts of ``rule`` that are filled in, and of placeholders in those that are not.

    What the rule spells in one way, in its matchers or further up, is taken for meant where it comes in another case.
    """
    known = [f"labels.{matcher.name}" for matcher in matchers]
    for scalar in _templates(rule):
        for found in misspellings(scalar.text, known):
            findings.warn(scalar.at(found.start, len(found.written)), f"{found.problem}: {found.fix}")
        known += names(scalar.text)
    for section in (rule, *(rule.get("actions") or ())):
        for key in _LITERAL:
            node = section.nodes.get(key)
            if isinstance(node, Scalar) and names(node.text):
                findings.warn(node.place, f"nothing is filled in here: {key} stays as it is written")


def _templates(rule: Section) -> Iterator[Scalar]:
    for key in ("target", "when"):
        if key in rule.nodes:
            yield from _scalars(rule.nodes[key])
    for action in rule.get("actions") or ():
        for kind in KINDS:
            if kind in action.nodes:
                yield from _scalars(action.nodes[kind])


def _scalars(node: Node) -> Iterator[Scalar]:
    """Yield every single value below ``node``; keys of mappings are not filled in."""
    if isinstance(node, Scalar):
        yield node
    else:
        inner = (item for _, item in node.entries) if isinstance(node, Mapping) else iter(node.items)
        for item in inner:
            yield from _scalars(item)
