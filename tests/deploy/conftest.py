"""What the tests of the containers stand on: the image's environment, built once, and secrets."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.dockerfile import ROOT, Built, build

PEOPLE = ("alice@example.com", "bob@example.com")

Tool = Callable[[str, str], str]


@pytest.fixture(scope="session")
def tool(require_all: bool) -> Tool:
    """A function that finds a program, beside this interpreter first; it skips, or fails where everything is required."""

    def find(name: str, where_from: str) -> str:
        beside = Path(sys.executable).with_name(name)
        found = str(beside) if beside.is_file() else shutil.which(name)
        if not found and not require_all:
            pytest.skip(f"not installed: {name} ({where_from})")
        assert found, f"not installed: {name} ({where_from})"
        return found

    return find


@pytest.fixture(scope="session")
def open_folder() -> Iterator[Path]:
    """A folder that every user can read. Not below /tmp: containers have a /tmp of their own."""
    folder = Path(tempfile.mkdtemp(prefix="lumen-containers-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def built(open_folder: Path) -> Built:
    """What the build stage of the Dockerfile makes."""
    return build(open_folder)


@dataclass(frozen=True)
class Secrets:
    """The folder with the secrets of an installation, and the token of each person."""

    folder: Path
    tokens: dict[str, str]

    def read(self, name: str) -> str:
        """Return one secret."""
        return (self.folder / name).read_text(encoding="utf-8")


def make_secrets(folder: Path, *people: str) -> subprocess.CompletedProcess[str]:
    """Run the program that makes the secrets."""
    return subprocess.run(
        ["/bin/sh", str(ROOT / "deploy/docker/make-secrets.sh"), *people],
        env={"PATH": "/usr/bin:/bin", "SECRETS_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )


def tokens_in(printed: str) -> dict[str, str]:
    """Return the tokens that were printed, by person."""
    return dict(re.findall(r"^token of (\S+): ([0-9a-f]{64})$", printed, re.MULTILINE))


@pytest.fixture(scope="session")
def secrets(open_folder: Path) -> Secrets:
    """Fresh secrets as containers find them: each file by itself, whatever the mode of the folder on the host."""
    made = open_folder / "secrets-on-the-host"
    done = make_secrets(made, *PEOPLE)
    assert done.returncode == 0, done.stderr
    folder = open_folder / "secrets"
    folder.mkdir()
    for file in made.iterdir():
        shutil.copy2(file, folder / file.name)
    return Secrets(folder, tokens_in(done.stdout))
