"""The kinds of action, one file each, and the registry of them. A new kind is one file and one line here."""

from __future__ import annotations

from collections.abc import Mapping

from activities.kinds.command import CommandKind
from activities.kinds.control_bus import ControlBusKind
from activities.kinds.http import HttpKind
from activities.kinds.proof import ProofKind
from activities.kinds.protocol import Kind, KindContext
from lumen.plan import ActionKind


def registry(context: KindContext) -> Mapping[ActionKind, Kind]:
    """Return every kind that this worker can run."""
    return {
        ActionKind.CMD: CommandKind(context),
        ActionKind.HTTP: HttpKind(context),
        ActionKind.CONTROL_BUS: ControlBusKind(context),
        ActionKind.PROOF: ProofKind(),
    }
