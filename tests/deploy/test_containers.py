"""The image and the containers, without containers: the same commands, in the environment that the Dockerfile builds."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lumen.alert import fingerprint
from tests.deploy.composed import Outside, env_example, seconds
from tests.deploy.confinement import can_confine, owner
from tests.deploy.conftest import Secrets
from tests.deploy.containers import Containers
from tests.deploy.dockerfile import ROOT, Built, project
from tests.stack.calling import calls
from tests.stack.monitoring import missing_programs, wait_for
from tests.stack.processes import Child


@pytest.fixture(scope="module")
def containers(open_folder: Path, built: Built, secrets: Secrets) -> Iterator[Containers]:
    """Everything of the profile base that can run here, started in the order of the compose file."""
    folder = open_folder / "stack"
    folder.mkdir()
    one = Containers(folder, built, secrets)
    try:
        one.start_temporal()
        done = one.job("temporal-namespace")
        assert done.returncode == 0, done.stderr
        for service in ("proofd", "worker", "api"):
            assert one.probe(service).returncode != 0, "a healthcheck that says yes before the start says nothing"
            one.start(service)
        yield one
    finally:
        one.stop()


def test_the_image_runs_lumen_without_the_source_tree(built: Built) -> None:
    """The environment of the image prints the version, and what it imports is its own."""
    environment = {"PATH": f"{built.venv}/bin:/usr/bin:/bin"}
    said = subprocess.run(
        ["lumen", "--version"], env=environment, cwd="/", capture_output=True, text=True, check=True, timeout=60
    )
    assert said.stdout.strip() == f"lumen {project()['project']['version']}"
    packages = project()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    script = f"import {', '.join(packages)}; print(*(m.__file__ for m in ({', '.join(packages)})), sep='\\n')"
    files = subprocess.run(
        ["python", "-I", "-c", script], env=environment, cwd="/", capture_output=True, text=True, check=True, timeout=60
    ).stdout.splitlines()
    assert len(files) == len(packages)
    assert all(Path(file).is_relative_to(built.site_packages) for file in files)


def test_the_wheel_holds_what_is_not_code(built: Built) -> None:
    """The shipped YAML is in the wheel; tests, settings and secrets are not."""
    (wheel,) = built.dist.iterdir()
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {"rules/lumen.yaml", "rules/policy.yaml"} <= names
    packages = project()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    kept = subprocess.run(["git", "ls-files", *packages], cwd=ROOT, capture_output=True, text=True, check=True)
    assert {name for name in kept.stdout.splitlines() if (ROOT / name).exists()} <= names
    tops = {name.split("/")[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == set(packages)


def test_the_image_holds_what_lumen_needs_and_nothing_else(built: Built) -> None:
    """Installed are Lumen, what it needs with PostgreSQL, what that needs, and no more: no pip, no build tools."""
    installed = {canonicalize_name(each.name): each for each in distributions(path=[str(built.site_packages)])}
    needed: set[str] = set()
    waiting = [Requirement("lumen-remediation[postgres]")]
    while waiting:
        wanted = waiting.pop()
        name = canonicalize_name(wanted.name)
        needed.add(name)
        assert name in installed, f"{name} is missing"
        for text in installed[name].requires or []:
            requirement = Requirement(text)
            extras = wanted.extras or {""}
            if requirement.marker is None or any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
                waiting.append(requirement)
    assert set(installed) == needed


def test_jobs_can_run_again(containers: Containers) -> None:
    """The job that makes the namespace changes nothing the second time, as compose runs it at every start."""
    done = containers.job("temporal-namespace")
    assert (done.returncode, done.stdout.strip()) == (0, "namespace lumen is ready")


def test_an_alert_goes_through(containers: Containers) -> None:
    """Alert, vote of a person, command, ledger: all with the commands, settings and secrets of the compose file."""
    key = containers.post({"alertname": "DiskFull", "instance": "host1", "severity": "warning"})
    containers.until(key, state="awaiting_approval")
    voted = containers.lumen("approve", key, "--reason", "looks right", person="alice@example.com")
    assert voted.returncode == 0, voted.stderr
    document = containers.until(key, outcome="remediated")
    assert "hello from host1" in json.dumps(document)
    verified = containers.lumen("proof", "verify")
    assert verified.returncode == 0, verified.stderr
    for question in ("reconcile", "doctor"):
        answer = containers.lumen(question)
        assert answer.returncode == 0, answer.stdout + answer.stderr


def test_processes_have_no_privileges(containers: Containers) -> None:
    """Worker, API and proofd did the above as the user of the image, without capabilities, on a read-only root."""
    if not can_confine():
        pytest.skip("only root can start a process as another user with a root of its own")
    for service in ("proofd", "worker", "api"):
        status = Path(f"/proc/{containers.children[service].pid}/status").read_text(encoding="utf-8")
        fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert fields["Uid"].split() == [str(owner()[0])] * 4
        assert (int(fields["CapEff"], 16), int(fields["CapBnd"], 16), fields["NoNewPrivs"]) == (0, 0, "1")
        mounts = Path(f"/proc/{containers.children[service].pid}/mounts").read_text(encoding="utf-8").splitlines()
        root = [line.split() for line in mounts if line.split()[1] == "/"][-1]
        assert "ro" in root[3].split(",")


def test_a_backup_of_the_ledger_can_be_served(containers: Containers) -> None:
    """What the program for backups writes while proofd runs is, with the key, a ledger of the same head that verifies."""
    outside = containers.outside
    ledger = outside.volume("ledger") / "proof.db"
    done = subprocess.run(
        outside.here("proofd", "python - /var/lib/lumen/proof.db").split(),
        env=outside.environment("proofd"),
        input=(ROOT / "deploy/docker/backup_ledger.py").read_bytes(),
        capture_output=True,
        check=True,
        timeout=30,
    )
    assert not list(ledger.parent.glob("*.backup*"))
    folder = containers.folder / "restored"
    second = Outside(folder, env_example(), containers.secrets.folder, outside.programs)
    (second.volume("ledger") / "proof.db").write_bytes(done.stdout)
    shutil.copy2(ledger.with_name("proof.db.key"), second.volume("ledger"))
    shutil.copytree(outside.volume("checkpoint"), second.volume("checkpoint"), dirs_exist_ok=True)
    child = Child("restored", second.argv("proofd"), second.environment("proofd"), folder)
    child.start()
    try:
        child.wait_until(f"http://127.0.0.1:{second.port('proofd', 8077)}/healthz")
        heads = [
            calls().get(f"http://127.0.0.1:{each.port('proofd', 8077)}/head", timeout=10).json()
            for each in (outside, second)
        ]
    finally:
        child.kill(signal.SIGTERM)
    assert heads[0]["height"] > 0
    assert (heads[0]["head"], heads[0]["height"]) == (heads[1]["head"], heads[1]["height"])


@pytest.fixture
def monitoring(containers: Containers, require_all: bool) -> Containers:
    """The same with Prometheus and Alertmanager of the profile ops, as Debian has them."""
    missing = missing_programs()
    if missing and not require_all:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: prometheus prometheus-alertmanager)")
    assert not missing
    for service in ("alertmanager", "prometheus"):
        containers.outside.copy_configuration(service, f"./deploy/{service}", {"15s": "1s"})
        containers.start(service)
    return containers


def test_monitoring_hands_alerts_over(monitoring: Containers) -> None:
    """Alertmanager's configuration brings an alert to Lumen; Prometheus' finds every target there is one of."""
    outside = monitoring.outside
    labels = {"alertname": "DiskFull", "instance": "host2", "severity": "warning", "lumen": "true"}
    url = f"http://127.0.0.1:{outside.port('alertmanager', 9093)}/api/v2/alerts"
    calls().post(url, json=[{"labels": labels}], timeout=10).raise_for_status()
    monitoring.until(f"alertmanager-{fingerprint(labels)}", state="awaiting_approval")

    url = f"http://127.0.0.1:{outside.port('prometheus', 9090)}/api/v1/query"

    def up() -> set[str]:
        answer = calls().get(url, params={"query": "up == 1"}, timeout=10).json()
        return {one["metric"]["job"] for one in answer["data"]["result"]}

    wait_for(lambda: up() == {"alertmanager", "api", "proofd", "temporal"}, 60, "targets that are up")


def test_every_process_stops_in_its_time(containers: Containers) -> None:
    """SIGTERM, which compose sends, ends each process with 0 before compose would kill it. The last test of this file."""
    for service in ("api", "worker", "proofd"):
        child = containers.children[service]
        os.kill(child.pid, signal.SIGTERM)
        assert child.wait(seconds(containers.outside.services[service]["stop_grace_period"])) == 0, child.log[-2000:]
        assert containers.probe(service).returncode != 0
