"""The tables of ``docs/rules.md``, made from the schema: what the page says about a key is what the loader does with it.

A filter: ``python -m rules.reference < docs/rules.md`` prints the page with the tables between its marks made anew.
A table stands between ``<!-- keys: NAME -->`` and ``<!-- end of keys -->``; the names are those of :data:`TABLES`.
"""

from __future__ import annotations

import re
import sys
from typing import Any

from lumen.sizes import written_size
from rules import schema, surroundings
from rules.key import LONGEST, REQUIRED, Key
from rules.kinds import tables
from rules.testing import schema as testing

TABLES: dict[str, tuple[Key, ...]] = {
    "file": schema.FILE,
    "defaults": schema.DEFAULTS,
    "rule": schema.RULE,
    "action": schema.ACTION,
    **tables(),
    "resources": surroundings.RESOURCES,
    "secrets": surroundings.SECRET,
    "retry": schema.RETRY,
    "approval": schema.APPROVAL,
    "escalate": schema.ESCALATION,
    "limits": schema.LIMITS,
    "verify": schema.VERIFY,
    "rollback": schema.UNDOING,
    "policy": schema.POLICY,
    "people": schema.PERSON,
    **testing.TABLES,
}
"""The part of the schema in each table, by the name in its mark, which is also the anchor of its heading."""

_MARKED = re.compile(r"(<!-- keys: ([a-z_]+) -->\n).*?(<!-- end of keys -->)", re.DOTALL)
_HEAD = "| key | type | default | meaning |\n|---|---|---|---|\n"
_UNITS = ((86400, "d"), (3600, "h"), (60, "m"), (1, "s"))
_LONGEST_IN_HOURS = 48 * 3600
_TYPES = {
    "text": "text",
    "template": "text with placeholders",
    "bool": "`true` or `false`",
    "true": "`true`",
    "int": "whole number",
    "duration": "duration",
    "size": "size",
    "url": "http(s) URL",
    "strings": "list of texts",
    "texts": "mapping of texts",
    "json": "any JSON",
    "argv": "list, or one line",
    "any_mapping": "mapping",
    "section": "mapping",
    "sections": "list of mappings",
    "named_sections": "mapping of mappings",
    "named_strings": "mapping of lists",
}


def rewritten(page: str) -> str:
    """Return ``page`` with the table between each pair of marks made anew; raises ``KeyError`` for an unknown name."""
    return _MARKED.sub(lambda found: f"{found[1]}\n{table(TABLES[found[2]])}\n{found[3]}", page)


def table(keys: tuple[Key, ...]) -> str:
    """Return one row for each of ``keys`` as a Markdown table."""
    return _HEAD + "".join(f"| `{key.name}` | {_type(key)} | {_default(key)} | {_meaning(key)} |\n" for key in keys)


def _type(key: Key) -> str:
    if key.choices:
        return ", ".join(f"`{choice}`" for choice in key.choices)
    parts = [_TYPES[key.type]]
    if key.type == "int":
        parts.append(f"{key.least:g} to {key.most:g}")
    elif key.type == "duration":
        parts.append(f"{duration(key.least)} to {duration(key.most)}" if key.least else f"up to {duration(key.most)}")
    elif key.type == "size":
        parts.append(f"{written_size(int(key.least))} to {written_size(int(key.most))}")
    if key.pattern:
        parts.append(f"`{key.pattern}`")
    return ", ".join(parts)


def _default(key: Key) -> str:
    if key.otherwise or key.default == REQUIRED:
        return key.otherwise or "required"
    if key.default is None or key.default in ("", (), {}):
        return "none"
    return f"`{_written(key, key.default)}`"


def _written(key: Key, value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return duration(value) if key.type == "duration" else str(value)


def _meaning(key: Key) -> str:
    said = key.doc.replace("|", "\\|")
    nested = next((name for name, keys in TABLES.items() if keys is key.keys and keys), "")
    return said + (f": [keys](#{nested})" if nested else "")


def duration(seconds: float) -> str:
    """Return ``seconds`` as the language writes them, in the largest unit that divides them; days from two days on."""
    if seconds == LONGEST:
        return "30d"
    for size, unit in _UNITS:
        if seconds and seconds % size == 0 and not (unit == "d" and seconds < _LONGEST_IN_HOURS):
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"


if __name__ == "__main__":
    sys.stdout.write(rewritten(sys.stdin.read()))
