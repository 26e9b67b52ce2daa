"""``lumen up`` for real: Temporal, ledger, worker and API as they run on a machine."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from temporalio.client import Client

from tests.cli.up.conftest import Up, children_of, group_of, until
from tests.stack.calling import calls
from tests.stack.processes import lumen_command


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """A running `lumen up` for the tests that leave it as it is."""
    one = Up(tmp_path_factory.mktemp("running"))
    try:
        one.start()
        yield one
    finally:
        one.end()


def lumen(up: Up, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command that knows nothing but the data directory."""
    environ = {"LUMEN_DATA_DIR": str(up.data), "PATH": "/usr/bin:/bin", "HOME": str(up.folder)}
    return subprocess.run(lumen_command(*arguments), env=environ, capture_output=True, text=True, check=False)


def test_everything_starts_says_where_and_stops_in_order(up: Up) -> None:
    """The status block holds every URL, each answers, and SIGTERM ends all of it with exit code 0."""
    up.start()
    for name, path in [("api", "/readyz"), ("ui", "/"), ("proofd", "/head"), ("worker", "/metrics")]:
        assert up.url(name, path).removesuffix("/").removesuffix("/readyz") in up.printed
        assert calls().get(up.url(name, path)).status_code == 200
    assert "Try it: lumen alert send" in up.printed
    up.child.kill(signal.SIGTERM)
    assert up.child.wait() == 0
    up.gone()
    assert not (up.data / "endpoints.json").exists()


def test_the_printed_receiver_is_yaml_whose_token_file_opens_the_webhook(running: Up) -> None:
    """What is pasted into Alertmanager works: valid YAML, the right URL, a token that is accepted."""
    text = running.printed
    config = yaml.safe_load(text[text.index("route:\n") : text.index("Try it:")])
    (webhook,) = config["receivers"][0]["webhook_configs"]
    authorization = webhook["http_config"]["authorization"]
    assert webhook["http_config"]["follow_redirects"] is False
    file = Path(authorization["credentials_file"])
    token = file.read_text()
    assert file.stat().st_mode & 0o777 == 0o600
    body = {"version": "4", "alerts": [{"status": "firing", "labels": {"alertname": "DiskFull"}}]}
    headers = {"Authorization": f"{authorization['type']} {token}"}
    answer = calls().post(webhook["url"], json=body, headers=headers)
    assert answer.status_code == 202
    assert answer.json()["alerts"][0]["result"] == "started"
    assert calls().post(webhook["url"], json=body).status_code == 401


def test_a_second_start_finds_everything_again(up: Up) -> None:
    """Episode, freeze, ledger and secrets are the same after a stop and after a SIGKILL; no setting but the data."""
    up.start()
    key = lumen(up, "alert", "send", "DiskFull", "-l", "instance=h1").stdout.strip()
    assert lumen(up, "freeze", "on", "--actor", "a@example.com", "--reason", "r").returncode == 0
    until(lambda: json.loads(lumen(up, "proof", "head", "--json").stdout)["height"] > 0, "no ledger entry")
    secrets = (up.data / "secrets.json").read_text()
    for number in (signal.SIGTERM, signal.SIGKILL):
        up.child.kill(number)
        up.gone()
        up.start()
        assert key in lumen(up, "alert", "list").stdout
        assert json.loads(lumen(up, "freeze", "status", "--json").stdout)["frozen"] is True
        assert lumen(up, "proof", "verify").returncode == 0
        assert lumen(up, "reconcile").returncode == 0
        assert (up.data / "secrets.json").read_text() == secrets


def test_nothing_outlives_a_killed_lumen_up(up: Up) -> None:
    """All children are in its process group, and SIGKILL of `lumen up` alone leaves no process behind."""
    up.start()
    children = children_of(up.child.pid)
    assert len(children) == 4
    assert set(children.values()) == {up.child.pid}
    os.kill(up.child.pid, signal.SIGKILL)
    assert up.child.wait() == -signal.SIGKILL
    up.gone()


