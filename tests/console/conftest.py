"""One site and one browser for all tests of the console."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.console.chromium import PROGRAM, chromium, installed
from tests.console.stage import fill, stage
from tests.stack.site import Site


@pytest.fixture(scope="module")
def browser(require_all: bool) -> Iterator[Browser]:
    """Debian's Chromium; gone with its module, since while it is there no coroutine can run in this process."""
    if not installed() and not require_all:
        pytest.skip(f"not installed: {PROGRAM} (Debian: chromium)")
    assert installed(), f"not installed: {PROGRAM} (Debian: chromium)"
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def site(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:  # a skip costs no start
    """A whole Lumen with the rules of the stage; tests use alerts of their own."""
    with stage(tmp_path_factory.mktemp("console")) as one:
        yield one


@pytest.fixture(scope="module")
def keys(site: Site) -> dict[str, str]:
    """Episodes to look at, by what they show; tests leave them as they are."""
    return fill(site)
