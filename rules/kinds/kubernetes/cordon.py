"""``cordon`` and ``uncordon``: whether new pods may be put on a node. Those that are on it stay.

Spec: ``{"resource": "node", "name"}``.
"""

from __future__ import annotations

from rules.key import REQUIRED, Key
from rules.kinds._kind import Spec
from rules.kinds.kubernetes._verb import Verb, read_name
from rules.reading.document import Findings
from rules.reading.sections import Section

_KEYS = (Key("node", "template", REQUIRED, "its name"),)


def _read(section: Section, findings: Findings) -> Spec:
    return {"resource": "node", "name": read_name(section, "node", "name", findings)}


CORDON = Verb(
    Key("cordon", "section", None, "no new pods on a node; those that are there stay", keys=_KEYS),
    _read,
    lambda spec: f"cordon node {spec['name']}",
)
UNCORDON = Verb(
    Key("uncordon", "section", None, "new pods on a node again", keys=_KEYS),
    _read,
    lambda spec: f"uncordon node {spec['name']}",
)
