"""The table in docs/settings.md says the same as lumen.settings."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from activities.execution.environment import ALLOWED, LABEL_PREFIX
from lumen import settings

_PAGE = Path(__file__).parents[2] / "docs" / "settings.md"
_ROW = re.compile(r"^\| `([A-Z_]+)` \| (.*?) \| (.*?) ?\| (.*?) \|$", re.MULTILINE)


def rows() -> dict[str, tuple[str, str]]:
    """Return default and file column of every variable in the table, by name."""
    return {name: (default, file) for name, default, file, _ in _ROW.findall(_PAGE.read_text(encoding="utf-8"))}


def shown(value: Any) -> str:
    """Return a default the way the table writes it."""
    if isinstance(value, bool):
        return f"`{int(value)}`"
    if isinstance(value, tuple) and value:
        return f"`{','.join(value)}`"
    return "unset" if value in ("", (), {}) else f"`{value}`"


def test_the_table_lists_every_variable_and_no_other() -> None:
    """The table has exactly the variables that Lumen reads, each once."""
    listed = [name for name, *_ in _ROW.findall(_PAGE.read_text(encoding="utf-8"))]
    assert sorted(listed) == sorted(settings._SETTINGS)


@pytest.mark.parametrize("name", sorted(settings._SETTINGS))
def test_a_default_in_the_table_is_the_one_in_the_code(name: str) -> None:
    """Each default in the table is that of the settings themselves."""
    attribute, _ = settings._SETTINGS[name]
    assert rows()[name][0] == shown(getattr(settings.Settings(), attribute))


@pytest.mark.parametrize("name", sorted(settings._SETTINGS))
def test_the_table_says_which_values_may_be_files(name: str) -> None:
    """The column "file" says yes for secrets and for nothing else."""
    assert rows()[name][1] == ("yes" if name in settings._SECRET else "")


def test_the_page_lists_what_a_command_finds_in_its_environment() -> None:
    """Every variable that a command gets is on the page."""
    text = _PAGE.read_text(encoding="utf-8")
    missing = [name for name in sorted({*ALLOWED, f"{LABEL_PREFIX}<NAME>"}) if f"`{name}`" not in text]
    assert not missing
