"""``delete_pod``: one pod, which what owns it then makes anew.

Spec: ``{"resource": "pod", "namespace", "name", "uid": ""}``; with a uid, that pod and no later one of the same name.
"""

from __future__ import annotations

from rules.key import REQUIRED, Key
from rules.kinds._kind import Spec
from rules.kinds.kubernetes._verb import NAMESPACE, Verb, place_of, read_name
from rules.reading.document import Findings
from rules.reading.sections import Section

_KEYS = (
    NAMESPACE,
    Key("pod", "template", REQUIRED, "its name"),
    Key(
        "uid",
        "template",
        None,
        "its uid, often a label of the alert: a later pod of the same name is then left alone",
        otherwise="the pod that has the name when the action starts",
    ),
)


def _read(section: Section, findings: Findings) -> Spec:
    return {
        "resource": "pod",
        "namespace": read_name(section, "namespace", "namespace", findings),
        "name": read_name(section, "pod", "name", findings),
        "uid": read_name(section, "uid", "uid", findings),
    }


def _line(spec: Spec) -> str:
    return f"delete {place_of(spec)}" + (f" with uid {spec['uid']}" if spec["uid"] else "")


VERB = Verb(Key("delete_pod", "section", None, "deletes one pod", keys=_KEYS), _read, _line)
