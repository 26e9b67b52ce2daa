"""What every kind of action provides here: everything but how it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from rules.key import Key
from rules.reading.document import Findings, Node

ValueOf = Callable[[str], str]
Spec = dict[str, Any]


class Read(Protocol):
    """Turns what the reader found under the kind's key into a spec of templates, or None after reporting."""

    def __call__(self, value: Any, node: Node, findings: Findings, /) -> Spec | None:
        """Return the spec of ``value``, which stands at ``node``."""


def _whole(spec: Spec) -> Spec:
    return spec


def _nothing(_spec: Spec) -> float:
    return 0.0


@dataclass(frozen=True)
class Kind:
    """One kind: its key in a rule, how its spec is read from a file, rendered for an alert, and shown to people.

    ``render`` raises ``RenderError`` when a value cannot stand where it would. ``line`` is one line for people; only the
    spec is what runs. ``shown`` is the spec as it may leave the worker: what may be secret in it is hidden. ``waits`` is
    how many seconds the spec itself asks to wait; the action's timeout must be longer.
    """

    key: Key
    read: Read
    render: Callable[[Spec, ValueOf], Spec]
    line: Callable[[Spec], str]
    shown: Callable[[Spec], Spec] = _whole
    waits: Callable[[Spec], float] = _nothing

    @property
    def name(self) -> str:
        """The word for it in rules, plans, the ledger and metrics."""
        return self.key.name
