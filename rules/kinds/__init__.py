"""The kinds of action, one file each. A new kind is a new file, its keys in ``rules.schema`` and a line here."""

from __future__ import annotations

from rules.kinds import cmd, control_bus, http, proof
from rules.kinds._kind import Kind

KINDS: dict[str, Kind] = {str(each.kind): each for each in (cmd.KIND, http.KIND, control_bus.KIND, proof.KIND)}
