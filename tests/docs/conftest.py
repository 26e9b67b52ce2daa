"""What the tests of several pages share."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest

from tests.cli.up.conftest import Up
from tests.docs.shell import fresh_copy


@pytest.fixture(scope="session")
def shell_programs(require_all: bool) -> None:
    """Skip, with the reason, where a program of the pages is not installed; where all is required, fail."""
    missing = [name for name in ("bash", "curl", "openssl") if shutil.which(name) is None]
    if missing and not require_all:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian packages of the same names)")
    assert not missing


@pytest.fixture(scope="session")
def running(shell_programs: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running ``lumen up`` with the shipped rules; a test may add rules and alerts of its own."""
    with fresh_copy(tmp_path_factory.mktemp("running")) as up:
        yield up
