"""``proof: true``: an entry in the ledger and nothing else."""

from __future__ import annotations

from typing import Any

from rules.key import Key
from rules.kinds._kind import Kind, ValueOf
from rules.reading.document import Findings, Node


def _read(_value: Any, _node: Node, _findings: Findings) -> dict[str, Any]:
    return {}


def _render(_spec: dict[str, Any], _value_of: ValueOf) -> dict[str, Any]:
    return {}


def _line(_spec: dict[str, Any]) -> str:
    return "record in the ledger"


KIND = Kind(Key("proof", "true", None, "an entry in the ledger and nothing else"), _read, _render, _line)
