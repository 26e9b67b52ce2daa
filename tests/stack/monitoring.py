"""Real Prometheus and Alertmanager (Debian's packages) against a site."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import yaml

from tests.stack.calling import calls
from tests.stack.processes import Child, free_port
from tests.stack.site import WEBHOOK_TOKEN

PROGRAMS = ("prometheus", "prometheus-alertmanager", "amtool")


def missing_programs() -> list[str]:
    """Return which of the programs are not installed."""
    return [name for name in PROGRAMS if shutil.which(name) is None]


class Alertmanager:
    """One Alertmanager, of no cluster, that posts every alert to ``webhook``."""

    def __init__(self, folder: Path, name: str, webhook: str) -> None:
        """Write its configuration; nothing runs yet."""
        self.port = free_port()
        folder = folder / name
        folder.mkdir()
        (folder / "token").write_text(WEBHOOK_TOKEN)
        (folder / "config.yml").write_text(yaml.safe_dump(_config(webhook, folder / "token")))
        program = shutil.which("prometheus-alertmanager") or ""
        argv = [program, f"--config.file={folder}/config.yml", f"--storage.path={folder}/data"]
        argv += [f"--web.listen-address=127.0.0.1:{self.port}"]
        argv += ["--cluster.listen-address="]
        self.child = Child(name, argv, {}, folder)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.child.start()
        self.child.wait_until(f"{self.url}/-/ready")

    def post(self, labels: dict[str, str], **more: Any) -> None:
        """Post one alert to its API."""
        body = [{"labels": labels, "annotations": {"summary": "from the tests"}, **more}]
        calls().post(f"{self.url}/api/v2/alerts", json=body, timeout=10).raise_for_status()


def _config(webhook: str, token: Path) -> dict[str, Any]:
    receiver = {
        "name": "lumen",
        "webhook_configs": [
            {
                "url": webhook,
                "send_resolved": True,
                "max_alerts": 0,
                "http_config": {
                    "follow_redirects": False,
                    "authorization": {"type": "Bearer", "credentials_file": str(token)},
                },
            }
        ],
    }
    route = {
        "receiver": "lumen",
        "group_by": ["..."],
        "group_wait": "1s",
        "group_interval": "10s",
        "repeat_interval": "4h",
    }
    return {"route": route, "receivers": [receiver]}


class Prometheus:
    """A Prometheus that evaluates one rule over its own ``up`` series of a target that can be switched off."""

    def __init__(self, folder: Path, alertmanagers: list[Alertmanager], alert: str, target_port: int) -> None:
        """Write its configuration; nothing runs yet."""
        self.port = free_port()
        folder = folder / "prometheus"
        folder.mkdir()
        rule = {"alert": alert, "expr": 'up{job="demo"} == 0', "labels": {"severity": "critical"}}
        (folder / "rules.yml").write_text(yaml.safe_dump({"groups": [{"name": "tests", "rules": [rule]}]}))
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(folder / "rules.yml")],
            "scrape_configs": [
                {
                    "job_name": "demo",
                    "metrics_path": "/-/healthy",
                    "static_configs": [{"targets": [f"127.0.0.1:{target_port}"]}],
                }
            ],
            "alerting": {
                "alertmanagers": [{"static_configs": [{"targets": [f"127.0.0.1:{one.port}" for one in alertmanagers]}]}]
            },
        }
        (folder / "config.yml").write_text(yaml.safe_dump(config))
        argv = [shutil.which("prometheus") or "", f"--config.file={folder}/config.yml"]
        argv += [f"--storage.tsdb.path={folder}/data", f"--web.listen-address=127.0.0.1:{self.port}"]
        self.child = Child("prometheus", argv, {}, folder)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.child.start()
        self.child.wait_until(f"{self.url}/-/ready")


def wait_for(condition: Any, seconds: float, what: str) -> None:
    """Wait until ``condition()`` is true; fail naming ``what`` otherwise."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return
        time.sleep(0.2)
    raise AssertionError(f"never came: {what}")
