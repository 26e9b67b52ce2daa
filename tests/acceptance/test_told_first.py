"""What the ledger was told stands, even if the worker dies before Temporal hears that it was told."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.steps import appending, lines, until_recorded
from tests.stack.processes import LumenChild, lumen_command
from tests.stack.site import Site

ALICE, BOB = "alice@example.com", "bob@example.com"
DECISION, END = "approval_quorum_decision", "auto_remediation"


class Between(ThreadingHTTPServer):
    """Stands between worker and proofd; kills the worker once proofd has taken an entry of the kind ``deadly``."""

    daemon_threads = True

    def __init__(self, site: Site) -> None:
        super().__init__(("127.0.0.1", 0), _Passing)
        self.site = site
        self.deadly = ""
        self.killed = threading.Event()

    @property
    def url(self) -> str:
        """Where the worker finds its ledger."""
        return f"http://127.0.0.1:{self.server_port}"


class _Passing(BaseHTTPRequestHandler):
    server: Between
    protocol_version = "HTTP/1.1"

    def _pass(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        ledger = http.client.HTTPConnection(self.server.site.proofd_url.removeprefix("http://"), timeout=30)
        with contextlib.closing(ledger):
            ledger.request(self.command, self.path, body, dict(self.headers))
            answer = ledger.getresponse()
            content = answer.read()
        if self.server.deadly and body and json.loads(body).get("kind") == self.server.deadly:
            self.server.deadly = ""
            self.server.site.worker.kill()
            self.server.killed.set()
        with contextlib.suppress(OSError):  # whoever asked may be dead
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.getheader("Content-Type", ""))
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    def do_GET(self) -> None:
        """Pass a request on."""
        self._pass()

    def do_POST(self) -> None:
        """Pass an entry on."""
        self._pass()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def between(site: Site, tmp_path: Path) -> Iterator[Between]:
    """A site whose worker reaches the ledger through what may kill it."""
    server = Between(site)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site.worker.kill()
    site.worker = LumenChild("worker", lumen_command("worker"), {**site.env, "PROOFD_URL": server.url}, tmp_path)
    site.start_worker()
    yield server
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("deadly", [DECISION, END])
def test_a_rejection_that_was_recorded_is_final(between: Between, deadly: str) -> None:
    """Votes that come while no worker lives turn no recorded rejection into a run: one decision, one end, nothing ran."""
    site = between.site
    out = site.folder / "ran"
    approval = {"approve": 2, "reject": 1, "allow": [ALICE, BOB]}
    site.add_rule("ToldFirst", approval=approval, actions=[{"name": "run", "cmd": appending(out)}])
    key = site.post_alert("ToldFirst")
    site.until_state(key, "awaiting_approval")
    assert site.vote(key, ALICE).status_code == 200
    between.deadly = deadly
    site.vote(key, BOB, "reject")
    assert between.killed.wait(30)
    for actor in (BOB, ALICE):
        site.vote(key, actor)
    site.start_worker()
    assert until_recorded(site, key)["outcome"] == "rejected"
    recorded = [
        (entry["kind"], part.get("decision") if entry["kind"] == DECISION else part["outcome"])
        for entry in site.entries(key)
        for part in entry["parts"].values()
    ]
    assert recorded == [(DECISION, "reject"), (END, "rejected")]
    assert lines(out) == []
    assert site.ledger_holds()
