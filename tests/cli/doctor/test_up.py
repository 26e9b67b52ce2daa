"""The doctor beside a real `lumen up`: running, and after it was ended in two ways."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from cli.doctor.finding import Status
from tests.cli.doctor.conftest import Diagnose
from tests.cli.up.conftest import Up, group_of


@pytest.fixture
def up(tmp_path: Path) -> Iterator[Up]:
    """A `lumen up` that runs."""
    one = Up(tmp_path)
    one.start()
    yield one
    with suppress(AssertionError):
        one.end()


def test_what_lumen_up_left_is_enough_and_a_dead_part_ends_it(diagnose: Diagnose, up: Up) -> None:
    """Only the data directory is known, and all is found there; when proofd dies all ends, which is one failure.

    A `lumen up` that was killed leaves its addresses behind: they lead nowhere and are not followed.
    """
    known = {name: up.environ[name] for name in ("LUMEN_DATA_DIR", "LUMEN_RULES")}
    found = diagnose(known)
    assert found.failed() == {}
    assert f"(process {up.child.pid})" in found.one("lumen").found
    for check in ("temporal", "workers", "proofd", "proofd-token", "ledger", "api-token", "webhook-token", "worker"):
        assert found.status(check) is Status.OK, found.of(check)
    proofd = next(pid for pid, line in group_of(up.child.pid).items() if line.rstrip().endswith(" proofd"))
    os.kill(proofd, signal.SIGKILL)
    assert up.child.wait() == 1
    up.gone()
    ended = diagnose(up.environ)
    assert list(ended.failed()) == ["lumen"]
    assert ended.failed()["lumen"].startswith("nothing runs here")
    assert str(up.data / "logs") in ended.failed()["lumen"]
    up.start()
    up.end()
    assert (up.data / "endpoints.json").exists()
    killed = diagnose(up.environ)
    assert list(killed.failed()) == ["lumen"]
