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
    """What one option means: the element after it is ``code`` or a ``module``, it takes ``values`` more, and is it known."""

    code: bool = False
    module: bool = False
    values: int = 0
    known: bool = True


@dataclass(frozen=True)
class Interpreter:
    """How one interpreter takes code.

    ``code``: letters of short options whose argument is code; ``long`` the long ones. ``flags``: letters that take no
    argument. ``values``: letters that take one; ``data``: those of them whose argument is never evaluated. ``modules``:
    letters that name a module, after which all is data. ``repeats``: options may follow the code. ``runs_operand``:
    without code the first operand is the script.
    """

    name: str
    code: str
    long: tuple[str, ...] = ()
    flags: str = ""
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
            return Option(code=element in self.long, known="=" in element or element in self.long)
        letters = element[1:]
        if self.shell:
            return Option(
                code="c" in letters, values=sum(letter in "oO" for letter in letters), known=letters.isalpha()
            )
        last = letters[-1:]
        known = (
            all(letter in self.flags for letter in letters[:-1])
            and last in self.flags + self.code + self.values + self.modules
        )
        return Option(
            code=any(letter in self.code for letter in letters),
            module=known and last in self.modules and last != "",
            values=int(known and last in self.values and last != ""),
            known=known,
        )

    def is_data(self, element: str) -> bool:
        """Return whether the argument of this option is plain data, as that of ``awk -v`` is."""
        return len(element) > 1 and element[1] in self.data


_OTHERS = (
    Interpreter("python", "c", flags="bBdEhiIOPqsSuvVx", values="WX", modules="m"),
    Interpreter("pypy", "c", flags="bBdEhiIOPqsSuvVx", values="WX", modules="m"),
    Interpreter("perl", "eE", flags="acnpstTuUvwWX", values="I", repeats=True),
    Interpreter("ruby", "e", flags="acnplsSvwU", values="IrCE", repeats=True),
    Interpreter("node", "ep", ("--eval", "--print"), flags="ichv", values="rC", repeats=True),
    Interpreter("nodejs", "ep", ("--eval", "--print"), flags="ichv", values="rC", repeats=True),
    Interpreter("php", "rBRE", ("--run",), flags="aCehlmnqsvw", values="dcz", repeats=True),
    Interpreter("lua", "e", flags="ivE", values="l", repeats=True),
    Interpreter("awk", "e", ("--source",), values="vFf", data="vF", repeats=True),
    Interpreter("gawk", "e", ("--source",), values="vFf", data="vF", repeats=True),
    Interpreter("mawk", "", values="vFf", data="vF", repeats=True),
    Interpreter("sed", "e", ("--expression",), flags="nEruszi", values="fl", repeats=True),
    Interpreter("psql", "c", ("--command",), repeats=True, runs_operand=False),
    Interpreter("mysql", "e", ("--execute",), repeats=True, runs_operand=False),
    Interpreter("mariadb", "e", ("--execute",), repeats=True, runs_operand=False),
)
_KNOWN = {name: Interpreter(name, "c", ("--command",)) for name in SHELLS} | {each.name: each for each in _OTHERS}


def interpreter(element: str) -> Interpreter | None:
    """Return the interpreter that ``element`` names, whatever its folder and version (``/usr/bin/python3.11``)."""
    name = element.rpartition("/")[2]
    return _KNOWN.get(name) or _KNOWN.get(_VERSION.sub("", name))


def code_elements(argv: list[str], start: int, found: Interpreter) -> list[int]:
    """Return the indexes after ``start``, where ``found`` stands, of what may be its code, script or code-like options."""
    return _Scan(argv, start, found).run()


class _Scan:
    """Reads the arguments of one interpreter from left to right."""

    def __init__(self, argv: list[str], start: int, found: Interpreter) -> None:
        self._argv, self._start, self._found = argv, start, found
        self._leading = start == 0 or argv[start - 1] == "--" or argv[0].rpartition("/")[2] in LAUNCHERS
        self._code: list[int] = []
        self._sure = True
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
        option = self._found.option(element)
        self._sure = self._sure and option.known
        data = self._found.is_data(element)
        if not data and (self._leading or option.code or "=" in element):
            self._code.append(index)
        if option.module:
            self._code.append(index + 1)
            self._done = True
            return 1
        if option.code and not self._found.shell:
            self._code.append(index + 1)
            self._has_code = True
            self._done = self._sure and not self._found.repeats
            return 1 if option.known else 0
        self._awaits_script = self._awaits_script or (option.code and self._found.shell)
        if not data:
            self._code.extend(range(index + 1, index + 1 + option.values))
        return option.values

    def _operand(self, index: int) -> None:
        if self._awaits_script or (self._leading and self._found.runs_operand and not self._has_code):
            self._code.append(index)
        self._done = self._sure and (self._found.runs_operand or self._awaits_script)
