"""Programs that run code from their arguments, and where it stands: a label value must never be part of it.

The reading is built to err on the safe side. Where it cannot tell whether an element is an option's value or the
script, it takes every candidate for code. A program that evaluates its arguments and is not named here is not recognised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "mksh", "fish", "rbash", "csh", "tcsh"})
LAUNCHERS = frozenset(
    {
        "env",
        "sudo",
        "doas",
        "nice",
        "ionice",
        "nohup",
        "timeout",
        "setsid",
        "stdbuf",
        "time",
        "chroot",
        "busybox",
        "toybox",
    }
    | {"xargs", "flock", "unshare", "nsenter", "chrt", "taskset", "prlimit", "systemd-run", "bwrap", "strace", "exec"}
)
_VERSION = re.compile(r"[-.0-9]+$")


@dataclass(frozen=True)
class Option:
    """What one option means: the element after it is ``code`` or a ``module``, it ``holds`` code itself, it takes ``values``.

    ``known`` is False where it may or may not take the next element as its value.
    """

    code: bool = False
    holds: bool = False
    module: bool = False
    values: int = 0
    known: bool = True


@dataclass(frozen=True)
class Interpreter:
    """How one interpreter takes code.

    ``code``: letters of short options whose argument is code or a file of code; ``long`` the long ones. ``flags``: letters,
    and ``long_flags`` names, of options without argument. ``values``: letters that take one; ``data``: those of them whose
    argument is never evaluated. ``modules``: letters that name a module, after which all is data. ``repeats``: options
    may follow the code. ``runs_operand``: without code the first operand is the script.
    """

    name: str
    code: str
    long: tuple[str, ...] = ()
    flags: str = ""
    long_flags: tuple[str, ...] = ()
    values: str = ""
    data: str = ""
    modules: str = ""
    repeats: bool = False
    runs_operand: bool = True

    @property
    def shell(self) -> bool:
        """Whether it is a shell: its script is the first operand after all options, not the element after ``-c``."""
        return self.name in SHELLS

    def option(self, element: str) -> Option:
        """Return what ``element``, which begins with a dash or plus, means."""
        if element.startswith("--"):
            holds = element.startswith(tuple(f"{name}=" for name in self.long))
            return Option(element in self.long, holds, known="=" in element or element in self.long + self.long_flags)
        letters = element[1:]
        if self.shell:
            values = sum(letter in "oO" for letter in letters)
            return Option("c" in letters, "c" in letters, values=values, known=letters.isalpha())
        code = any(letter in self.code for letter in letters)
        last = letters[-1]
        known = all(letter in self.flags for letter in letters[:-1])
        known = known and last in self.flags + self.code + self.values + self.modules
        return Option(code, code, known and last in self.modules, int(known and last in self.values), known)

    def is_data(self, element: str) -> bool:
        """Return whether the argument of this option is plain data, as that of ``awk -v`` is."""
        return element[1] in self.data


_SHELL_FLAGS = ("--norc", "--noprofile", "--posix", "--login", "--restricted")
_OTHERS = (
    Interpreter("python", "c", flags="bBdEhiIOPqsSuvVx", values="WX", modules="m"),
    Interpreter("pypy", "c", flags="bBdEhiIOPqsSuvVx", values="WX", modules="m"),
    Interpreter("perl", "eE", flags="acnpstTuUvwWX", values="I", repeats=True),
    Interpreter("ruby", "e", flags="acnplsSvwU", values="IrCE", repeats=True),
    Interpreter("node", "ep", ("--eval", "--print"), flags="ichv", values="rC", repeats=True),
    Interpreter("nodejs", "ep", ("--eval", "--print"), flags="ichv", values="rC", repeats=True),
    Interpreter("php", "rBREFf", ("--run", "--file"), flags="aCehlmnqsvw", values="dcz", repeats=True),
    Interpreter("lua", "e", flags="ivE", values="l", repeats=True),
    Interpreter("awk", "ef", ("--source", "--file"), values="vF", data="vF", repeats=True),
    Interpreter("gawk", "ef", ("--source", "--file"), values="vF", data="vF", repeats=True),
    Interpreter("mawk", "f", values="vF", data="vF", repeats=True),
    Interpreter("sed", "ef", ("--expression", "--file"), flags="nEruszi", values="l", repeats=True),
    Interpreter("psql", "c", ("--command",), repeats=True, runs_operand=False),
    Interpreter("mysql", "e", ("--execute",), repeats=True, runs_operand=False),
    Interpreter("mariadb", "e", ("--execute",), repeats=True, runs_operand=False),
)
_KNOWN = {name: Interpreter(name, "c", ("--command",), long_flags=_SHELL_FLAGS) for name in SHELLS}
_KNOWN |= {each.name: each for each in _OTHERS}


def interpreter(element: str) -> Interpreter | None:
    """Return the interpreter that ``element`` names, whatever its folder and version (``/usr/bin/python3.11``)."""
    name = element.rpartition("/")[2]
    return _KNOWN.get(name) or _KNOWN.get(_VERSION.sub("", name))


def code_elements(argv: list[str], start: int, found: Interpreter) -> list[int]:
    """Return the indexes after ``start``, where ``found`` stands, of what may be its code, its script or an option."""
    return _Scan(argv, start, found).run()


class _Scan:
    """Reads the arguments of one interpreter from left to right."""

    def __init__(self, argv: list[str], start: int, found: Interpreter) -> None:
        self._argv, self._start, self._found = argv, start, found
        self._leading = start == 0 or argv[start - 1] == "--" or argv[0].rpartition("/")[2] in LAUNCHERS
        self._code: list[int] = []
        self._unknown = 0  # options that may have taken the next element as their value
        self._operands = 0
        self._awaits_script = False
        self._has_code = False
        self._done = False

    def run(self) -> list[int]:
        index, only_operands = self._start + 1, False
        while index < len(self._argv) and not self._done:
            element = self._argv[index]
            if element == "--" and not only_operands:
                only_operands = True
            elif element.startswith(("-", "+")) and len(element) > 1 and not only_operands:
                index += self._option(index, element)
            else:
                self._operand(index)
            index += 1
        return [place for place in self._code if place < len(self._argv)]

    def _option(self, index: int, element: str) -> int:
        """Take in one option; return how many elements after it belong to it."""
        option, data = self._found.option(element), self._found.is_data(element)
        self._unknown += not option.known
        if option.holds or (self._leading and self._found.runs_operand and not data):
            self._code.append(index)
        if option.module:
            self._code.append(index + 1)
            self._done = True
            return 1
        if option.code and not self._found.shell:
            self._code.append(index + 1)
            self._has_code = True
            self._done = not self._unknown and not self._found.repeats
            return int(option.known)
        self._awaits_script = self._awaits_script or option.code
        if not data:
            self._code.extend(range(index + 1, index + 1 + option.values))
        return option.values

    def _operand(self, index: int) -> None:
        """Take in one operand: the script, or, while unknown options may have taken some, one of its candidates."""
        self._operands += 1
        if self._awaits_script or (self._leading and self._found.runs_operand and not self._has_code):
            self._code.append(index)
        self._done = self._operands > self._unknown and (self._found.runs_operand or self._awaits_script)
