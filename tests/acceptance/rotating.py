"""A Lumen with two APIs whose secrets are files, and a stream of alerts and votes that nobody may refuse."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from tests.stack.calling import calls
from tests.stack.processes import LumenChild, free_port, lumen_command
from tests.stack.site import PATIENCE, Site

FILES = {
    "LUMEN_WEBHOOK_TOKEN": "webhook-one",
    "LUMEN_API_TOKEN": "reader-one",
    "PROOFD_TOKEN": "ledger-one",
    "BRIDGE_SECRET": "k1:the-first-bridge-secret",
    "SLACK_SIGNING_SECRET": "slack-one",
}
_NUMBERS = itertools.count(1)


class House:
    """A site with two APIs, and the senders in front of them. ``webhook`` and ``person`` are the tokens that they use."""

    def __init__(self, folder: Path) -> None:
        self.kept = folder / "kept"
        self.kept.mkdir()
        self.site = Site(folder)
        env = self.site.env
        for name, value in FILES.items():
            env.pop(name, None)
            self.write(name, value)
            env[f"{name}_FILE"] = str(self.kept / name)
        self.grant("alice-one")
        env |= {
            "LUMEN_TOKENS_FILE": str(self.kept / "tokens.yaml"),
            "SLACK_BOT_TOKEN": "xoxb-nobody",
            "SLACK_API_BASE_URL": f"http://127.0.0.1:{free_port()}",
        }
        (self.kept / "proofd").write_text("ledger-one")
        port = free_port()
        self.urls = (self.site.api_url, f"http://127.0.0.1:{port}")
        env["PUBLIC_BASE_URL"] = self.site.api_url
        self.site.proofd = LumenChild(
            "proofd", lumen_command("proofd"), {**env, "PROOFD_TOKEN_FILE": str(self.kept / "proofd")}, folder
        )
        self.site.worker = LumenChild("worker", lumen_command("worker"), env, folder)
        self.site.api = LumenChild("api", lumen_command("api"), env, folder)
        self.second = LumenChild("second", lumen_command("api"), {**env, "LUMEN_API_ADDR": f"127.0.0.1:{port}"}, folder)
        self.webhook, self.person = "webhook-one", "alice-one"

    def write(self, name: str, value: str) -> None:
        """Replace the content of a file, whole."""
        draft = self.kept / f".{name}"
        draft.write_text(value + "\n")
        draft.replace(self.kept / name)

    def grant(self, *tokens: str) -> None:
        """Let these tokens, and no others, speak for Alice."""
        lines = [
            f"{hashlib.sha256(token.encode()).hexdigest()}: {{actor: alice@example.com, scopes: [read, vote]}}"
            for token in tokens
        ]
        self.write("tokens.yaml", "\n".join(lines))

    def start(self) -> None:
        """Start everything."""
        self.site.rulebook.add("Rotate", actions=[{"name": "done", "cmd": ["/bin/true"]}])
        self.site.start()
        self._start_second()

    def _start_second(self) -> None:
        self.second.start()
        self.second.wait_until(f"{self.urls[1]}/readyz")

    def stop(self) -> None:
        """End everything."""
        self.second.kill()
        self.site.stop()

    def again(self, *names: str) -> None:
        """Let processes start again, one after the other, each ended as a service manager ends it."""
        for name in names:
            if name == "apis":
                self.site.api.kill(signal.SIGTERM)
                self.site.start_api()
                self.site.api.wait_until(f"{self.urls[0]}/readyz")
                self.second.kill(signal.SIGTERM)
                self._start_second()
            else:
                getattr(self.site, name).kill(signal.SIGTERM)
                getattr(self.site, f"start_{name}")()

    def send(self, method: str, path: str, token: str = "", **content: Any) -> httpx.Response:
        """Send a request to the API that takes it; as a load balancer does, to the other one if nothing answers."""
        headers = {**({"Authorization": f"Bearer {token}"} if token else {}), **content.pop("headers", {})}
        deadline = time.monotonic() + PATIENCE
        for url in itertools.cycle(self.urls):
            try:
                return calls().request(method, url + path, headers=headers, timeout=30, **content)
            except httpx.TransportError:
                assert time.monotonic() < deadline, "neither API answers"
                time.sleep(0.05)
        raise AssertionError

    def alert(self) -> str:
        """Send an alert of its own and return its key; it must be taken."""
        labels = {"alertname": "Rotate", "number": str(next(_NUMBERS))}
        answer = self.send(
            "POST", "/webhook", self.webhook, json={"version": "4", "alerts": [{"status": "firing", "labels": labels}]}
        )
        assert answer.status_code == 202, f"a webhook was refused: {answer.status_code} {answer.text}"
        [one] = answer.json()["alerts"]
        assert one["result"] == "started", one
        return str(one["key"])

    def asked(self) -> tuple[str, dict[str, Any]]:
        """Return an episode that asks, and its document."""
        key = self.alert()
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            answer = self.send("GET", f"/alerts/{key}", self.person)
            assert answer.status_code in {200, 503}, f"reading was refused: {answer.status_code} {answer.text}"
            document = answer.json()
            if document.get("state") == "awaiting_approval" and document.get("approval"):
                return key, document
            time.sleep(0.1)
        raise AssertionError(f"{key} never asks")


class Stream:
    """Alerts and votes on them, one after the other, until told to stop; ``refused`` keeps what went wrong."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.sent = 0
        self.refused: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while not self._over.is_set():
            try:
                key, _ = self.house.asked()
                body = {"decision": "approve", "reason": "seen"}
                answer = self.house.send("POST", f"/alerts/{key}/votes", self.house.person, json=body)
                assert answer.status_code in {200, 202}, f"a vote was refused: {answer.status_code} {answer.text}"
                self.sent += 1
            except AssertionError as error:
                self.refused.append(str(error))

    @contextlib.contextmanager
    def flowing(self) -> Iterator[None]:
        """Keep it going while inside; before and after, some more come through."""
        self._thread.start()
        try:
            self.wait_for(2)
            yield
            self.wait_for(2)
        finally:
            self._over.set()
            self._thread.join(PATIENCE)
        assert self.refused == []

    def wait_for(self, more: int) -> None:
        """Wait until so many more were taken."""
        wanted, deadline = self.sent + more, time.monotonic() + PATIENCE
        while self.sent < wanted and not self.refused:
            assert time.monotonic() < deadline, "the stream does not flow"
            time.sleep(0.05)
