"""docs/operations.md: its metrics are those that are served, its files are those that are there, its numbers hold."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from api import server
from cli.up import logfile, temporal_server
from proof import run as proofd
from tests.cli.up.conftest import Up, until
from tests.docs.shell import ROOT, shape
from tests.stack.calling import calls
from worker import wiring

_PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
_ALERTS = next(text for text in re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL) if text.startswith("groups:"))


def listed(heading: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Return type and label names of the metrics in the table under a heading, by name."""
    section = _PAGE.split(f"\n### {heading}\n")[1].split("\n#", maxsplit=1)[0]
    rows = re.findall(r"^\| `(\w+)(?:\{([\w,]+)\})?` \| (\w+) \|", section, re.MULTILINE)
    return {name: (kind, tuple(sorted(labels.split(",") if labels else ()))) for name, labels, kind in rows}


def served(url: str) -> dict[str, tuple[str, tuple[str, ...] | None]]:
    """Return the same of the metrics that a process serves; labels are None where there is no series now."""
    found: dict[str, tuple[str, tuple[str, ...] | None]] = {}
    for family in text_string_to_metric_families(calls().get(url, timeout=10).text):
        if family.name.endswith("_created"):
            continue
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for sample in family.samples for label in sample.labels} - {"le"}
        found[name] = (family.type, tuple(sorted(labels)) if family.samples else None)
    return found


@pytest.mark.parametrize(("heading", "process"), [("API", "api"), ("Worker", "worker"), ("proofd", "proofd")])
def test_the_metrics_of_the_page_are_those_that_are_served(running: Up, heading: str, process: str) -> None:
    """Name, type and labels of every metric, and no other."""
    wanted = listed(heading)
    if process == "proofd":  # the first checkpoint comes a moment after the first entry
        until(lambda: "lumen_proof_checkpoint_size" in served(running.url(process, "/metrics")), "no checkpoint")
    found = served(running.url(process, "/metrics"))
    assert set(found) == set(wanted)
    for name, (kind, labels) in found.items():
        assert wanted[name] == (kind, wanted[name][1] if labels is None else labels), name


def test_the_alerts_ask_for_metrics_that_exist() -> None:
    """Every metric in an expression is in the tables, with the labels that the expression uses."""
    known = {name: labels for heading in ("API", "Worker", "proofd") for name, (_, labels) in listed(heading).items()}
    for rule in yaml.safe_load(_ALERTS)["groups"][0]["rules"]:
        used = re.findall(r"\b(lumen_\w+)(?:\{(\w+)[=!]~?\")?", rule["expr"])
        assert used or rule["alert"] == "LumenDown"
        assert [name for name, label in used if label and label not in known[name]] == []


def test_prometheus_accepts_the_alerts(tmp_path: Path, *, require_all: bool) -> None:
    """`promtool check rules` has nothing against them."""
    promtool = shutil.which("promtool")
    if promtool is None and not require_all:
        pytest.skip("not installed: promtool (Debian: prometheus)")
    assert promtool is not None
    (tmp_path / "lumen.yml").write_text(_ALERTS)
    argv = [promtool, "check", "rules", str(tmp_path / "lumen.yml")]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_files_of_the_page_are_those_in_the_data_directory(running: Up) -> None:
    """Every file that `lumen up` keeps is in the table, with its mode."""
    rows = re.findall(r"^\| (`[a-z].*?) \| (.*?) \|", _PAGE.split("\n## Files\n")[1].split("\n## ")[0], re.MULTILINE)
    modes: dict[str, str] = {}
    for names, mode in rows:
        first, *more = re.findall(r"`([^`]+)`", names)
        modes |= {first.rstrip("/"): mode} | {first + name if name[0] == "-" else name: mode for name in more}
    var = running.folder / "var"
    assert stat.S_IMODE(var.stat().st_mode) == 0o700
    # The home of the Temporal program is not a part of the installation.
    found = {path.name: path for path in var.iterdir() if not path.name.startswith((".", "cleaned"))}
    assert set(found) == set(modes)
    wrong = [name for name, mode in modes.items() if mode[0] == "0" and oct(found[name].stat().st_mode)[-4:] != mode]
    assert wrong == []


def test_the_log_line_of_the_page_is_like_a_real_one(running: Up) -> None:
    """The fields of a request in the log of the API."""
    shown: dict[str, Any] = json.loads(re.findall(r"```json\n(.*?)```", _PAGE, re.DOTALL)[0])
    url, token = running.url("api", "/webhook"), (running.folder / "var" / "webhook.token").read_text()
    body = {"alerts": [{"status": "firing", "labels": {"alertname": "NobodyKnowsThis"}}]}
    calls().post(url, json=body, headers={"Authorization": f"Bearer {token}"}, timeout=10)
    log = running.folder / "var" / "logs" / "api.log"

    def lines() -> list[dict[str, Any]]:
        return [json.loads(line) for line in log.read_text().splitlines() if '"POST /webhook 202"' in line]

    until(lambda: bool(lines()), "the request is not in the log")
    assert shape(lines()[-1]) == shape(shown)


def test_the_numbers_of_the_page_hold() -> None:
    """Grace, sizes and retention in the text are those of the code."""
    assert (server._DRAIN_SECONDS, proofd._DRAIN_SECONDS, wiring.GRACE.total_seconds()) == (10, 10, 30)
    assert "finishes requests (10 s)" in _PAGE
    assert "gives running actions 30 s" in _PAGE
    assert (logfile._LIMIT, "10 MiB, and one older file each" in _PAGE) == (10 * 2**20, True)
    assert (temporal_server.RETENTION.days, "kept for 30 days" in _PAGE) == (30, True)
    assert (wiring.CACHED_WORKFLOWS, "up to 3,000 open episodes in memory" in _PAGE) == (3000, True)
