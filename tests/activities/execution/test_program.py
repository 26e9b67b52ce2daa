"""Programs are found without a shell and without the worker's PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from activities.execution.program import resolve_argv

PYTHON = "/opt/lumen/bin/python"


@pytest.mark.parametrize(
    ("program", "found"),
    [
        ("python", PYTHON),
        ("python3", PYTHON),
        ("sh", None),
        ("/usr/sbin/lvextend", "/usr/sbin/lvextend"),
        ("./fix", "/srv/fix"),
        ("controls/fix.sh", "/srv/controls/fix.sh"),
        ("../fix", "/srv/../fix"),
        ("controls/python", "/srv/controls/python"),
    ],
)
def test_where_a_program_is(program: str, found: str | None) -> None:
    """python is Lumen's own, a path stands below the root, a bare name is in the fixed PATH; arguments stay as they are."""
    resolved = resolve_argv((program, "python", "controls/x.py", "$HOME"), Path("/srv"), PYTHON)
    assert resolved[1:] == ("python", "controls/x.py", "$HOME")
    assert resolved[0] == found or (found is None and resolved[0] in {"/usr/bin/sh", "/bin/sh"})


def test_a_relative_root_becomes_absolute() -> None:
    """The program path is absolute whatever the root is, since the command runs in another folder than the worker."""
    assert resolve_argv(("./fix",), Path("rules"), PYTHON) == (str(Path.cwd() / "rules/fix"),)


def test_a_name_that_is_nowhere() -> None:
    """A program that is not in the PATH is named in the error, with the PATH."""
    with pytest.raises(FileNotFoundError, match=r"no such program in /usr/local/sbin:.*'no-such-thing'"):
        resolve_argv(("no-such-thing",), Path("/srv"), PYTHON)


@pytest.mark.parametrize("argv", [(), ("",)])
def test_no_program(argv: tuple[str, ...]) -> None:
    """An empty command is refused."""
    with pytest.raises(ValueError, match="needs a program"):
        resolve_argv(argv, Path("/srv"), PYTHON)
