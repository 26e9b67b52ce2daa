"""What the commands of rules want from the machine they run on, compared with this one."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from activities.execution.program import PYTHON_NAMES, resolve_argv
from lumen.plan import PlannedAction
from rules.kinds import cmd
from rules.language.interpreters import SHELLS
from rules.language.placeholders import names
from rules.model import Rule, RuleSet

_RUN_SCRIPTS = SHELLS | PYTHON_NAMES | {"perl", "ruby", "node"}


def missing(ruleset: RuleSet, folder: Path, python: str) -> list[str]:
    """Return a line for each program, script of an interpreter, user, group or secret that is not on this machine.

    ``folder`` holds the rules; relative paths begin at its parent, as on the worker. Actions of another runner than the
    default one are left out: they are for other machines.
    """
    root = folder.resolve().parent
    return [line for rule in ruleset.rules for line in _of_rule(rule, root, python)]


def _of_rule(rule: Rule, root: Path, python: str) -> Iterator[str]:
    for action in rule.actions:
        if action.kind == cmd.KIND.name and action.runner == PlannedAction.runner:
            for problem in (*_problems(action.spec["argv"], root, python), *_around(action.spec)):
                yield f'rule "{rule.name}", action "{action.name}": {problem}'


def _around(spec: dict[str, Any]) -> Iterator[str]:
    if "user" in spec:
        try:
            pwd.getpwnam(spec["user"])
        except KeyError:
            yield f"there is no user {spec['user']} on this machine"
    for name in spec.get("groups", ()):
        try:
            grp.getgrnam(name)
        except KeyError:
            yield f"there is no group {name} on this machine"
    for name, reference in spec.get("secrets", {}).items():
        with contextlib.suppress(PermissionError):  # the worker may be allowed to look where we are not
            if not Path(reference["file"]).is_file():
                yield f"there is no file {reference['file']} for {name} on this machine"


def _problems(argv: list[str], root: Path, python: str) -> Iterator[str]:
    try:
        program = Path(resolve_argv(argv, root, python)[0])
    except FileNotFoundError as error:
        yield f"{error.filename}: {error.strerror}"
        return
    if not program.is_file():
        yield f"there is no program {program} on this machine"
    elif not os.access(program, os.X_OK):
        yield f"{program} may not be executed here: chmod +x it"
    script = argv[1] if len(argv) > 1 and argv[0].rpartition("/")[2] in _RUN_SCRIPTS else ""
    if script and not script.startswith("-") and not names(script) and not (root / script).is_file():
        yield f"there is no script {root / script} on this machine"
