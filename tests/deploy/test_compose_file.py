"""docker-compose.yml: the compose specification, Debian's docker-compose, and what every service owes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import composed
from tests.deploy.conftest import Tool
from tests.deploy.dockerfile import ROOT, project
from worker.wiring import GRACE

SERVICES = composed.services(composed.env_example())
PROFILES = ("base", "ops", "exporters", "interactive")
ENDS = {"temporal-schema", "temporal-namespace", "lumen", "temporal-cli"}
"""The services that end by themselves: jobs and single commands."""

each_service = pytest.mark.parametrize("name", sorted(SERVICES))


def docker_compose(tool: Tool, *arguments: str) -> Any:
    """Run Debian's docker-compose with the settings of .env.example and return the YAML that it prints."""
    program = tool("docker-compose", "Debian: docker-compose")
    done = subprocess.run(
        [program, "--env-file", str(ROOT / ".env.example"), *arguments],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONWARNINGS": "ignore"},  # noqa: TID251 - tests pass PATH on
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return yaml.safe_load(done.stdout)


def test_the_file_is_valid_by_the_specification(require_all: bool) -> None:
    """The schema of the compose specification accepts the file."""
    if not require_all:
        pytest.importorskip("check_jsonschema", reason="not installed: check-jsonschema (PyPI)")
    check = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    done = subprocess.run(
        [*check, "docker-compose.yml"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("profile", PROFILES)
def test_docker_compose_accepts_every_profile(profile: str, tool: Tool) -> None:
    """docker-compose itself reads the file with each profile by itself."""
    docker_compose(tool, "--profile", profile, "config", "--quiet")


def test_the_tests_read_the_file_as_docker_compose_does(tool: Tool) -> None:
    """Commands, environments and healthchecks are the same as docker-compose sees them; the other tests rest on that."""
    seen = docker_compose(tool, "config")["services"]
    assert set(seen) == set(SERVICES)
    for name, service in SERVICES.items():
        for key in ("command", "entrypoint", "image", "read_only", "cap_drop", "security_opt", "init", "restart"):
            assert seen[name].get(key) == service.get(key), (name, key)
        given = {key: value for key, value in seen[name].get("environment", {}).items() if value is not None}
        assert given == service["environment"], name
        assert seen[name].get("healthcheck", {}).get("test") == service.get("healthcheck", {}).get("test")


def test_the_profiles_are_the_four_of_the_documents() -> None:
    """Every service is in exactly one of the four profiles, and each of the four has one."""
    found = [service["profiles"] for service in SERVICES.values()]
    assert all(len(profiles) == 1 for profiles in found)
    assert {profiles[0] for profiles in found} == set(PROFILES)
    for profile in PROFILES:
        members = {name for name, service in SERVICES.items() if service["profiles"] == [profile]}
        needed = {other for name in members for other in SERVICES[name].get("depends_on", {})}
        assert needed <= members, "a profile must not need another one"


@each_service
def test_no_service_has_more_rights_than_it_needs(name: str) -> None:
    """Each has a read-only root, no capabilities, no way to get new ones, and logs that do not fill the disk."""
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "network_mode", "devices", "ipc", "userns_mode"} & set(service)
    assert "docker.sock" not in str(service)
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}


@each_service
def test_first_process_reaps(name: str) -> None:
    """Each has an init that reaps, but for the one that sees the processes of the host."""
    assert SERVICES[name]["init"] is ("pid" not in SERVICES[name])


@each_service
def test_health_and_restart(name: str) -> None:
    """What serves has a healthcheck without a shell and starts again by itself; what ends does neither."""
    service = SERVICES[name]
    if name in ENDS:
        assert (service["restart"], service.get("healthcheck")) == ("no", None)
        return
    assert service["restart"] == "unless-stopped"
    health = service["healthcheck"]
    assert health["test"][0] == "CMD"
    assert composed.seconds(health["timeout"]) < composed.seconds(health["interval"])
    assert health["start_period"]


@each_service
def test_ports_are_for_this_machine_only(name: str) -> None:
    """Every published port is bound to 127.0.0.1."""
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port)


