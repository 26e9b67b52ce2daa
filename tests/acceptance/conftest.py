"""Fixtures and options of the acceptance tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.stack.site import Site, running_site


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a person run more trials, or the ones of an earlier run again."""
    parser.addoption("--trials", type=int, default=1, help="how many random trials to run (1)")
    parser.addoption("--seed", type=int, default=None, help="the seed of an earlier run of trials, to replay it")
    parser.addoption("--storm", type=int, default=400, help="how many alerts a storm has (400; the full size is 10000)")


@pytest.fixture
def storm_size(request: pytest.FixtureRequest) -> int:
    """How many alerts a storm has."""
    size: int = request.config.getoption("--storm")
    return size


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A whole Lumen as separate processes."""
    with running_site(tmp_path) as one:
        yield one


@pytest.fixture(scope="module")
def shared_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A whole Lumen that the tests of a module share; each leaves all of it running."""
    with running_site(tmp_path_factory.mktemp("site")) as one:
        yield one
