"""``restart``: the pods of a deployment, stateful set or daemon set anew, one after the other as its strategy says.

Spec: ``{"resource", "namespace", "name", "wait": 0.0}``.
"""

from __future__ import annotations

from rules.key import Key
from rules.kinds._kind import Spec
from rules.kinds.kubernetes._verb import NAMESPACE, WAIT, Verb, place_of, read_object, waiting
from rules.reading.document import Findings
from rules.reading.sections import Section

_RESOURCES = ("deployment", "statefulset", "daemonset")

_KEYS = (
    NAMESPACE,
    *(Key(resource, "template", None, "its name; exactly one of the three") for resource in _RESOURCES),
    WAIT,
)


def _read(section: Section, findings: Findings) -> Spec | None:
    target = read_object(section, "restart", _RESOURCES, findings)
    return None if target is None else {**target, "wait": section.get("wait") or 0.0}


def _line(spec: Spec) -> str:
    return f"restart {place_of(spec)}{waiting(spec)}"


VERB = Verb(
    Key("restart", "section", None, "restarts a deployment, stateful set or daemon set by a rollout", keys=_KEYS),
    _read,
    _line,
)
