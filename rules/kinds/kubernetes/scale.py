"""``scale``: the number of replicas of a deployment or stateful set, to a number or by a number within bounds.

Spec: ``{"resource", "namespace", "name", "replicas": 3, "wait": 0.0}``, or instead of ``replicas``
``{"by": -1, "least": 1, "most": null}``.
"""

from __future__ import annotations

from rules.key import Key
from rules.kinds._kind import Spec
from rules.kinds.kubernetes._verb import NAMESPACE, WAIT, Verb, place_of, read_object, waiting
from rules.reading.document import Findings, Scalar
from rules.reading.sections import Section

_RESOURCES = ("deployment", "statefulset")
_MOST = 10_000

_KEYS = (
    NAMESPACE,
    Key("deployment", "template", None, "its name; this or `statefulset`"),
    Key("statefulset", "template", None, "its name; this or `deployment`"),
    Key("replicas", "int", None, "how many there shall be; this or `by`", most=_MOST),
    Key("by", "int", None, "how many more or fewer, with its sign: `+2`, `-1`", least=-_MOST, most=_MOST),
    Key("least", "int", None, "with `by`: not below this; required to go down", most=_MOST),
    Key("most", "int", None, "with `by`: not above this; required to go up", least=1, most=_MOST),
    WAIT,
)


def _read(section: Section, findings: Findings) -> Spec | None:
    before = len(findings.items)
    target = read_object(section, "scale", _RESOURCES, findings)
    if ("replicas" in section.nodes) == ("by" in section.nodes):
        findings.add(section.place, "scale has both or neither of replicas and by", "give it one of them")
    elif "by" in section.values:
        _check_by(section, findings)
    elif "replicas" in section.values:
        _check_replicas(section, findings)
    if target is None or len(findings.items) > before or not section.complete:
        return None
    wait = section.get("wait") or 0.0
    if "replicas" in section.values:
        return {**target, "replicas": section.get("replicas"), "wait": wait}
    return {**target, **{name: section.get(name) for name in ("by", "least", "most")}, "wait": wait}


def _check_replicas(section: Section, findings: Findings) -> None:
    if section.get("replicas") == 0 and _written(section, "replicas") != "0":
        findings.add(section.at("replicas"), "replicas is zero in disguise", "write 0 if nothing shall run any more")
    for bound in ("least", "most"):
        if bound in section.nodes:
            findings.add(section.at(bound), f"{bound} bounds by, and there is no by", "remove it")


def _check_by(section: Section, findings: Findings) -> None:
    by, least, most = (section.get(name) for name in ("by", "least", "most"))
    if by == 0:
        findings.add(section.at("by"), "by is 0, which changes nothing", "write a number like +1 or -1")
    elif not _written(section, "by").startswith(("+", "-")):
        findings.add(section.at("by"), f"by is {by} without a sign", f"write +{by}, or replicas: {by} for so many")
    bound = "most" if by > 0 else "least"
    if by and bound not in section.nodes:
        findings.add(section.at("by"), f"by has no {bound}, so it has no end", f"add {bound}")
    if least is not None and most is not None and least >= most:
        findings.add(section.at("least"), f"least is {least} and most is {most}", "let least be the smaller one")


def _written(section: Section, key: str) -> str:
    node = section.nodes[key]
    return node.text if isinstance(node, Scalar) else ""


def _line(spec: Spec) -> str:
    if "replicas" in spec:
        how = f"to {spec['replicas']}"
    else:
        bounds = [
            f"{word} {spec[key]}" for word, key in (("at least", "least"), ("at most", "most")) if spec[key] is not None
        ]
        how = f"by {spec['by']:+d} ({', '.join(bounds)})"
    return f"scale {place_of(spec)} {how}{waiting(spec)}"


VERB = Verb(
    Key("scale", "section", None, "sets the number of replicas of a deployment or stateful set", keys=_KEYS),
    _read,
    _line,
)
