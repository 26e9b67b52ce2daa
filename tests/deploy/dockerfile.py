"""Reads the Dockerfile and carries out its build stage outside of a container, with the same commands."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
BUILD_SECONDS = 240


@dataclass(frozen=True)
class Instruction:
    """One instruction: the stage that it belongs to, its keyword and the rest of it on one line."""

    stage: str
    keyword: str
    rest: str


def instructions() -> list[Instruction]:
    """Return the instructions of the Dockerfile in order."""
    text = re.sub(r"^\s*#.*\n", "", (ROOT / "Dockerfile").read_text(encoding="utf-8"), flags=re.MULTILINE)
    found, stage = [], ""
    for line in re.sub(r"\s*\\\n\s*", " ", text).splitlines():
        keyword, _, rest = line.strip().partition(" ")
        if keyword == "FROM":
            stage = rest.partition(" AS ")[2]
        if keyword:
            found.append(Instruction(stage, keyword, rest))
    return found


def one(stage: str, keyword: str) -> str:
    """Return the rest of the only instruction of this kind in a stage."""
    found = [each.rest for each in instructions() if (each.stage, each.keyword) == (stage, keyword)]
    assert len(found) == 1, found
    return found[0]


def entrypoint() -> list[str]:
    """Return the command line to which every command of the compose file is appended."""
    words: list[str] = json.loads(one("runtime", "ENTRYPOINT"))
    return words


def image_environment() -> dict[str, str]:
    """Return the variables that the image sets, ``PATH`` left out."""
    return {name: value for name, value in assignments(one("runtime", "ENV")).items() if name != "PATH"}


def assignments(words: str) -> dict[str, str]:
    """Return what ``NAME=value NAME=value`` sets."""
    pairs = (word.partition("=") for word in words.split())
    return {name: value for name, _, value in pairs}


def allowed() -> list[str]:
    """Return the names at the top of the tree that .dockerignore lets through."""
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    lines = [line for line in lines if line and not line.startswith("#")]
    assert (lines[0], lines[-1]) == ("*", "**/__pycache__"), "everything is kept out first"
    names = [line.removeprefix("!") for line in lines[1:-1]]
    assert all(re.fullmatch(r"[A-Za-z.]+", name) for name in names), names
    return names


def copy_context(to: Path) -> None:
    """Copy what the build is given."""
    to.mkdir()
    for name in allowed():
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, to / name)


@dataclass(frozen=True)
class Built:
    """What the build stage made: the environment that goes into the image, and the folder with the wheel."""

    venv: Path
    dist: Path

    @property
    def site_packages(self) -> Path:
        """Where the packages are."""
        return next((self.venv / "lib").glob("python3.*/site-packages"))


def build(folder: Path) -> Built:
    """Carry out the build stage below ``folder``; its absolute paths become paths there, the rest stays as it is."""
    copy_context(folder / "context")
    work = folder / "build"
    work.mkdir()
    built = Built(folder / "opt" / "lumen", folder / "dist")
    # The environment of the tests goes along: it says where pip finds packages here.
    env = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}  # noqa: TID251 - see above
    for each in instructions():
        if each.stage != "build":
            continue
        if each.keyword == "ENV":
            env.update(assignments(each.rest))
        elif each.keyword == "COPY":
            _copy(folder / "context", each.rest.split()[0], work)
        elif each.keyword == "RUN":
            command = re.sub(r"--mount=\S+ ", "", each.rest)
            command = command.replace("/opt/lumen", str(built.venv)).replace("/dist", str(built.dist))
            _run(command, work, env)
    return built


def _copy(context: Path, source: str, to: Path) -> None:
    if source == ".":
        shutil.copytree(context, to, dirs_exist_ok=True)
    else:
        shutil.copy2(context / source, to)


def _run(command: str, folder: Path, env: dict[str, str]) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=BUILD_SECONDS,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout[-4000:]}"


def project() -> dict[str, Any]:
    """Return pyproject.toml."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
