"""``kubernetes``: one change of one object in a cluster, one file a verb. A new verb is a new file and a line here.

Placeholders stand in names only, never in numbers; what they become must be a name of RFC 1123.
"""

from __future__ import annotations

from lumen.display import printable, truncate
from lumen.errors import RenderError
from rules.key import Key
from rules.kinds._kind import Kind, Spec, ValueOf
from rules.kinds.kubernetes import cordon, delete_pod, restart, scale
from rules.kinds.kubernetes._verb import FILLED, Verb, name_problem
from rules.language.placeholders import fill, names
from rules.reading.document import Findings, Node
from rules.reading.sections import Section

_SHOWN = 80  # bytes of a refused name that its refusal shows

VERBS: dict[str, Verb] = {
    each.key.name: each for each in (scale.VERB, restart.VERB, delete_pod.VERB, cordon.CORDON, cordon.UNCORDON)
}

_KEYS = (
    *(verb.key for verb in VERBS.values()),
    Key(
        "context",
        "text",
        None,
        "context of the kubeconfig",
        pattern=r"[^\x00-\x1f\x7f]{1,253}",
        otherwise="its current context, or the cluster that the worker runs in",
    ),
)


def _read(value: Section, _node: Node, findings: Findings) -> Spec | None:
    given = [verb for verb in VERBS if verb in value.nodes]
    if len(given) != 1:
        place = value.at(given[1]) if given else value.place
        problem = f"kubernetes has {' and '.join(given)}" if given else "kubernetes does nothing"
        findings.add(place, problem, "make an action of each" if given else f"add one of {', '.join(VERBS)}")
        return None
    context = value.get("context") or ""
    if names(context):
        findings.add(value.at("context"), "a placeholder stands in kubernetes.context", "name the context in full")
    section = value.values.get(given[0])
    spec = VERBS[given[0]].read(section, findings) if section is not None else None
    if section is None or spec is None or not (value.complete and section.complete):
        return None
    return {"verb": given[0], "context": context, **spec}


def _render(spec: Spec, value_of: ValueOf) -> Spec:
    filled = {part: fill(spec[part], value_of) for part in FILLED if spec.get(part)}
    for part, text in filled.items():
        if problem := name_problem(part, text):
            raise RenderError(f'the {part} "{truncate(printable(text), _SHOWN)}" {problem}')
    return {**spec, **filled}


def _line(spec: Spec) -> str:
    return VERBS[spec["verb"]].line(spec) + (f", in context {spec['context']}" if spec["context"] else "")


KIND = Kind(
    Key("kubernetes", "section", None, "one change in a cluster; exactly one verb", keys=_KEYS),
    _read,
    _render,
    _line,
    waits=lambda spec: float(spec.get("wait", 0.0)),
)
