"""What a command runs in: the keys of an action that say as whom, within which limits and with which secrets."""

from __future__ import annotations

import re
from typing import Any

from lumen.sizes import written_size
from rules.key import REQUIRED, Key
from rules.reading.document import Findings, Scalar
from rules.reading.sections import Named, Section

MOST = 10**15  # bytes
_ACCOUNT = r"[A-Za-z_][A-Za-z0-9_.-]{0,31}"
_VARIABLE = re.compile(r"[A-Z][A-Z0-9_]{0,99}")
_TAKEN = re.compile(
    r"PATH|HOME|LANG|LC_.*|USER|LOGNAME|SHELL|IFS|ENV|BASH.*|SHELLOPTS|PS4|CDPATH|GLOBIGNORE|TMPDIR|LUMEN_.*|LD_.*|PYTHON.*"
    r"|PERL5.*|PERLLIB|RUBYOPT|RUBYLIB|NODE_OPTIONS|JAVA_TOOL_OPTIONS|GCONV_PATH|LOCPATH|NLSPATH|MALLOC_.*|GLIBC_TUNABLES"
)
"""Variables that Lumen sets itself, or that would make another program of the one that was approved."""

RESOURCES = (
    Key("memory", "size", 0, "address space of one process", least=16 * 10**6, most=MOST, otherwise="unlimited"),
    Key("cpu", "duration", 0.0, "processor time of one process", least=1, otherwise="unlimited"),
    Key(
        "processes",
        "int",
        0,
        "processes and threads of its user in all, not of this command alone; needs a `user` other than root",
        least=1,
        most=100_000,
        otherwise="unlimited",
    ),
    Key("file_size", "size", 0, "size of one file that it writes", least=1000, most=MOST, otherwise="unlimited"),
)

SECRET = (
    Key("file", "text", REQUIRED, "absolute path on the worker; 64 KiB at most", pattern=r"/[^\x00-\x1f\x7f{}]{1,500}"),
)

KEYS = (
    Key("user", "text", None, "user that a `cmd` runs as", pattern=_ACCOUNT, otherwise="that of the worker"),
    Key("groups", "strings", None, "supplementary groups of `user`"),
    Key("resources", "section", None, "what a `cmd` may use", keys=RESOURCES),
    Key("secrets", "named_sections", None, "variables of a `cmd`, each read from a file", keys=SECRET),
)

NAMES = tuple(key.name for key in KEYS)


def surroundings_of(spec: dict[str, Any]) -> dict[str, Any]:
    """Return the part of the spec of a ``cmd`` that is here, for another program that runs in the same surroundings."""
    return {name: spec[name] for name in NAMES if name in spec}


def read_surroundings(section: Section, kind: str, findings: Findings) -> dict[str, Any]:
    """Return what the action ``section`` says here as part of the spec of its ``kind``; what is wrong is reported."""
    given = [name for name in NAMES if name in section.nodes]
    if given and kind != "cmd":
        findings.add(section.at(given[0]), f"{given[0]} is about commands, and this action is {kind}", "remove it")
        return {}
    spec: dict[str, Any] = {}
    if user := section.get("user"):
        spec["user"] = user
    if groups := _groups(section, findings):
        spec["groups"] = groups
    if (resources := section.get("resources")) is not None and (limits := _limits(resources, findings)):
        spec["resources"] = limits
    if secrets := _secrets(section.get("secrets") or [], findings):
        spec["secrets"] = secrets
    return spec


def _groups(section: Section, findings: Findings) -> list[str]:
    given: list[Scalar] = section.get("groups") or []
    if given and "user" not in section.nodes:
        findings.add(section.at("groups"), "groups stands without user", "add user: NAME, or remove groups")
    for each in given:
        if not re.fullmatch(_ACCOUNT, each.text):
            findings.add(each.place, f'"{each.text}" is no name of a group', f"it must look like {_ACCOUNT}")
    return [each.text for each in given]


def _limits(section: Section, findings: Findings) -> dict[str, Any]:
    if not section.nodes:
        findings.add(section.place, "resources limits nothing", f"add one of {', '.join(section.schema)}")
    return {name: section.values[name] for name in section.schema if name in section.values}


def _secrets(given: list[Named], findings: Findings) -> dict[str, Any]:
    for each in given:
        name = each.name.text
        if not _VARIABLE.fullmatch(name):
            findings.add(each.name.place, f'"{name}" is no variable for a secret', "write it like DB_PASSWORD")
        elif _TAKEN.fullmatch(name):
            findings.add(each.name.place, f"the variable {name} has a meaning already", "take another name")
    return {each.name.text: {"file": each.value.get("file")} for each in given}


def surroundings_line(spec: dict[str, Any]) -> str:
    """Return for people what the spec of a ``cmd`` says here, ``[as postgres; …] ``, or nothing.

    It stands before the command: what is long is cut at its end.
    """
    parts = []
    if "user" in spec:
        groups = "".join(f", group {name}" for name in spec.get("groups", []))
        parts.append(f"as {spec['user']}{groups}")
    parts += [f"{name} {_written(name, value)}" for name, value in spec.get("resources", {}).items()]
    parts += [f"{name} from {reference['file']}" for name, reference in spec.get("secrets", {}).items()]
    return f"[{'; '.join(parts)}] " if parts else ""


def _written(name: str, value: float) -> str:
    if name in {"memory", "file_size"}:
        return written_size(int(value))
    return f"{value:g}s" if name == "cpu" else f"{value:g}"
