"""The schema of the language as JSON Schema (draft 7), for editors: made from the same table as the reader and the docs.

It accepts whatever the reader accepts. What JSON Schema cannot say (queries, commands, who may vote) is left to
``lumen rules check``. Draft 7 is what the YAML language server of editors knows best.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rules import schema
from rules.aftercare import WAYS
from rules.key import REQUIRED, Key
from rules.reference import TABLES
from rules.testing import schema as testing

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": 4096}
_UNITS = ("w", "d", "h", "m", "s", "ms")
_PARTS = "".join(f"([0-9]{{1,9}}{unit})?" for unit in _UNITS)
_DURATION = rf"^(?=.)([0-9]{{1,9}}(\.[0-9]{{1,6}})?|{_PARTS})$"
_URL = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\x00-\x20\x7f\\/?#][^\x00-\x20\x7f\\]*$"
_SIZE = r"^[0-9]{1,15}(kB|[KMGTP]i?B|B)?$"
_EITHER_ALERT_OR_NAME: Schema = {"anyOf": [{"required": ["alert"]}, {"required": ["match", "name"]}]}
_ONE_KIND: Schema = {"oneOf": [{"required": [key.name]} for key in schema.KINDS]}


def rules_schema() -> Schema:
    """Return the schema of a file of rules."""
    return _whole("Lumen rules", schema.FILE)


def policy_schema() -> Schema:
    """Return the schema of ``policy.yaml``."""
    return _whole("Lumen policy", schema.POLICY)


def cases_schema() -> Schema:
    """Return the schema of a file of test cases."""
    return _whole("Lumen rule tests", testing.FILE)


def _whole(title: str, keys: tuple[Key, ...]) -> Schema:
    writer = _Writer()
    found = writer.mapping(keys)
    head = {"$schema": "http://json-schema.org/draft-07/schema#", "title": title}
    return {**head, **found, "definitions": dict(sorted(writer.definitions.items()))}


class _Writer:
    """Writes the schema of keys; mappings that have a table of their own become definitions."""

    def __init__(self) -> None:
        self.definitions: dict[str, Schema] = {}
        self._types: dict[str, Callable[[Key], Schema]] = {
            "text": _text,
            "template": _text,
            "bool": lambda _key: {"type": "boolean"},
            "true": lambda _key: {"const": True},
            "int": lambda key: {"type": "integer", "minimum": int(key.least), "maximum": int(key.most)},
            "duration": _duration,
            "size": _size,
            "choice": lambda key: {"enum": list(key.choices)},
            "url": lambda _key: {"type": "string", "pattern": _URL},
            "strings": lambda _key: _list(_TEXT),
            "json": _anything,
            "argv": lambda _key: {"anyOf": [_TEXT, _list({"type": ["string", "number", "boolean"]})]},
            "texts": lambda _key: {"type": "object", "additionalProperties": _TEXT},
            "any_mapping": lambda _key: {"type": "object"},
            "section": lambda key: self._nested(key.keys),
            "sections": lambda key: _list(self._nested(key.keys)),
            "named_sections": lambda key: {"type": "object", "additionalProperties": self._nested(key.keys)},
            "named_strings": lambda _key: {"type": "object", "additionalProperties": _list(_TEXT)},
        }

    def mapping(self, keys: tuple[Key, ...]) -> Schema:
        """Return the schema of a mapping of ``keys``."""
        found: Schema = {
            "type": "object",
            "additionalProperties": False,
            "properties": {key.name: self._property(key) for key in keys},
        }
        if required := [key.name for key in keys if key.default == REQUIRED]:
            found["required"] = required
        return found | _EXTRA.get(id(keys), {})

    def _property(self, key: Key) -> Schema:
        told: Schema = {"description": _description(key)}
        if isinstance(key.default, bool | int | float | str) and key.default not in ("", REQUIRED):
            told["default"] = key.default
        written = self._types.get(key.type, _anything)(key)
        # Draft 7 looks at nothing beside a reference.
        return {**told, "allOf": [written]} if "$ref" in written else {**told, **written}

    def _nested(self, keys: tuple[Key, ...]) -> Schema:
        name = next((name for name, table in TABLES.items() if table is keys), "")
        if not name:
            return self.mapping(keys)
        if name not in self.definitions:
            self.definitions[name] = {}  # so that a mapping that holds itself ends here
            self.definitions[name] = self.mapping(keys)
        return {"$ref": f"#/definitions/{name}"}


_EXTRA = {
    id(schema.RULE): _EITHER_ALERT_OR_NAME,
    id(schema.ACTION): _ONE_KIND,
    id(schema.UNDOING): _ONE_KIND,
    id(schema.VERIFY): {"oneOf": [{"required": [way]} for way in WAYS]},
}


def _anything(_key: Key) -> Schema:
    return {}


def _text(key: Key) -> Schema:
    return {**_TEXT, "pattern": f"^(?:{key.pattern})$"} if key.pattern else _TEXT


def _duration(key: Key) -> Schema:
    number = {"type": "number", "minimum": key.least, "maximum": key.most}
    return {"anyOf": [number, {"type": "string", "pattern": _DURATION}]}


def _size(key: Key) -> Schema:
    number = {"type": "integer", "minimum": int(key.least), "maximum": int(key.most)}
    return {"anyOf": [number, {"type": "string", "pattern": _SIZE}]}


def _list(item: Schema) -> Schema:
    return {"type": "array", "minItems": 1, "items": item}


def _description(key: Key) -> str:
    return key.doc + (f" (default: {key.otherwise})" if key.otherwise else "")
