"""What the documents name exists: files, headings, commands and options, variables, dependencies."""

from __future__ import annotations

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

from activities.execution.environment import ALLOWED
from cli.main import app
from lumen import settings

_ROOT = Path(__file__).parents[2]
_PAGES = [*sorted(_ROOT.glob("*.md")), *sorted((_ROOT / "docs").rglob("*.md"))]
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_COMMAND = re.compile(r"(?:^|\$\(|`)(lumen [a-z][^`\n)|]*)", re.MULTILINE)
_VARIABLE = re.compile(r"\b(LUMEN_[A-Z_]*[A-Z]|[A-Z]+(?:_[A-Z]+)*_URL|PROOFD?_[A-Z]+)\b")
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)

pages = pytest.mark.parametrize("page", _PAGES, ids=lambda page: str(page.relative_to(_ROOT)))


def anchors(page: Path) -> set[str]:
    """Return the anchors of the headings of a page, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text(encoding="utf-8")), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pages
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    """Every link to a file of the project finds it, and the heading too if it names one."""
    broken = []
    for link in _LINK.findall(_FENCE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert not broken


def problem_of(words: list[str]) -> str:
    """Return what is wrong with a command line of ``lumen``, or nothing: unknown commands and options."""
    command: Any = typer.main.get_command(app)
    rest = words[1:]
    while rest and not rest[0].startswith("-") and (commands := getattr(command, "commands", None)) is not None:
        if rest[0] not in commands:
            return f"no command {rest[0]}"
        command, rest = commands[rest[0]], rest[1:]
    known = {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
    unknown = [word for word in rest if word.startswith("-") and word.partition("=")[0] not in known]
    return f"no option {', '.join(unknown)}" if unknown else ""


@pages
def test_every_command_exists(page: Path) -> None:
    """Every `lumen …` command of the documents exists, with the options it is given."""
    text = re.sub(r"(`[^`\n]*)\n([^`\n]*`)", r"\1 \2", page.read_text(encoding="utf-8"))
    problems = {}
    for line in _COMMAND.findall(text):
        if problem := problem_of(shlex.split(line, comments=True)):
            problems[line] = problem
    assert not problems


@pages
def test_every_variable_is_a_setting(page: Path) -> None:
    """Every variable of the documents is one that Lumen reads, or one that it gives to commands."""
    known = {*settings._SETTINGS, *(f"{name}_FILE" for name in settings._SECRET), *ALLOWED, "LUMEN_LABEL"}
    named = {re.sub("^(LUMEN_LABEL)_.*", r"\1", name) for name in _VARIABLE.findall(page.read_text(encoding="utf-8"))}
    assert named - known == set()


def test_an_unknown_command_and_an_unknown_option_are_seen() -> None:
    """The check of commands finds what does not exist."""
    assert problem_of(["lumen", "fly"]) == "no command fly"
    assert problem_of(["lumen", "alert", "fly"]) == "no command fly"
    assert problem_of(["lumen", "alert", "list", "--fast"]) == "no option --fast"


def test_every_dependency_has_its_reason() -> None:
    """docs/dependencies.md names every dependency of pyproject.toml and no other."""
    project = tomllib.loads((_ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = [
        *project["dependencies"],
        *(item for extra in project["optional-dependencies"].values() for item in extra),
    ]
    names = {re.split(r"[<>=~!\[]", item, maxsplit=1)[0] for item in wanted}
    text = (_ROOT / "docs" / "dependencies.md").read_text(encoding="utf-8")
    listed = set(re.findall(r"^\| `([a-z0-9-]+)` \|", text, re.MULTILINE))
    assert listed == names


def test_the_shipped_rules_are_as_the_readme_says() -> None:
    """The rule that ships has a condition and runs nothing, and a warning wants one vote."""
    rules = (_ROOT / "rules" / "lumen.yaml").read_text(encoding="utf-8")
    policy = (_ROOT / "rules" / "policy.yaml").read_text(encoding="utf-8")
    assert re.search(r"^  dry_run: true", rules, re.MULTILINE)
    assert re.search(r"^    when: ", rules, re.MULTILINE)
    assert re.search(r"^  warning: +\{approve: 1,", policy, re.MULTILINE)
