"""What every kind of action provides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from lumen.plan import ActionKind
from rules.reading.document import Findings, Node

ValueOf = Callable[[str], str]


class Read(Protocol):
    """Turns what the reader found under the kind's key into a spec of templates, or None after reporting."""

    def __call__(self, value: Any, node: Node, findings: Findings, /) -> dict[str, Any] | None:
        """Return the spec of ``value``, which stands at ``node``."""


@dataclass(frozen=True)
class Kind:
    """One kind: how its spec is read from a file, and how it is rendered for an alert.

    ``render`` raises ``RenderError`` when a value cannot stand where it would.
    """

    kind: ActionKind
    read: Read
    render: Callable[[dict[str, Any], ValueOf], dict[str, Any]]
