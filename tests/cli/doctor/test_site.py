"""A running Lumen, with one thing wrong at a time. The processes, their tokens and their server are real."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cli.doctor.finding import Status
from tests.cli.conftest import Lumen
from tests.cli.doctor.conftest import Diagnose, Stub
from tests.stack.calling import calls
from tests.stack.processes import Child
from tests.stack.rulebook import Rulebook
from tests.stack.site import PATIENCE, Site

SECRET = "a-token-that-nobody-knows"


@contextmanager
def without(child: Child, site: Site) -> Iterator[None]:
    """Kill a process of the site while inside."""
    child.kill()
    try:
        yield
    finally:
        getattr(site, f"start_{child.name}")()
        wait_for(lambda: all(ready(site.env[name]) for name in ("LUMEN_API_ADDR", "LUMEN_WORKER_ADDR")), "readiness")


def ready(address: str) -> bool:
    """Return whether the process at ``address`` reaches Temporal."""
    return calls().get(f"http://{address}/readyz", timeout=10).is_success


def wait_for(condition: Callable[[], object], what: str) -> None:
    """Wait until ``condition`` holds; fail naming ``what`` otherwise."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def test_a_healthy_site_has_nothing_wrong(diagnose: Diagnose, site: Site) -> None:
    """Every process, token, queue, attribute, clock and port is fine, and the ledger verifies."""
    found = diagnose(site.env)
    assert found.failed() == {}
    fine = (
        "lumen",
        "settings",
        "disk",
        "ports",
        "rules",
        "temporal",
        "search-attributes",
        "workers",
        "proofd",
        "ledger",
    )
    for check in (*fine, "proofd-token", "api", "api-token", "webhook-token", "worker", "versions", "clock"):
        assert found.status(check) is Status.OK, found.of(check)


