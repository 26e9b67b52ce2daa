"""Reads a mapping by its part of the schema: unknown and missing keys, and every value by its type."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from rules.key import REQUIRED, Key
from rules.reading import values
from rules.reading.document import Findings, Mapping, Node, Place, Scalar, nearest
from rules.reading.values import Unreadable

_ELEMENTS = {"rules": "a rule", "actions": "an action"}


@dataclass
class Section:
    """A mapping that was read. ``values`` holds the keys that were given and could be read; ``nodes`` all given ones."""

    place: Place
    schema: dict[str, Key]
    values: dict[str, Any] = field(default_factory=dict)
    nodes: dict[str, Node] = field(default_factory=dict)
    complete: bool = True

    def get(self, key: str) -> Any:
        """Return the value of ``key``, or its default in the schema (None for a required key that is missing)."""
        default = self.schema[key].default
        return self.values.get(key, None if default == REQUIRED else default)

    def at(self, key: str) -> Place:
        """Return where the value of ``key`` stands, or the section itself if it was not given."""
        return self.nodes[key].place if key in self.nodes else self.place


@dataclass(frozen=True)
class Named:
    """One entry of a mapping with free keys."""

    name: Scalar
    value: Any


class Reader:
    """Reads nodes by the schema and reports to ``findings``; a value that cannot be read is left out of its section."""

    def __init__(self, findings: Findings) -> None:
        """Report to ``findings``."""
        self._findings = findings
        self._types: dict[str, Callable[[Node, str, Key], Any]] = {
            "text": self._text,
            "template": self._text,
            "bool": lambda node, what, _key: values.boolean(node, what),
            "true": self._true,
            "int": values.integer,
            "duration": values.duration,
            "size": values.size,
            "choice": values.choice,
            "url": lambda node, what, _key: values.url(node, what),
            "strings": lambda node, what, _key: values.strings(node, what),
            "json": lambda node, what, _key: values.json_value(node, what),
            "argv": self._argv,
            "texts": self._texts,
            "any_mapping": lambda node, what, _key: values.mapping(node, what),
            "section": lambda node, what, key: self.section(node, what, key.keys, f"{what}."),
            "sections": self._sections,
            "named_sections": self._named_sections,
            "named_strings": self._named_strings,
        }

    def section(self, node: Node, what: str, keys: tuple[Key, ...], prefix: str = "") -> Section:
        """Return ``node`` read by ``keys``; raises :class:`Unreadable` if it is no mapping."""
        found = Section(node.place, {key.name: key for key in keys})
        for name, item in values.mapping(node, what).entries:
            key = found.schema.get(name.text)
            if key is None:
                fix = "write the keys out" if name.text == "<<" else nearest(name.text, found.schema)
                self._findings.add(name.place, f'unknown key "{name.text}" in {what}', fix)
                found.complete = False
                continue
            found.nodes[key.name] = item
            self._read(found, key, item, prefix + key.name)
        for key in keys:
            if key.default == REQUIRED and key.name not in found.nodes:
                self._findings.add(node.place, f'{what} has no "{key.name}"', f"add {key.name}: {key.doc}")
                found.complete = False
        return found

    def _read(self, found: Section, key: Key, item: Node, what: str) -> None:
        try:
            found.values[key.name] = self._types[key.type](item, what, key)
        except Unreadable as wrong:
            self._findings.add(wrong.place, wrong.problem, wrong.fix)
            found.complete = False

    def each(self, nodes: tuple[Node, ...], read: Callable[[Node], Any]) -> list[Any]:
        """Return what ``read`` makes of each node; those that it cannot read are reported and left out."""
        result = []
        for node in nodes:
            try:
                result.append(read(node))
            except Unreadable as wrong:
                self._findings.add(wrong.place, wrong.problem, wrong.fix)
        return result

    @staticmethod
    def _text(node: Node, what: str, key: Key) -> str:
        value = values.text(node, what)
        if key.pattern and not re.fullmatch(key.pattern, value.text):
            raise Unreadable(value.place, f'{what} is "{value.text}"', f"it must look like {key.pattern}")
        return value.text

    @staticmethod
    def _true(node: Node, what: str, _key: Key) -> bool:
        if not values.boolean(node, what):
            raise Unreadable(node.place, f"{what} is false", "write true or leave the key out")
        return True

    def _argv(self, node: Node, what: str, _key: Key) -> Scalar | list[Scalar]:
        if isinstance(node, Scalar):
            return values.text(node, what)

        def read(item: Node) -> Scalar:
            return values.word(item, f"an element of {what}")

        items = values.sequence(node, what)
        self.each(items, read)  # reports every element that is wrong
        return [read(item) for item in items]  # and so is the first of them, once more: a finding is kept once

    def _texts(self, node: Node, what: str, _key: Key) -> list[Named]:
        entries = values.mapping(node, what).entries
        return [
            Named(values.text(name, f"a key of {what}"), values.text(item, f"{what}.{name.text}"))
            for name, item in entries
        ]

    def _sections(self, node: Node, what: str, key: Key) -> list[Section]:
        element = _ELEMENTS.get(what, f"an element of {what}")
        return self.each(values.sequence(node, what), lambda item: self.section(item, element, key.keys))

    def _named_sections(self, node: Node, what: str, key: Key) -> list[Named]:
        return self._named(
            values.mapping(node, what), what, lambda item, name: self.section(item, name, key.keys, f"{name}.")
        )

    def _named_strings(self, node: Node, what: str, _key: Key) -> list[Named]:
        return self._named(values.mapping(node, what), what, values.strings)

    def _named(self, found: Mapping, what: str, read: Callable[[Node, str], Any]) -> list[Named]:
        result = []
        for name, item in found.entries:
            try:
                result.append(Named(values.text(name, f"a key of {what}"), read(item, f"{what}.{name.text}")))
            except Unreadable as wrong:
                self._findings.add(wrong.place, wrong.problem, wrong.fix)
        return result
