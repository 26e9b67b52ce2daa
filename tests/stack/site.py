"""A whole Lumen as separate processes: Temporal with its database file, proofd, a worker, an API. Any of them can be killed."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from cli.up import temporal_server
from lumen import names
from tests.stack.calling import calls
from tests.stack.processes import Child, LumenChild, free_port, listens, lumen_command, temporal_binary
from tests.stack.rulebook import Rulebook

WEBHOOK_TOKEN = "webhook-token-of-the-tests"
API_TOKEN = "api-token-of-the-tests"
PROOFD_TOKEN = "proofd-token-of-the-tests"
PATIENCE = 120.0


class Site:
    """One installation in one folder. ``changes`` are further settings of worker and API."""

    child: type[Child] = LumenChild
    """How proofd, worker and API are started."""

    def __init__(self, folder: Path, **changes: str) -> None:
        """Choose ports and write the example policy; nothing runs yet."""
        self.folder = folder
        self.rulebook = Rulebook(folder / "rules")
        self.out = folder / "out"
        self.database = folder / "temporal.db"
        self._ports = {name: free_port() for name in ("temporal", "metrics", "proofd", "worker", "api")}
        self.env = {
            "LUMEN_EMBEDDED": "1",
            "LUMEN_RULES": str(self.rulebook.folder),
            "LUMEN_DATA_DIR": str(folder / "var"),
            "TEMPORAL_ADDRESS": self.temporal_address,
            "PROOFD_ADDR": f"127.0.0.1:{self._ports['proofd']}",
            "PROOFD_URL": self.proofd_url,
            "PROOFD_TOKEN": PROOFD_TOKEN,
            "PROOF_SALT": "tests",
            "PROOF_DSN": f"sqlite:///{folder}/proof.db",
            "LUMEN_WORKER_ADDR": f"127.0.0.1:{self._ports['worker']}",
            "LUMEN_API_ADDR": f"127.0.0.1:{self._ports['api']}",
            "LUMEN_API_TOKEN": API_TOKEN,
            "LUMEN_WEBHOOK_TOKEN": WEBHOOK_TOKEN,
            "BRIDGE_SECRET": "k1:a-secret-of-the-tests",
            **changes,
        }
        self.temporal = Child("temporal", self._temporal_argv(), {}, folder)
        self.proofd = self.child("proofd", lumen_command("proofd"), self.env, folder)
        self.worker = self.child("worker", lumen_command("worker"), self.env, folder)
        self.api = self.child("api", lumen_command("api"), self.env, folder)

    @property
    def temporal_address(self) -> str:
        """Host and port of the Temporal server."""
        return f"127.0.0.1:{self._ports['temporal']}"

    @property
    def proofd_url(self) -> str:
        """URL of the ledger."""
        return f"http://127.0.0.1:{self._ports['proofd']}"

    @property
    def api_url(self) -> str:
        """URL of the API."""
        return f"http://127.0.0.1:{self._ports['api']}"

    def _temporal_argv(self) -> list[str]:
        argv = [temporal_binary(), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"]
        argv += ["--port", str(self._ports["temporal"]), "--metrics-port", str(self._ports["metrics"])]
        argv += ["--db-filename", str(self.database)]
        argv += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=normal"]
        for name in names.ATTRIBUTES:
            argv += ["--search-attribute", f"{name}=Keyword"]
        for setting in temporal_server.DYNAMIC:
            argv += ["--dynamic-config-value", setting]
        return argv

    def start(self) -> None:
        """Start everything, in order, each once the one before answers."""
        self.start_temporal()
        self.start_proofd()
        self.start_worker()
        self.start_api()

    def start_temporal(self) -> None:
        """Start Temporal and wait until its frontend serves."""
        self.temporal.start()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            # Knocking first, for the program that asks for the health takes a tenth of a second of CPU each time.
            if listens(self.temporal_address) and self._temporal_serves():
                return
            time.sleep(0.05)
        raise AssertionError(f"Temporal did not start:\n{self.temporal.log[-4000:]}")

    def _temporal_serves(self) -> bool:
        return self.temporal_cli("operator", "cluster", "health", check=False).returncode == 0

    def start_proofd(self) -> None:
        """Start the ledger and wait for it."""
        self.proofd.start()
        self.proofd.wait_until(f"{self.proofd_url}/healthz")

    def start_worker(self) -> None:
        """Start the worker and wait for it."""
        self.worker.start()
        self.worker.wait_until(f"http://127.0.0.1:{self._ports['worker']}/healthz")

    def start_api(self) -> None:
        """Start the API and wait for it."""
        self.api.start()
        self.api.wait_until(f"{self.api_url}/healthz")

    def stop(self) -> None:
        """End everything."""
        for child in (self.api, self.worker, self.proofd, self.temporal):
            child.kill()

    def temporal_cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the Temporal CLI against this site's server."""
        argv = [temporal_binary(), *arguments, "--address", self.temporal_address]
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder)}  # noqa: TID251 - tests pass PATH on
        return subprocess.run(argv, env=env, capture_output=True, text=True, check=check, timeout=30)

    def lumen(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a ``lumen`` command with this site's settings."""
        env = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.env}  # noqa: TID251 - tests pass PATH on
        return subprocess.run(
            lumen_command(*arguments), env=env, capture_output=True, text=True, check=False, timeout=120
        )

    def add_rule(self, name: str, **rule: Any) -> None:
        """Add a rule and wait until worker and API have reloaded the folder."""
        self.rulebook.add(name, **rule)
        loaded = [child.log.count("rules_digest") for child in (self.worker, self.api)]
        for child in (self.worker, self.api):
            os.kill(child.pid, signal.SIGHUP)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            now = [child.log.count("rules_digest") for child in (self.worker, self.api)]
            if all(after > before for before, after in zip(loaded, now, strict=True)):
                return
            time.sleep(0.05)
        raise AssertionError(f"the rules were not reloaded:\n{self.worker.log[-2000:]}\n{self.api.log[-2000:]}")

    def post_alert(self, name: str, **labels: str) -> str:
        """Send one firing alert through ``POST /alert`` and return its key."""
        return self._post_alert({"labels": {"alertname": name, **labels}, "status": "firing"})

    def post_resolve(self, name: str, **labels: str) -> str:
        """Send one resolved alert and return its key."""
        return self._post_alert({"labels": {"alertname": name, **labels}, "status": "resolved"})

    def _post_alert(self, body: dict[str, Any]) -> str:
        response = self.request("POST", "/alert", json=body)
        assert response.is_success, response.text
        key: str = response.json()["key"]
        return key

    def webhook(self, alerts: list[dict[str, Any]], **more: Any) -> httpx.Response:
        """Post a body as Alertmanager would."""
        body = {"version": "4", "status": "firing", "receiver": "lumen", "alerts": alerts, **more}
        headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
        return calls().post(f"{self.api_url}/webhook", json=body, headers=headers, timeout=60)

    def request(self, method: str, path: str, **content: Any) -> httpx.Response:
        """Send a request to the API with its token."""
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        return calls().request(method, self.api_url + path, headers=headers, timeout=20, **content)

    def vote(self, key: str, actor: str, decision: str = "approve") -> httpx.Response:
        """Vote through the API."""
        body = {"decision": decision, "actor": actor, "reason": "tests"}
        return self.request("POST", f"/alerts/{key}/votes", json=body)

    def status(self, key: str) -> dict[str, Any]:
        """Return ``GET /alerts/{key}``, or nothing while it cannot be had."""
        with contextlib.suppress(httpx.HTTPError):
            response = self.request("GET", f"/alerts/{key}")
            if response.is_success:
                document: dict[str, Any] = response.json()
                return document
        return {}

    def until(self, key: str, wanted: Callable[[dict[str, Any]], bool], seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until the status is as ``wanted``; fail with the last one otherwise."""
        deadline = time.monotonic() + seconds
        document: dict[str, Any] = {}
        while time.monotonic() < deadline:
            document = self.status(key)
            if document and not document.get("stale") and wanted(document):
                return document
            time.sleep(0.1)
        raise AssertionError(f"{key} stands at {document}\nworker:\n{self.worker.log[-3000:]}")

    def until_state(self, key: str, state: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until the episode is in ``state``."""
        return self.until(key, lambda document: document["state"] == state, seconds)

    def until_outcome(self, key: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """Wait until an attempt has ended."""
        return self.until(key, lambda document: bool(document["attempts"]), seconds)

    def entries(self, key: str = "") -> list[dict[str, Any]]:
        """Return the entries of the ledger, of one episode if given."""
        headers = {"Authorization": f"Bearer {PROOFD_TOKEN}"}
        with httpx.Client(base_url=self.proofd_url, headers=headers, trust_env=False, timeout=20) as http:
            height = http.get("/head").json()["height"]
            entries = [http.get(f"/entries/{seq}").json() for seq in range(height)]
        return [entry for entry in entries if key in json.dumps(entry["parts"])]

    def entry(self, seq: int) -> dict[str, Any]:
        """Return one entry of the ledger with its parts."""
        headers = {"Authorization": f"Bearer {PROOFD_TOKEN}"}
        found: dict[str, Any] = calls().get(f"{self.proofd_url}/entries/{seq}", headers=headers, timeout=20).json()
        return found

    def ledger_head(self) -> dict[str, Any]:
        """Return the head of the ledger."""
        head: dict[str, Any] = calls().get(f"{self.proofd_url}/head", timeout=20).json()
        return head

    def ledger_holds(self) -> bool:
        """Return whether the whole ledger verifies."""
        headers = {"Authorization": f"Bearer {PROOFD_TOKEN}"}
        answer = calls().post(f"{self.proofd_url}/verify", headers=headers, timeout=60).json()
        return bool(answer["ok"])

    def marks(self) -> list[str]:
        """Return the lines that commands appended to :attr:`out`."""
        return self.out.read_text().splitlines() if self.out.exists() else []

    def copy_database(self, to: Path) -> None:
        """Copy Temporal's database; only while Temporal is stopped."""
        to.mkdir(parents=True, exist_ok=True)
        for file in self.folder.glob("temporal.db*"):
            shutil.copy2(file, to / file.name)

    def restore_database(self, of: Path) -> None:
        """Put an older copy of Temporal's database back; only while Temporal is stopped."""
        for file in self.folder.glob("temporal.db*"):
            file.unlink()
        for file in of.glob("temporal.db*"):
            shutil.copy2(file, self.folder / file.name)


class ShippedSite(Site):
    """A site whose processes start as a service manager starts them, imports and all."""

    child = Child


@contextlib.contextmanager
def running_site(folder: Path, **changes: str) -> Iterator[Site]:
    """Run a site while inside; everything it started is gone afterwards."""
    site = Site(folder, **changes)
    try:
        site.start()
        yield site
    finally:
        site.stop()
