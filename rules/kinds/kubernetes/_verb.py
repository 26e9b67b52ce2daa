"""What every verb of ``kubernetes`` provides, and what they have in common: names of objects."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from rules.key import REQUIRED, Key
from rules.kinds._kind import Spec
from rules.language.placeholders import fill
from rules.reading.document import Findings
from rules.reading.sections import Section

_PART = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_NAMESPACE = re.compile(_PART)
_NAME = re.compile(rf"{_PART}(\.{_PART})*")
_UID = re.compile(r"[A-Za-z0-9-]{1,64}")
_LONGEST_NAMESPACE = 63
_LONGEST_NAME = 253  # of a pod too: those of a deployment with a long name have more than 63 characters

FILLED = ("namespace", "name", "uid")
"""What of a spec may hold placeholders; everything else is what the rule says."""

NAMESPACE = Key("namespace", "template", REQUIRED, "its namespace")
WAIT = Key(
    "wait",
    "duration",
    None,
    "how long to wait until the rollout is complete; a rollout that is not by then fails the action",
    least=1,
    otherwise="does not wait",
)


@dataclass(frozen=True)
class Verb:
    """One verb: its key, how its part of the spec is read (None after reporting), and its line for people.

    The spec of an action is ``{"verb", "context", …}`` with what ``read`` returns: at least ``resource`` (singular, lower
    case) and ``name``, and ``namespace`` for what has one.
    """

    key: Key
    read: Callable[[Section, Findings], Spec | None]
    line: Callable[[Spec], str]


def name_problem(part: str, text: str) -> str:
    """Return what keeps ``text`` from being a ``namespace``, ``name`` or ``uid`` (:data:`FILLED`), or nothing.

    Names are those of RFC 1123 as Kubernetes takes them: a label for namespaces, a subdomain for all else.
    """
    if part == "uid":
        return "" if _UID.fullmatch(text) else "is no uid of Kubernetes: 1 to 64 letters, digits and dashes"
    if part == "namespace":
        fits, most, inside = _NAMESPACE.fullmatch(text), _LONGEST_NAMESPACE, "dashes"
    else:
        fits, most, inside = _NAME.fullmatch(text), _LONGEST_NAME, "dashes and dots"
    if fits and len(text) <= most:
        return ""
    return f"is no name of RFC 1123: lower-case letters and digits, {inside} inside, at most {most} characters"


def read_name(section: Section, key: str, part: str, findings: Findings) -> str:
    """Return the template under ``key``, after a look at what it says itself; "" if there is none."""
    text = section.get(key) or ""
    # As if every placeholder were filled with the shortest name: what is then wrong, is wrong for every alert.
    problem = name_problem(part, fill(text, lambda _name: "x")) if text else ""
    if problem:
        findings.add(section.at(key), f'kubernetes: {key} "{text}" {problem}', "correct the name")
    return text


def read_object(section: Section, verb: str, resources: tuple[str, ...], findings: Findings) -> Spec | None:
    """Return ``{"resource", "namespace", "name"}`` of a section that names exactly one of ``resources``."""
    given = [resource for resource in resources if resource in section.nodes]
    if len(given) != 1:
        place = section.at(given[1]) if given else section.place
        problem = f"{verb} has {' and '.join(given)}" if given else f"{verb} names nothing"
        findings.add(place, problem, f"give it one of {', '.join(resources)}")
        return None
    name = read_name(section, given[0], "name", findings)
    return {"resource": given[0], "namespace": read_name(section, "namespace", "namespace", findings), "name": name}


def place_of(spec: Spec) -> str:
    """Return an object as people write it: ``deployment shop/web``."""
    return f"{spec['resource']} {spec['namespace']}/{spec['name']}"


def waiting(spec: Spec) -> str:
    """Return what a line says about the wait for a rollout."""
    return f", and wait up to {spec['wait']:g} s" if spec["wait"] else ""
