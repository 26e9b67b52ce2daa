"""Evidence of a small real site, collected once for all tests of the checker."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.chaos.planting.clean import collect_clean
from tests.chaos.planting.tampering import Copy
from tests.stack.site import running_site


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The evidence of a small real site."""
    folder = tmp_path_factory.mktemp("site")
    with running_site(folder) as site:
        collect_clean(site, folder / "evidence")
    return folder / "evidence"


@pytest.fixture
def evidence(clean: Path, tmp_path: Path) -> Copy:
    """A copy of it to damage."""
    shutil.copytree(clean, tmp_path / "evidence")
    return Copy(tmp_path / "evidence")