@each_service
def test_images_have_versions(name: str) -> None:
    """Every image of others has a tag that names a version; that of Lumen has the version of the project."""
    repository, _, tag = SERVICES[name]["image"].partition(":")
    if repository == "lumen":
        assert tag == project()["project"]["version"]
        assert SERVICES[name]["build"] == {"context": "."}
    else:
        assert re.fullmatch(r"v?\d+\.\d+\.\d+|\d+-[a-z]+", tag)


@each_service
def test_what_is_mounted_exists_and_cannot_be_written(name: str) -> None:
    """Files of the project and of the host are mounted read-only; volumes have names that are declared."""
    for mount in SERVICES[name].get("volumes", []):
        source, _, mode = [*mount.split(":"), ""][:3]
        if source.startswith((".", "/")):
            assert mode.split(",")[0] == "ro", mount
            assert (ROOT / source).exists(), mount
        else:
            assert source in composed.raw()["volumes"], mount


@each_service
def test_secrets_come_as_files(name: str) -> None:
    """A service names each secret that it reads, and only those; none stands in an environment."""
    service = SERVICES[name]
    text = str(service["environment"])
    for mount in service.get("volumes", []):
        if mount.startswith("./deploy"):
            files = [
                path
                for path in [ROOT / mount.split(":")[0], *(ROOT / mount.split(":")[0]).rglob("*")]
                if path.is_file()
            ]
            text += " ".join(path.read_text(encoding="utf-8") for path in files)
    mounted = set(service.get("secrets", []))
    assert set(re.findall(r"/run/secrets/([\w.]+)", text)) == mounted
    assert mounted <= set(composed.raw()["secrets"])
    secret = re.compile(r".*(TOKEN|SECRET|SALT|PASS|PASSWORD|PWD|KEY)$")
    assert not [key for key, value in service["environment"].items() if secret.fullmatch(key) and value]


def test_who_waits_for_whom() -> None:
    """The order of the start: database, tables, server, namespace; then what needs them, once they are healthy."""
    healthy, done = {"condition": "service_healthy"}, {"condition": "service_completed_successfully"}
    assert {name: service["depends_on"] for name, service in SERVICES.items() if "depends_on" in service} == {
        "temporal-schema": {"postgres": healthy},
        "temporal": {"temporal-schema": done},
        "temporal-namespace": {"temporal": healthy},
        "temporal-ui": {"temporal": healthy},
        "worker": {"temporal-namespace": done, "proofd": healthy},
        "api": {"temporal-namespace": done},
    }


def test_the_worker_gets_longer_than_it_takes() -> None:
    """The worker is killed no sooner than the actions that run have had their time and the process has ended after it."""
    assert composed.seconds(SERVICES["worker"]["stop_grace_period"]) >= GRACE.total_seconds() + 10
    for name in ("api", "proofd"):
        assert composed.seconds(SERVICES[name]["stop_grace_period"]) > 10, "both drain for ten seconds"


def test_there_is_one_ledger() -> None:
    """One service writes the ledger's volumes, and its published port keeps it from being scaled."""
    for volume in ("ledger", "checkpoint"):
        users = [
            name for name, one in SERVICES.items() if any(m.startswith(f"{volume}:") for m in one.get("volumes", []))
        ]
        assert users == ["proofd"]
    assert SERVICES["proofd"]["ports"]
    assert not SERVICES["worker"].get("ports"), "this one is to be scaled"


def test_programs_in_images_of_others_are_read_from_the_project() -> None:
    """Every script that an image of others is started with is mounted into it."""
    for name, service in SERVICES.items():
        for word in service.get("entrypoint") or []:
            if word.startswith("/lumen/"):
                assert f"./deploy/docker/{Path(word).name}:{word}:ro" in service["volumes"], name