def test_the_ctrl_c_of_a_terminal_stops_everything_with_zero(up: Up) -> None:
    """SIGINT to the whole group, as a terminal sends it, is an orderly stop: nobody was killed, exit code 0."""
    up.start()
    up.signal_group(signal.SIGINT)
    assert up.child.wait() == 0
    up.gone()
    assert "killed" not in up.printed
    assert "ended" not in up.printed


def test_a_child_that_dies_is_named_and_ends_all(up: Up) -> None:
    """One clear line: which, how, where its log is; then everything stops and the exit code is 1."""
    up.start()
    worker = next(pid for pid, command in group_of(up.child.pid).items() if command.rstrip().endswith("worker"))
    os.kill(worker, signal.SIGKILL)
    assert up.child.wait() == 1
    up.gone()
    assert f"lumen: worker was ended by SIGKILL; its log is {up.data}/logs/worker.log" in up.printed


def test_a_second_lumen_up_on_the_same_data_is_refused(running: Up) -> None:
    """One line that names the process that has it; the first goes on."""
    second = subprocess.run(
        lumen_command("up"), env=running.environ | {"PATH": "/usr/bin"}, capture_output=True, text=True, check=False
    )
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert f"(process {running.child.pid})" in second.stderr
    assert calls().get(running.url("api", "/readyz")).status_code == 200


def test_no_secret_is_printed_logged_or_on_a_command_line(running: Up) -> None:
    """Generated secrets are in their files and in environments, nowhere else."""
    lumen(running, "alert", "send", "DiskFull", "-l", "instance=h1")
    calls().get(running.url("api", "/decision?token=abcdefghijkl"))
    commands = " ".join(group_of(running.child.pid).values())
    logs = "".join(path.read_text() for path in (running.data / "logs").iterdir())
    for secret in json.loads((running.data / "secrets.json").read_text()).values():
        assert secret.removeprefix("k1:") not in running.printed + logs + commands
    assert "abcdefghijkl" not in logs


def test_the_status_can_be_read_by_a_program(up: Up) -> None:
    """`lumen up --json` prints one document on stdout when everything runs."""
    up.child = type(up.child)("up", lumen_command("up", "--json"), up.environ, up.folder)
    up.child.start()
    until(lambda: re.search(r"^\{.*\}$", up.printed, re.MULTILINE) is not None, up.printed)
    document = json.loads(up.printed.splitlines()[0])
    assert document["status"] == "running"
    assert document["api"] == up.url("api", "")
    assert document["rules"]["count"] > 0


def test_a_temporal_that_runs_already_is_used(temporal: Client, tmp_path: Path) -> None:
    """With TEMPORAL_ADDRESS no server is started: three children, the foreign server's address, no UI."""
    one = Up(tmp_path, TEMPORAL_ADDRESS=temporal.service_client.config.target_host)
    try:
        one.start()
        commands = " ".join(group_of(one.child.pid).values())
        assert "start-dev" not in commands
        assert len(children_of(one.child.pid)) == 3
        assert f"{one.environ['TEMPORAL_ADDRESS']} (namespace default)" in one.printed
        assert "Temporal UI" not in one.printed
        assert calls().get(one.url("api", "/readyz")).status_code == 200
        one.child.kill(signal.SIGTERM)
        assert one.child.wait() == 0
    finally:
        one.end()


def test_a_ledger_that_does_not_go_on_ends_the_start(up: Up) -> None:
    """With the last signed checkpoint gone `lumen up` ends at once, and says why and where to read what to do."""
    up.start()
    up.child.kill(signal.SIGTERM)
    (up.data / "checkpoint" / "proof.db.note").unlink()
    up.child.start()
    assert up.child.wait(45) == 1
    assert "the last signed checkpoint is not in" in up.child.log
    assert "docs/ledger.md#when-it-starts-read-only" in up.child.log
