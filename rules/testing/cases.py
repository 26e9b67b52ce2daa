"""Reads a file of test cases: a YAML document in, cases and findings out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lumen.alert import REQUESTED_BY, SOURCE_REQUEST, Alert, fingerprint
from lumen.outcome import ActionStatus, State
from lumen.probing import Judgement
from rules.reading.document import Findings, Node, Place, Scalar, Sequence, nearest
from rules.reading.sections import Reader, Section
from rules.reading.values import Unreadable
from rules.testing import schema
from rules.testing.actions import Wanted, wanted_action
from rules.testing.simulating import ASKED_AT, Cast, Given

_SOURCE = "alertmanager"
_UNAVAILABLE = "unavailable"
_RESULTS = (ActionStatus.SUCCEEDED, ActionStatus.FAILED, ActionStatus.UNKNOWN)


@dataclass(frozen=True)
class Case:
    """One case. ``expected`` maps a key of ``expect`` to what is wanted, ``places`` to where that stands.

    Keys of its ``approval`` are written ``approval.KEY``. ``results`` maps the action of each given result to its place.
    """

    name: str
    place: Place
    alert: Alert
    given: Given
    expected: dict[str, Any]
    places: dict[str, Place]
    results: dict[str, Place] = field(default_factory=dict)


@dataclass(frozen=True)
class TestFile:
    """A file that was read. ``folder`` is that of the rules, as it is written."""

    __test__ = False

    folder: str
    min_rank: str
    cases: tuple[Case, ...]


def read_cases(node: Node, findings: Findings) -> TestFile | None:
    """Return the cases in ``node``; None after reporting if something in it cannot be read."""
    before = len(findings.items)
    try:
        section = Reader(findings).section(node, "the file", schema.FILE)
    except Unreadable as wrong:
        findings.add(wrong.place, wrong.problem, wrong.fix)
        return None
    cases = tuple(_case(each, findings) for each in section.get("cases") or [] if each.complete)
    if len(findings.items) > before:
        return None
    return TestFile(section.get("folder"), section.get("min_rank"), cases)


def _case(section: Section, findings: Findings) -> Case:
    alert, expect = section.get("alert"), section.get("expect")
    given: Section | None = section.get("given")
    expected, places = dict(expect.values), {name: expect.at(name) for name in expect.nodes}
    approval: Section | None = expected.pop("approval", None)
    if approval is not None:
        expected |= {f"approval.{name}": _plain(value) for name, value in approval.values.items()}
        places |= {f"approval.{name}": approval.at(name) for name in approval.nodes}
    if "actions" in expected:
        expected["actions"] = _actions(expect.nodes["actions"], findings)
    if "path" in expected:
        _check_path(expected["path"], findings)
        expected["path"] = _plain(expected["path"])
    if not expected:
        findings.add(expect.place, "expect says nothing", "write what must come of it, such as rule: NAME")
    return Case(
        name=section.get("name"),
        place=section.at("name"),
        alert=_alert(alert),
        given=_given(section, findings),
        expected=expected,
        places=places,
        results={each.name.text: each.name.place for each in (given.get("results") if given else None) or []},
    )


def _plain(value: Any) -> Any:
    return [each.text for each in value] if isinstance(value, list) else value


def _alert(section: Section) -> Alert:
    labels = {each.name.text: each.value.text for each in section.get("labels") or []}
    annotations = {each.name.text: each.value.text for each in section.get("annotations") or []}
    requester = section.get("requested_by")
    if requester:
        labels[REQUESTED_BY] = requester
    source = SOURCE_REQUEST if requester else _SOURCE
    return Alert(source, fingerprint(labels), labels, ASKED_AT, annotations)


def _votes(sections: list[Section]) -> tuple[Cast, ...]:
    return tuple(
        Cast(vote.get("actor"), vote.get("decision"), vote.get("at"), vote.get("rank") or "") for vote in sections
    )


def _given(case: Section, findings: Findings) -> Given:
    votes, later = _votes(case.get("votes") or []), _votes(case.get("rollback_votes") or [])
    section: Section | None = case.get("given")
    if section is None:
        return Given(votes=votes, rollback_votes=later)
    results = {}
    for each in section.get("results") or []:
        if each.value.text in _RESULTS:
            results[each.name.text] = ActionStatus(each.value.text)
        else:
            findings.add(
                each.value.place,
                f"the result of {each.name.text} is {each.value.text}",
                nearest(each.value.text, _RESULTS),
            )
    conditions = tuple(_answers(section.nodes["condition"], findings)) if "condition" in section.nodes else ()
    return Given(
        conditions=conditions or (True,),
        guard=section.get("guard"),
        frozen=section.get("frozen"),
        results=results,
        resolved=section.get("resolved"),
        votes=votes,
        verify=Judgement(section.get("verify")),
        rollback_votes=later,
    )


def _answers(node: Node, findings: Findings) -> Iterator[bool | None]:
    for each in node.items if isinstance(node, Sequence) else (node,):
        if isinstance(each, Scalar) and each.tag == "bool" and each.text.lower() in {"true", "false"}:
            yield each.text.lower() == "true"
        elif isinstance(each, Scalar) and each.text == _UNAVAILABLE:
            yield None
        else:
            findings.add(each.place, "condition is no answer of Prometheus", "write true, false or unavailable")


def _actions(node: Node, findings: Findings) -> tuple[Wanted, ...]:
    if not isinstance(node, Sequence):
        findings.add(node.place, "actions is not a list", "write one element for each action")
        return ()
    return tuple(found for item in node.items if (found := wanted_action(item, findings)) is not None)


def _check_path(states: list[Scalar], findings: Findings) -> None:
    known = [str(state) for state in State]
    for state in states:
        if state.text not in known:
            findings.add(state.place, f"{state.text} is no state", nearest(state.text, known))
