"""How actions are run, one file a kind, and the registry of them. A new kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from activities.kinds.command import CommandKind
from activities.kinds.control_bus import ControlBusKind
from activities.kinds.http import HttpKind
from activities.kinds.kubernetes import KubernetesKind
from activities.kinds.proof import ProofKind
from activities.kinds.protocol import Kind, KindContext


def registry(context: KindContext) -> Mapping[str, Kind]:
    """Return every kind that this worker can run, by its name in ``rules.kinds``."""
    return {
        "cmd": CommandKind(context),
        "http": HttpKind(context),
        "control_bus": ControlBusKind(context),
        "kubernetes": KubernetesKind(context),
        "proof": ProofKind(),
    }
