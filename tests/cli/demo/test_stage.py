"""What the demo sets up before anything runs: rules that load, ports of its own, nobody else's settings."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from dataclasses import astuple
from pathlib import Path

import pytest
import yaml

from cli.demo import monitoring, rulebook, stage
from cli.demo.rulebook import VOTERS
from rules.loader import load
from tests.cli.conftest import Lumen
from tests.stack.processes import lumen_command


def program(folder: Path, name: str) -> str:
    """Make a program of this name and return its path."""
    path = folder / name
    path.write_text("#!/bin/sh\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize("condition", [True, False])
def test_the_rules_load_without_a_warning_and_want_both_voters(tmp_path: Path, condition: bool) -> None:
    """Two approvals, one rejection, nobody else; the condition is there exactly with Prometheus."""
    rulebook.write(tmp_path / "rules", tmp_path / "it's a pid file", condition=condition)
    found = load(tmp_path / "rules", default_min_rank="signal")
    assert not found.warnings
    (rule,) = found.rules
    assert bool(rule.when) is condition
    severity = found.policy.severity[rulebook.SEVERITY]
    assert (severity.approve, severity.reject, found.policy.allowlist) == (2, 1, VOTERS)


def test_what_is_not_installed_is_named(tmp_path: Path) -> None:
    """Alertmanager goes by two names; without one of the programs neither is used."""
    environ = {"PATH": str(tmp_path)}
    assert monitoring.find(environ) == "Prometheus and Alertmanager"
    assert monitoring.find({}) == "Prometheus and Alertmanager"
    prometheus = program(tmp_path, "prometheus")
    assert monitoring.find(environ) == "Alertmanager"
    plain = program(tmp_path, "alertmanager")
    assert monitoring.find(environ) == monitoring.Programs(prometheus, plain)
    debian = program(tmp_path, "prometheus-alertmanager")
    assert monitoring.find(environ) == monitoring.Programs(prometheus, debian)


def test_configurations_are_yaml_that_leads_to_lumen(tmp_path: Path) -> None:
    """Prometheus looks at the service and tells Alertmanager, which posts to the webhook with the token of Lumen."""
    for name in ("prometheus", "alertmanager"):
        program(tmp_path, name)
    one = stage.prepare(tmp_path / "demo", {"PATH": str(tmp_path)})
    looking = yaml.safe_load((one.folder / "prometheus.yml").read_text())
    assert looking["scrape_configs"][0]["static_configs"] == [{"targets": [str(one.ports.service)]}]
    (told,) = looking["alerting"]["alertmanagers"]
    assert told["static_configs"] == [{"targets": [str(one.ports.alertmanager)]}]
    assert yaml.safe_load((one.folder / looking["rule_files"][0]).read_text())["groups"]
    posting = yaml.safe_load((one.folder / "alertmanager.yml").read_text())
    (webhook,) = posting["receivers"][0]["webhook_configs"]
    assert webhook["url"] == f"http://{one.ports.api}/webhooks/alertmanager"
    token = Path(webhook["http_config"]["authorization"]["credentials_file"])
    assert token.read_text() in one.plan.settings.webhook_tokens
    assert posting["route"]["group_interval"] == "1s"


def test_no_setting_of_the_person_gets_in(tmp_path: Path) -> None:
    """Whatever the environment says, the demo has its own servers, secrets and rules, and tells nobody."""
    theirs = {
        "TEMPORAL_ADDRESS": "temporal.example.com:7233",
        "TEMPORAL_API_KEY": "key-of-theirs",
        "NOTIFY_WEBHOOK_URL": "http://pager.example.com",
        "ALERTMANAGER_URL": "http://pager.example.com",
        "LUMEN_API_TOKEN": "token-of-theirs",
        "LUMEN_RULES": "/rules/of/theirs",
        "PROOF_DSN": "sqlite:////ledger/of/theirs",
        "PATH": str(tmp_path),
        "HOME": "/home/of/theirs",
    }
    one = stage.prepare(tmp_path / "demo", theirs)
    given = " ".join(value for piece in one.pieces for value in piece.environ.values())
    assert "theirs" not in given
    assert "example.com" not in given
    assert (one.folder / "secrets.json").stat().st_mode & 0o777 == 0o600


def test_every_port_is_another_one() -> None:
    """Ten ports, all different, and none that the system would give to an outgoing connection."""
    ports = astuple(stage.free_ports())
    assert len(set(ports)) == len(ports) == 10
    assert all(port < 32_768 for _, port in ports)


@pytest.mark.parametrize("options", [(), ("--json",), ("--keep",)])
def test_without_a_terminal_the_demo_refuses(
    lumen: Lumen, clean_place: Path, monkeypatch: pytest.MonkeyPatch, options: tuple[str, ...]
) -> None:
    """Nobody can be asked: exit code 2 with one line that names --yes, and nothing was made."""
    monkeypatch.setenv("TMPDIR", str(clean_place))
    ran = lumen("demo", *options)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "lumen: the demo asks for approval, and there is no terminal to ask on: add --yes\n"
    assert not list(clean_place.iterdir())


def test_a_question_that_nobody_would_see_is_not_asked(clean_place: Path) -> None:
    """With a keyboard but the output in a pipe the demo refuses too, instead of waiting for an answer."""
    keyboard, handle = pty.openpty()
    try:
        environ = {"TMPDIR": str(clean_place)}
        done = subprocess.run(
            lumen_command("demo"), env=environ, stdin=handle, capture_output=True, text=True, check=False, timeout=60
        )
    finally:
        os.close(keyboard)
        os.close(handle)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "lumen: the demo asks for approval, and its output is no terminal: add --yes\n"
    assert not list(clean_place.iterdir())


def test_a_missing_temporal_is_said_before_anything_starts(
    lumen: Lumen, clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line that says how to get it, and no folder is left."""
    monkeypatch.setattr(sys, "executable", str(clean_place / "bin" / "python"))
    monkeypatch.setattr("tempfile.tempdir", str(clean_place))
    monkeypatch.setenv("PATH", str(clean_place))
    ran = lumen("demo", "--yes")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert "the program `temporal` is missing" in ran.err
    assert not list(clean_place.iterdir())
