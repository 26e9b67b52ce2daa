"""Prometheus, Alertmanager, webhook and control bus: there, not there, or something else."""

from __future__ import annotations

import shutil
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.doctor.finding import Status
from tests.cli.doctor.conftest import Diagnose, Stub
from tests.stack.monitoring import Alertmanager, Prometheus, missing_programs, wait_for
from tests.stack.rulebook import Rulebook

QUERY = '{"status": "success", "data": {"resultType": "scalar", "result": [1.5, "1.5"]}}'


@pytest.fixture
def listener() -> Iterator[tuple[str, list[bytes]]]:
    """A program that takes connections and keeps what it is sent: its address, and what came."""
    came: list[bytes] = []

    def serve(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(5)
                came.append(connection.recv(1024))

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=serve, args=(server,))
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}", came
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


@pytest.mark.parametrize(
    ("check", "variable"),
    [
        ("prometheus", "PROMETHEUS_URL"),
        ("alertmanager", "ALERTMANAGER_URL"),
        ("notify-webhook", "NOTIFY_WEBHOOK_URL"),
        ("control-bus", "CONTROL_BUS_TARGET"),
        ("anchor", "PROOF_ANCHOR_URL"),
    ],
)
def test_what_cannot_be_reached_is_named_with_its_variable(
    diagnose: Diagnose, place: dict[str, str], closed: str, check: str, variable: str
) -> None:
    """Nothing listens at the configured address: it fails, also where nothing else runs."""
    found = diagnose({**place, variable: f"http://user:s3cr3t-word@{closed}/hooks/s3cr3t-path"})
    assert sorted(found.failed()) == sorted([check, "lumen"])
    assert closed in found.failed()[check]
    assert "nothing listens there" in found.failed()[check]
    assert variable in found.one(check).fix
    assert "s3cr3t" not in str(found)


@pytest.mark.parametrize(
    ("check", "variable"),
    [
        ("notify-webhook", "NOTIFY_WEBHOOK_URL"),
        ("control-bus", "CONTROL_BUS_TARGET"),
        ("anchor", "PROOF_ANCHOR_URL"),
    ],
)
def test_nothing_is_sent_to_what_would_act_on_it(
    diagnose: Diagnose, place: dict[str, str], listener: tuple[str, list[bytes]], check: str, variable: str
) -> None:
    """Webhook and control bus see a connection without a single byte."""
    address, came = listener
    found = diagnose({**place, variable: f"http://{address}/hook"})
    assert found.status(check) is Status.OK
    wait_for(lambda: bool(came), 10, "the connection")
    assert came == [b""]


@pytest.mark.parametrize(
    ("check", "variable"), [("prometheus", "PROMETHEUS_URL"), ("alertmanager", "ALERTMANAGER_URL")]
)
def test_what_answers_but_is_something_else_is_found(
    diagnose: Diagnose, place: dict[str, str], stub: Stub, check: str, variable: str
) -> None:
    """A web server is no Prometheus and no Alertmanager, and was sent nothing but GETs."""
    found = diagnose({**place, variable: stub.url})
    assert f"is not {check.capitalize()} (HTTP 200)" in found.failed()[check]
    assert variable in found.one(check).fix
    assert {request.split()[0] for request in stub.asked} == {"GET"}


@pytest.mark.parametrize(
    ("status", "words"), [(401, "wants credentials"), (503, "is not ready"), (404, "is not Prometheus")]
)
def test_an_answer_of_prometheus_that_is_no_result_is_explained(
    diagnose: Diagnose, place: dict[str, str], stub: Stub, status: int, words: str
) -> None:
    """A refusal, a start that is not over, and a wrong path have fixes of their own."""
    stub.answers["/api/v1/query"] = (status, "")
    assert words in diagnose({**place, "PROMETHEUS_URL": stub.url}).failed()["prometheus"]


def test_a_prometheus_below_a_path_is_asked_there(diagnose: Diagnose, place: dict[str, str], stub: Stub) -> None:
    """A prefix of the URL is kept, as for conditions."""
    stub.answers["/prom/api/v1/query"] = (200, QUERY)
    assert diagnose({**place, "PROMETHEUS_URL": f"{stub.url}/prom/"}).status("prometheus") is Status.OK


def test_the_real_programs_are_recognised(
    diagnose: Diagnose, place: dict[str, str], tmp_path: Path, require_all: bool
) -> None:
    """Prometheus and Alertmanager as Debian ships them."""
    if missing := missing_programs():
        assert not require_all, missing
        pytest.skip(f"not installed: {', '.join(missing)}")
    assert shutil.which("prometheus")
    alertmanager = Alertmanager(tmp_path, "alertmanager", "http://127.0.0.1:9/webhook")
    prometheus = Prometheus(tmp_path, [], "Nothing", 9)
    try:
        alertmanager.start()
        prometheus.start()
        found = diagnose({**place, "PROMETHEUS_URL": prometheus.url, "ALERTMANAGER_URL": alertmanager.url})
        swapped = diagnose({**place, "PROMETHEUS_URL": alertmanager.url, "ALERTMANAGER_URL": prometheus.url})
    finally:
        prometheus.child.kill()
        alertmanager.child.kill()
    assert {found.status("prometheus"), found.status("alertmanager"), found.status("clock")} == {Status.OK}
    assert sorted(swapped.failed()) == ["alertmanager", "lumen", "prometheus"]


def test_a_rule_that_needs_what_is_not_configured_is_told(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path
) -> None:
    """A condition without Prometheus and a control bus action without a control bus are named by their rule."""
    book = Rulebook(clean_place / "rules")
    book.add("Hot", when="temperature > 90", actions=[{"control_bus": {"command": "cool"}}])
    found = diagnose(place)
    for check, variable in (("prometheus", "PROMETHEUS_URL"), ("control-bus", "CONTROL_BUS_TARGET")):
        finding = found.one(check)
        assert (finding.status, "the rule Hot" in finding.found) == (Status.WARN, True)
        assert f"set {variable}" in finding.fix


def test_a_control_bus_that_is_lumen_itself_is_refused(diagnose: Diagnose, place: dict[str, str]) -> None:
    """A worker would not start with it."""
    found = diagnose({**place, "CONTROL_BUS_TARGET": f"http://{place['LUMEN_API_ADDR']}/commands"})
    assert "Lumen's own API" in found.failed()["control-bus"]
