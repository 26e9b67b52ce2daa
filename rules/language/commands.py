"""Command lines: splitting a string as a POSIX shell would, and keeping placeholders out of what would be run as code."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable

from rules.language.interpreters import LAUNCHERS, Interpreter, code_elements, interpreter
from rules.language.placeholders import names

_OPERATORS = frozenset(
    {"|", "||", "|&", "&", "&&", ";", ";;", ">", ">>", "<", "<<", "<<<", "2>", "2>>", "2>&1", "&>", ">&2", "(", ")"}
)
_EXPANSION = re.compile(r"\$[A-Za-z_{(?!@*#$]|`")
_SSH_VALUES = frozenset("BbcDEeFIiJLlmOopQRSWw")
_MOST_ARGUMENTS = 1000  # each is looked at once more for every program before it


class CommandError(ValueError):
    """The command cannot be accepted: the element (its index, -1 for the whole), what is wrong and how to fix it."""

    def __init__(self, index: int, problem: str, fix: str) -> None:
        """Keep the three parts."""
        super().__init__(problem)
        self.index, self.problem, self.fix = index, problem, fix


def split(line: str) -> list[str]:
    """Return the arguments in ``line``; raises :class:`CommandError` on open quotes and on operators of a shell."""
    try:
        argv = shlex.split(line)
    except ValueError as error:
        raise CommandError(-1, f"the command cannot be split: {error}", "close the quote, or write a list") from None
    for element in argv:
        if element in _OPERATORS:
            raise CommandError(
                -1,
                f'"{element}" is an operator of a shell, and no shell runs here',
                "write a script, or a list with sh -c",
            )
    return argv


def unexpanded(argv: list[str]) -> list[str]:
    """Return the elements that a shell would have expanded; here they stay as they are."""
    return [element for element in argv if _EXPANSION.search(element)]


def check_argv(argv: list[str]) -> list[str]:
    """Return warnings about ``argv`` (templates); raises :class:`CommandError` where a label value could become code."""
    if not argv or not argv[0]:
        raise CommandError(-1, "the command is empty", "name a program")
    if len(argv) > _MOST_ARGUMENTS:
        raise CommandError(-1, f"the command has more than {_MOST_ARGUMENTS} arguments", "write them into a file")
    if names(argv[0]):
        raise CommandError(
            0, "a placeholder stands in the program", "name the program; values belong into its arguments"
        )
    warnings = []
    for start, element in enumerate(argv):
        _check_evaluators(argv, start)
        found = interpreter(element)
        if found is None:
            continue
        code = code_elements(argv, start, found)
        for index in code:
            if names(argv[index]):
                raise CommandError(
                    index, f"a placeholder stands in the script or an option of {found.name}", _fix(found)
                )
        if found.shell and code:
            warnings.append(f"a shell runs ({found.name}), and what its script does with values is not checked")
    return warnings


def _check_evaluators(argv: list[str], start: int) -> None:
    """Refuse placeholders in what ``ssh``, ``env -S``, ``su -c`` and the like split or evaluate once more."""
    name = argv[start].rpartition("/")[2]
    if start and argv[0].rpartition("/")[2] not in LAUNCHERS and argv[start - 1] != "--":
        return
    evaluated = _EVALUATORS.get(name)
    for index in evaluated(argv, start) if evaluated else []:
        if names(argv[index]):
            raise CommandError(
                index,
                f"a placeholder stands in what {name} evaluates once more",
                "keep that part fixed; give values to a script there",
            )


def _env(argv: list[str], start: int) -> list[int]:
    """Return what ``env -S`` splits, and the program: the first element that is neither option nor assignment."""
    program = next((i for i in range(start + 1, len(argv)) if not argv[i].startswith("-") and "=" not in argv[i]), None)
    return _after("-S", "--split-string")(argv, start) + ([] if program is None else [program])


def _everything(argv: list[str], start: int) -> list[int]:
    return list(range(start + 1, len(argv)))


def _after(*options: str) -> Callable[[list[str], int], list[int]]:
    def found(argv: list[str], start: int) -> list[int]:
        return [
            index
            for index in range(start + 1, len(argv))
            if argv[index - 1] in options or argv[index].startswith(options)
        ]

    return found


def _ssh(argv: list[str], start: int) -> list[int]:
    """Return all but the destination: options may name a proxy command, and the far side's shell reads the rest."""
    operands, skip = 0, False
    result = []
    for index in range(start + 1, len(argv)):
        element = argv[index]
        option = element.startswith("-") and not skip
        if option or skip or operands:
            result.append(index)
        operands += not option and not skip
        skip = option and len(element) == 2 and element[1] in _SSH_VALUES
    return result


_EVALUATORS: dict[str, Callable[[list[str], int], list[int]]] = {
    "ssh": _ssh,
    "env": _env,
    "su": _after("-c", "--command"),
    "runuser": _after("-c", "--command"),
    "watch": _everything,
    "parallel": _everything,
    "eval": _everything,
}


def _fix(found: Interpreter) -> str:
    if found.shell:
        return f'use a positional parameter: [{found.name}, -c, \'… "$1"\', {found.name}, "{{labels.x}}"]'
    return "pass the value as an argument after the script"
