"""The services of the compose file as processes of this machine, with the Temporal server of the tests."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.deploy.composed import Outside, env_example, seconds
from tests.deploy.confinement import can_confine, confined
from tests.deploy.conftest import Secrets
from tests.deploy.dockerfile import ROOT, Built
from tests.stack.calling import calls
from tests.stack.processes import Child, temporal_binary

RULE = {
    "alert": "DiskFull",
    "dry_run": False,
    "approval": {"approve": 1, "allow": ["alice@example.com"], "min_rank": "token"},
    "actions": [{"name": "say", "cmd": ["/bin/echo", "hello from {labels.instance}"]}],
}
JOB_SECONDS = 90


class Containers:
    """The services of the profile base that are Lumen's own, and a Temporal server where compose has Temporal's."""

    def __init__(self, folder: Path, built: Built, secrets: Secrets) -> None:
        """Write the rules; nothing runs yet."""
        rules = folder / "rules"
        rules.mkdir()
        (rules / "policy.yaml").write_text((ROOT / "rules" / "policy.yaml").read_text(encoding="utf-8"))
        (rules / "disk.yaml").write_text(json.dumps({"rules": [RULE]}))
        self.folder = folder
        self.secrets = secrets
        self.outside = Outside(folder, {**env_example(), "RULES_DIR": str(rules)}, secrets.folder, built.venv / "bin")
        self.children: dict[str, Child] = {}

    def start_temporal(self) -> None:
        """Start a server that has neither namespace nor search attributes of Lumen."""
        port = self.outside.port("temporal", 7233)
        argv = [temporal_binary(), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"]
        metrics = self.outside.port("temporal", 8000)
        self._begin("temporal", [*argv, "--port", str(port), "--metrics-port", str(metrics)], {})

    def start(self, service: str) -> None:
        """Start a service and wait until its own healthcheck says that it is healthy."""
        argv = self.outside.argv(service)
        if can_confine() and self.outside.is_lumen(service):
            argv = confined(argv, self.outside.volumes(service))
        self._begin(service, ["env", "--chdir=/", *argv], self.outside.environment(service))
        health = self.outside.services[service]["healthcheck"]
        deadline = time.monotonic() + seconds(health["start_period"])
        while (probe := self.probe(service)).returncode != 0:
            alive = time.monotonic() < deadline and Path(f"/proc/{self.children[service].pid}/exe").exists()
            assert alive, f"{service}: {probe.stdout}{probe.stderr}\n{self.children[service].log[-4000:]}"
            time.sleep(0.1)

    def probe(self, service: str) -> subprocess.CompletedProcess[str]:
        """Run the healthcheck of a service; its exit code is 0 when the service is healthy."""
        return self.run(self.outside.probe(service), self.outside.environment(service))

    def job(self, service: str) -> subprocess.CompletedProcess[str]:
        """Run a job of the compose file to its end."""
        environment = self.outside.environment(service)
        environment["PATH"] = f"{Path(temporal_binary()).parent}:/usr/bin:/bin"
        environment["HOME"] = str(self.folder)
        return self.run(self.outside.argv(service), environment)

    def lumen(self, *arguments: str, person: str = "") -> subprocess.CompletedProcess[str]:
        """Do what ``docker compose run --rm lumen …`` does, with the token of a person if one is named."""
        environment = self.outside.environment("lumen")
        if person:
            environment |= {"LUMEN_API_TOKEN": self.secrets.tokens[person], "LUMEN_API_TOKEN_FILE": ""}
        return self.run(self.outside.argv("lumen", *arguments), environment)

    def run(self, argv: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run a program to its end, away from the source tree."""
        return subprocess.run(
            argv, env=environment, cwd="/", capture_output=True, text=True, check=False, timeout=JOB_SECONDS
        )

    def post(self, labels: dict[str, str]) -> str:
        """Send an alert as Alertmanager does and return its key."""
        answer = calls().post(
            f"http://127.0.0.1:{self.outside.port('api', 8080)}/webhooks/alertmanager",
            json={"version": "4", "alerts": [{"status": "firing", "labels": labels}]},
            headers={"Authorization": f"Bearer {self.secrets.read('webhook_token')}"},
            timeout=20,
        )
        assert answer.status_code == 202, answer.text
        key: str = answer.json()["alerts"][0]["key"]
        return key

    def until(self, key: str, **wanted: str) -> dict[str, Any]:
        """Wait until the episode has these values."""
        deadline = time.monotonic() + 40
        shown = self.lumen("alert", "show", key, "--json")
        while time.monotonic() < deadline:
            if shown.returncode == 0:
                document: dict[str, Any] = json.loads(shown.stdout)
                if all(document.get(name) == value for name, value in wanted.items()):
                    return document
            time.sleep(0.2)
            shown = self.lumen("alert", "show", key, "--json")
        raise AssertionError(f"{shown.stdout}{shown.stderr}\n{self.children['worker'].log[-4000:]}")

    def stop(self) -> None:
        """End everything."""
        for child in reversed(self.children.values()):
            child.kill()

    def _begin(self, name: str, argv: list[str], environment: dict[str, str]) -> None:
        self.children[name] = Child(name, argv, environment, self.folder)
        self.children[name].start()
