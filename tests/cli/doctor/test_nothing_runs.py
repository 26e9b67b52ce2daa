"""Where nothing runs: one clear finding, and what would keep `lumen up` from starting."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from temporalio.client import Client

from cli import datadir
from cli.doctor.finding import Status
from tests.cli.doctor.conftest import Diagnose, Stub

LISTENERS = ("LUMEN_API_ADDR", "PROOFD_ADDR", "LUMEN_WORKER_ADDR", "LUMEN_TEMPORAL_PORT", "LUMEN_TEMPORAL_UI_PORT")


def test_nothing_running_is_one_failure_with_the_command_that_starts_it(
    diagnose: Diagnose, place: dict[str, str]
) -> None:
    """What `lumen up` would start is not a failure each: one line says that nothing runs, the others are skipped."""
    found = diagnose(place)
    assert found.failed() == {"lumen": f"nothing runs here (data directory {place['LUMEN_DATA_DIR']})"}
    assert "make run" in found.one("lumen").fix
    for check in ("temporal", "search-attributes", "workers", "proofd", "ledger", "api", "api-token", "worker"):
        assert found.one(check).status is Status.SKIP
        assert "nothing runs here" in found.one(check).found


def test_what_lumen_up_would_not_start_is_told_by_itself(
    diagnose: Diagnose, place: dict[str, str], closed: str
) -> None:
    """A Temporal and a ledger of somebody else are named where they cannot be reached, nothing running or not."""
    found = diagnose({**place, "TEMPORAL_ADDRESS": closed, "PROOFD_URL": f"http://{closed}"})
    assert sorted(found.failed()) == ["lumen", "proofd", "temporal"]
    assert closed in found.failed()["temporal"]
    assert "TEMPORAL_ADDRESS" in found.one("temporal").fix
    assert "PROOFD_URL" in found.one("proofd").fix


def test_a_ledger_of_somebody_else_does_not_mean_that_lumen_runs(
    diagnose: Diagnose, place: dict[str, str], stub: Stub
) -> None:
    """proofd at PROOFD_URL answers, and still nothing runs here."""
    stub.answers["/head"] = (200, '{"ok": true, "head": "00", "height": 0, "bytes": 0}')
    found = diagnose({**place, "PROOFD_URL": stub.url})
    assert list(found.failed()) == ["lumen"]
    assert found.status("proofd") is Status.OK


def test_addresses_that_a_killed_lumen_up_left_are_not_followed(
    diagnose: Diagnose, place: dict[str, str], stub: Stub
) -> None:
    """Nobody holds the data directory, so who listens there now is a stranger."""
    folder = Path(place["LUMEN_DATA_DIR"])
    datadir.create(folder)
    datadir.write_endpoints(folder, {"LUMEN_WORKER_ADDR": stub.address, "PROOFD_URL": stub.url})
    del place["LUMEN_WORKER_ADDR"]
    diagnose(place)
    assert stub.asked == []


@pytest.mark.parametrize("variable", LISTENERS)
def test_a_port_that_something_else_holds_names_it_its_process_and_the_variable(
    diagnose: Diagnose, place: dict[str, str], stub: Stub, variable: str
) -> None:
    """An address of ours on which another program listens fails, with who it is and what to change."""
    found = diagnose({**place, variable: stub.address if variable.endswith("ADDR") else str(stub.port)})
    assert sorted(found.failed()) == ["lumen", "ports"]
    assert f"port {stub.port} " in found.failed()["ports"]
    assert f"(process {os.getpid()})" in found.failed()["ports"]
    assert variable in found.one("ports").fix


def test_a_port_held_by_what_speaks_no_http_is_found_too(
    diagnose: Diagnose, place: dict[str, str], silent: str
) -> None:
    """Something that takes connections and says nothing holds the port all the same."""
    found = diagnose({**place, "LUMEN_API_ADDR": silent}, seconds=0.5)
    assert "in use" in found.failed()["ports"]


def test_an_address_of_another_machine_cannot_be_listened_on(diagnose: Diagnose, place: dict[str, str]) -> None:
    """The finding names the address and the variable."""
    found = diagnose({**place, "LUMEN_API_ADDR": "192.0.2.1:4711"}, seconds=0.5)
    assert "cannot listen on 192.0.2.1:4711" in found.failed()["ports"]
    assert "LUMEN_API_ADDR" in found.one("ports").fix


def test_two_settings_that_want_one_port_are_found(diagnose: Diagnose, place: dict[str, str]) -> None:
    """The finding names both variables."""
    found = diagnose({**place, "PROOFD_ADDR": place["LUMEN_API_ADDR"]}).one("ports")
    assert found.status is Status.FAIL
    assert "PROOFD_ADDR and LUMEN_API_ADDR both ask for port" in found.found


def test_a_temporal_of_somebody_else_on_our_port_is_not_taken_for_ours(
    diagnose: Diagnose, place: dict[str, str], temporal: Client
) -> None:
    """It is named as the holder of the port, and TEMPORAL_ADDRESS as the way to use it."""
    address = temporal.service_client.config.target_host
    found = diagnose({**place, "LUMEN_TEMPORAL_PORT": address.rpartition(":")[2]})
    assert sorted(found.failed()) == ["lumen", "ports"]
    assert "in use by temporal" in found.failed()["ports"]
    assert f"TEMPORAL_ADDRESS={address}" in found.one("ports").fix
    assert (found.status("temporal"), found.status("workers")) == (Status.SKIP, Status.SKIP)


def test_a_hanging_place_is_told_in_time(diagnose: Diagnose, place: dict[str, str], silent: str) -> None:
    """Where every address takes connections and answers nothing, every check still ends, and says so."""
    named = ("TEMPORAL_ADDRESS", "LUMEN_API_ADDR", "LUMEN_WORKER_ADDR")
    urls = ("PROOFD_URL", "PROMETHEUS_URL", "ALERTMANAGER_URL", "PUBLIC_BASE_URL")
    environ = {**place, **dict.fromkeys(named, silent), **dict.fromkeys(urls, f"http://{silent}")}
    found = diagnose(environ, seconds=0.5)
    for check in ("temporal", "proofd", "prometheus", "alertmanager"):
        assert "did not answer within 0.5 s" in found.failed()[check]