def test_a_healthy_lumen_is_exit_code_zero(lumen: Lumen, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The command itself, with the settings of its environment: no failure, and nothing on stderr."""
    for name, value in site.env.items():
        monkeypatch.setenv(name, value)
    ran = lumen("doctor")
    assert (ran.code, ran.err) == (0, ""), ran.out
    assert "fail" not in ran.out


@pytest.mark.parametrize(
    ("check", "variable", "who"),
    [
        ("api-token", "LUMEN_API_TOKEN", "the API"),
        ("webhook-token", "LUMEN_WEBHOOK_TOKEN", "the API"),
        ("proofd-token", "PROOFD_TOKEN", "proofd"),
    ],
)
def test_a_wrong_token_is_found_where_it_is_used(
    diagnose: Diagnose, site: Site, check: str, variable: str, who: str
) -> None:
    """The running process refuses it; the finding names process and variable and never the token."""
    found = diagnose({**site.env, variable: SECRET})
    assert list(found.failed()) == [check]
    assert f"{who} at http://127.0.0.1:" in found.failed()[check]
    assert variable in found.one(check).fix
    assert SECRET not in str(found)


def test_a_second_token_that_is_wrong_is_a_warning(diagnose: Diagnose, site: Site) -> None:
    """The first of a list is the one that is used; the finding tells them apart by their place."""
    found = diagnose({**site.env, "LUMEN_API_TOKEN": f"{site.env['LUMEN_API_TOKEN']},{SECRET}"}).one("api-token")
    assert (found.status, "token 2 of 2" in found.found) == (Status.WARN, True)


def test_a_token_for_alerts_may_not_read(diagnose: Diagnose, site: Site) -> None:
    """A token that is known, but for something else, is told apart from one that is not."""
    found = diagnose({**site.env, "LUMEN_API_TOKEN": site.env["LUMEN_WEBHOOK_TOKEN"]})
    assert "may not read" in found.failed()["api-token"]


def test_looking_sends_no_alert_and_writes_no_entry(diagnose: Diagnose, site: Site) -> None:
    """After an examination there are as many episodes and entries as before."""
    before = (site.ledger_head(), site.request("GET", "/alerts").json())
    diagnose(site.env)
    assert (site.ledger_head(), site.request("GET", "/alerts").json()) == before


def test_proofd_that_ended_is_found(diagnose: Diagnose, site: Site) -> None:
    """The only failure is proofd, with how to start it."""
    with without(site.proofd, site):
        found = diagnose(site.env)
    assert list(found.failed()) == ["proofd"]
    assert "nothing listens there" in found.failed()["proofd"]
    assert "lumen proofd" in found.one("proofd").fix


def test_temporal_that_ended_is_found(diagnose: Diagnose, site: Site) -> None:
    """Temporal fails with its address, and API and worker say that they miss it."""
    with without(site.temporal, site):
        # The API keeps an answer about Temporal's health for a second.
        wait_for(lambda: not ready(site.env["LUMEN_API_ADDR"]), "the API misses Temporal")
        found = diagnose(site.env)
    assert sorted(found.failed()) == ["api", "temporal", "worker"]
    assert f"no Temporal at {site.temporal_address}" in found.failed()["temporal"]
    assert "TEMPORAL_ADDRESS" in found.one("temporal").fix
    assert found.one("api").fix == "start Temporal: see the check temporal"


def test_an_address_of_temporal_that_is_something_else_is_found(diagnose: Diagnose, site: Site, stub: Stub) -> None:
    """What listens there, but is no Temporal server, is told apart from nothing."""
    found = diagnose({**site.env, "TEMPORAL_ADDRESS": stub.address})
    assert list(found.failed()) == ["temporal"]
    assert "no Temporal server" in found.failed()["temporal"]


def test_the_worker_that_ended_is_found(diagnose: Diagnose, site: Site) -> None:
    """Its own address tells at once; Temporal may still list its last poll, or not any more."""
    with without(site.worker, site):
        found = diagnose(site.env)
    assert found.failed().keys() - {"workers"} == {"worker"}
    assert "lumen worker" in found.one("worker").fix


def test_a_worker_that_hangs_is_found(diagnose: Diagnose, site: Site) -> None:
    """A stopped process has an open port, and answers nothing."""
    os.kill(site.worker.pid, signal.SIGSTOP)
    try:
        found = diagnose(site.env, seconds=1.0)
    finally:
        os.kill(site.worker.pid, signal.SIGCONT)
    assert "did not answer within 1 s" in found.failed()["worker"]


def test_the_api_that_ended_is_found(diagnose: Diagnose, site: Site) -> None:
    """The tokens are then not asked for."""
    with without(site.api, site):
        found = diagnose(site.env)
    assert list(found.failed()) == ["api"]
    assert "lumen api" in found.one("api").fix
    assert found.status("api-token") is Status.SKIP


def test_no_token_goes_to_what_is_not_lumen(diagnose: Diagnose, site: Site, stub: Stub) -> None:
    """Where the API or proofd should be and something else answers, it is named, and is shown no token."""
    found = diagnose({**site.env, "LUMEN_API_ADDR": stub.address, "PROOFD_URL": stub.url})
    assert "is not Lumen's API" in found.failed()["api"]
    assert "is not proofd" in found.failed()["proofd"]
    assert "PROOFD_URL" in found.one("proofd").fix
    assert set(stub.tokens) == {""}


def test_a_runner_without_a_worker_is_found(diagnose: Diagnose, site: Site, tmp_path: Path) -> None:
    """It fails for a rule that executes, with the command for the machine that is missing."""
    book = Rulebook(tmp_path / "other")
    book.add("Reboot", actions=[{"cmd": ["/bin/true"], "runner": "edge-1"}])
    found = diagnose({**site.env, "LUMEN_RULES": str(book.folder)})
    (queues, runner) = found.of("workers")
    assert (queues.status, runner.status) == (Status.OK, Status.FAIL)
    assert "runner edge-1 (rule Reboot)" in runner.found
    assert runner.fix.endswith("lumen worker --runner edge-1")


def test_a_namespace_that_is_not_there_is_found(diagnose: Diagnose, site: Site) -> None:
    """The finding has the command that creates it."""
    found = diagnose({**site.env, "TEMPORAL_NAMESPACE": "nowhere"})
    assert "no namespace nowhere" in found.failed()["temporal"]
    assert "temporal operator namespace create --namespace nowhere" in found.one("temporal").fix


def test_a_namespace_without_attributes_and_workers_is_found_and_can_be_mended_as_told(
    diagnose: Diagnose, site: Site
) -> None:
    """Missing search attributes and idle queues fail; the command of the fix creates the attributes."""
    site.temporal_cli("operator", "namespace", "create", "--namespace", "bare")
    environ = {**site.env, "TEMPORAL_NAMESPACE": "bare"}
    found = diagnose(environ)
    assert sorted(found.failed()) == ["search-attributes", "workers"]
    assert "no worker polls" in found.failed()["workers"]
    command = found.one("search-attributes").fix.partition(" (")[0].split()
    assert command[:2] == ["temporal", "operator"]
    site.temporal_cli(*command[1:-2])
    wait_for(lambda: diagnose(environ).status("search-attributes") is Status.OK, "the attributes")


def test_an_attribute_of_another_type_is_found(diagnose: Diagnose, site: Site) -> None:
    """A Text cannot be searched as Lumen does."""
    site.temporal_cli("operator", "namespace", "create", "--namespace", "texts")
    create = ("operator", "search-attribute", "create", "--namespace", "texts")
    site.temporal_cli(*create, "--type", "Text", "--name", "LumenState")
    others = [f"Lumen{name}" for name in ("Outcome", "Rule", "Alert", "Severity", "Target")]
    for name in others:
        site.temporal_cli(*create, "--type", "Keyword", "--name", name)
    environ = {**site.env, "TEMPORAL_NAMESPACE": "texts"}
    told = "LumenState of namespace texts is not a Keyword"
    wait_for(lambda: [one.found for one in diagnose(environ).of("search-attributes")] == [told], told)


def test_a_public_url_is_followed(diagnose: Diagnose, site: Site, stub: Stub, closed: str) -> None:
    """It leads to Lumen, to something else, nowhere, or onwards: each is told."""
    good = diagnose({**site.env, "PUBLIC_BASE_URL": site.api_url}).one("public-url")
    assert good.status is Status.OK
    other = diagnose({**site.env, "PUBLIC_BASE_URL": stub.url})
    assert "not Lumen" in other.failed()["public-url"]
    assert "PUBLIC_BASE_URL" in other.one("public-url").fix
    assert diagnose({**site.env, "PUBLIC_BASE_URL": f"http://{closed}"}).status("public-url") is Status.WARN
    stub.answers["/alerts"] = (301, "")
    stub.headers["Location"] = "https://lumen.example.com/alerts"
    moved = diagnose({**site.env, "PUBLIC_BASE_URL": stub.url}).one("public-url")
    assert moved.found == f"{stub.url} redirects to https://lumen.example.com"


def test_from_another_machine_the_public_url_is_enough(diagnose: Diagnose, site: Site, place: dict[str, str]) -> None:
    """Where Lumen runs elsewhere, what is not named here is skipped, and the tokens are tried there."""
    own = {name: value for name, value in place.items() if name in {"LUMEN_DATA_DIR", "LUMEN_RULES"}}
    defaults = {name: place[name] for name in ("LUMEN_API_ADDR",)}
    environ = {**own, **defaults, "PUBLIC_BASE_URL": site.api_url, "LUMEN_API_TOKEN": SECRET}
    found = diagnose(environ)
    assert list(found.failed()) == ["api-token"]
    assert site.api_url in found.one("lumen").found
    for check in ("temporal", "proofd", "worker", "ports"):
        assert found.status(check) is Status.SKIP, found.of(check)


def test_processes_of_other_versions_are_told(diagnose: Diagnose, site: Site, stub: Stub) -> None:
    """A worker of an older release is named with both versions."""
    stub.answers["/metrics"] = (200, '# x\nlumen_build_info{version="0.0.9"} 1.0\nlumen_episodes_open 0\n')
    found = diagnose({**site.env, "LUMEN_WORKER_ADDR": stub.address}).one("versions")
    assert found.status is Status.WARN
    assert "worker 0.0.9" in found.found


def test_the_ports_of_lumen_itself_are_not_called_taken(diagnose: Diagnose, site: Site) -> None:
    """What is held by our own processes is said so."""
    assert diagnose(site.env).one("ports").found.startswith("held by Lumen: ")


def test_a_temporal_that_separate_processes_use_holds_no_port_of_ours(diagnose: Diagnose, site: Site) -> None:
    """Without TEMPORAL_ADDRESS they find the server at its usual port, where `lumen up` would start one."""
    environ = {name: value for name, value in site.env.items() if name != "TEMPORAL_ADDRESS"}
    found = diagnose({**environ, "LUMEN_TEMPORAL_PORT": site.temporal_address.rpartition(":")[2]})
    assert found.failed() == {}
    assert found.status("temporal") is Status.OK


def test_a_port_next_to_running_processes_can_be_taken(diagnose: Diagnose, site: Site) -> None:
    """A worker that could not start because its port is taken: the holder is named."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        found = diagnose({**site.env, "LUMEN_WORKER_ADDR": address}, seconds=1.0)
    assert "for the worker's metrics is in use" in found.failed()["ports"]
