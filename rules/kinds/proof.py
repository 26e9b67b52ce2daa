"""``proof: true``: an entry in the ledger and nothing else."""

from __future__ import annotations

from typing import Any

from lumen.plan import ActionKind
from rules.kinds._kind import Kind, ValueOf
from rules.reading.document import Findings, Node


def _read(_value: Any, _node: Node, _findings: Findings) -> dict[str, Any]:
    return {}


def _render(_spec: dict[str, Any], _value_of: ValueOf) -> dict[str, Any]:
    return {}


KIND = Kind(ActionKind.PROOF, _read, _render)
