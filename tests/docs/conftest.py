"""What the tests of several pages share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.up.conftest import Up
from tests.docs.shell import fresh_copy


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running ``lumen up`` with the shipped rules; a test may add rules and alerts of its own."""
    with fresh_copy(tmp_path_factory.mktemp("running")) as up:
        yield up
