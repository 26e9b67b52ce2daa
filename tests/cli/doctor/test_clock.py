"""The clock: an HTTP server whose Date is wrong, and an entry from the future."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from cli.doctor.finding import Status
from tests.cli.doctor.conftest import Diagnose, Stub

HEAD = '{"ok": true, "head": "00", "height": 1, "bytes": 1}'


@pytest.mark.parametrize(
    ("ahead", "status", "words"),
    [
        (20.0, Status.WARN, " s behind that of Prometheus"),
        (-20.0, Status.WARN, " s ahead of that of Prometheus"),
        (7200.0, Status.FAIL, " s behind that of Prometheus"),
        (-7200.0, Status.FAIL, " s ahead of that of Prometheus"),
    ],
)
def test_a_clock_that_differs_is_told_with_its_direction(
    diagnose: Diagnose, place: dict[str, str], stub: Stub, ahead: float, status: Status, words: str
) -> None:
    """Some seconds are a warning, minutes a failure; the finding names whose clock, the fix how to compare."""
    stub.ahead = ahead
    found = diagnose({**place, "PROMETHEUS_URL": stub.url}).one("clock")
    assert found.status is status
    assert words in found.found
    assert stub.address in found.found
    assert "timedatectl" in found.fix


@pytest.mark.parametrize("ahead", [0.0, 2.0, -2.0])
def test_a_clock_that_nearly_agrees_is_fine(
    diagnose: Diagnose, place: dict[str, str], stub: Stub, ahead: float
) -> None:
    """A second or two are within what a Date header can tell."""
    stub.ahead = ahead
    assert diagnose({**place, "PROMETHEUS_URL": stub.url}).status("clock") is Status.OK


def test_every_clock_is_compared_by_itself(
    diagnose: Diagnose, place: dict[str, str], start_stub: Callable[[], Stub]
) -> None:
    """One that agrees does not hide one that differs."""
    right, wrong = start_stub(), start_stub()
    wrong.ahead = -300
    found = diagnose({**place, "PROMETHEUS_URL": right.url, "ALERTMANAGER_URL": wrong.url}).one("clock")
    assert found.status is Status.FAIL
    assert wrong.address in found.found


@pytest.mark.parametrize(("ahead", "header"), [(None, ""), (500.0, "Age")])
def test_a_date_that_says_nothing_is_not_used(
    diagnose: Diagnose, place: dict[str, str], stub: Stub, ahead: float | None, header: str
) -> None:
    """No date, and a date that a cache has kept, are no clock."""
    stub.ahead = ahead
    stub.headers = {header: "500"} if header else {}
    assert diagnose({**place, "PROMETHEUS_URL": stub.url}).status("clock") is Status.SKIP


@pytest.mark.parametrize(("minutes", "status"), [(10, Status.FAIL), (-600, Status.OK)])
def test_an_entry_from_the_future_shows_a_wrong_clock(
    diagnose: Diagnose, place: dict[str, str], stub: Stub, minutes: int, status: Status
) -> None:
    """The ledger's newest entry cannot be later than now; that it is old says nothing."""
    at = datetime.now(UTC) + timedelta(minutes=minutes)
    stub.answers = {"/head": (200, HEAD), "/entries/0": (200, json.dumps({"at": at.isoformat()}))}
    found = diagnose({**place, "PROOFD_URL": stub.url, "PROOFD_TOKEN": "proofd-token"}).one("clock")
    assert found.status is status
    assert "the newest ledger entry" in found.found
