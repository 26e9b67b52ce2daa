"""The chain with the real programs: Prometheus' rule, Alertmanager, webhook, votes, one command, proof, close."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stack.monitoring import Alertmanager, Prometheus, missing_programs, wait_for
from tests.stack.processes import free_port
from tests.stack.site import Site, running_site

pytestmark = pytest.mark.usefixtures("monitoring")


@pytest.fixture
def monitoring(require_all: bool) -> None:
    """Skip, with the reason, where Prometheus or Alertmanager is not installed; where all is required, fail."""
    missing = missing_programs()
    if missing and not require_all:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: prometheus prometheus-alertmanager)")
    assert not missing


class _Healthy(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"demo_up 1\n"
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the method that this replaces
        """Say nothing."""


@contextmanager
def demo_service(port: int) -> Iterator[None]:
    """Run the thing that Prometheus watches."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), _Healthy)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_from_prometheus_to_proof(tmp_path: Path) -> None:
    """A Prometheus rule fires, Alertmanager posts, two people approve, the command runs once and repairs, it resolves."""
    target = free_port()
    with running_site(tmp_path) as site:
        repair = tmp_path / "repaired"
        script = 'echo "$LUMEN_IDEMPOTENCY_KEY" >> "$1"; touch "$2"'
        site.add_rule(
            "DemoDown",
            target="{labels.instance}",
            actions=[{"name": "repair", "cmd": ["/bin/sh", "-c", script, "sh", str(site.out), str(repair)]}],
        )
        alertmanager = Alertmanager(tmp_path, "alertmanager", f"{site.api_url}/webhooks/alertmanager")
        prometheus = Prometheus(tmp_path, [alertmanager], "DemoDown", target)
        try:
            alertmanager.start()
            prometheus.start()
            wait_for(lambda: bool(_keys(site)), 60, "the episode")
            [key] = _keys(site)
            site.until_state(key, "awaiting_approval")
            assert site.vote(key, "alice@example.com").json()["status"] == "pending"
            assert site.vote(key, "mallory@example.com").status_code == 403
            assert site.vote(key, "bob@example.com").json()["status"] == "approved"
            done = site.until_outcome(key)
            assert (done["outcome"], len(site.marks())) == ("remediated", 1)
            wait_for(repair.exists, 10, "the repair")
            with demo_service(target):
                site.until(key, lambda status: status["status"] == "resolved", 90)
            kinds = [entry["kind"] for entry in site.entries(key)]
            assert kinds == ["approval_quorum_decision", "action.started", "action.finished", "auto_remediation"]
            assert site.ledger_holds()
            assert len(_keys(site)) == 1
        finally:
            prometheus.child.kill()
            alertmanager.child.kill()


def test_two_alertmanagers_make_one_episode(tmp_path: Path) -> None:
    """Two Alertmanagers of a pair that lost sight of each other both deliver: one episode, which asks and acts once."""
    with running_site(tmp_path) as site:
        site.add_rule("BothDeliver", mode="auto", actions=[{"name": "log", "proof": True}])
        webhook = f"{site.api_url}/webhooks/alertmanager"
        pair = [Alertmanager(tmp_path, name, webhook) for name in ("am-a", "am-b")]
        try:
            for one in pair:
                one.start()
            for one in pair:
                one.post({"alertname": "BothDeliver", "instance": "db-1"})
            wait_for(lambda: site.api.log.count('"POST"') >= len(pair), 60, "both deliveries")
            [key] = _keys(site)
            done = site.until_outcome(key)
            assert (done["outcome"], len(done["attempts"])) == ("remediated", 1)
            wait_for(lambda: _heard(site, key) >= len(pair), 30, "the second delivery in the episode")
            assert len(site.status(key)["attempts"]) == 1
        finally:
            for one in pair:
                one.child.kill()


def test_alertmanager_gets_through_after_temporal_was_down(tmp_path: Path) -> None:
    """With Temporal down the webhook answers 503, and Alertmanager's own retry starts the episode once it is back."""
    with running_site(tmp_path) as site:
        site.add_rule("TemporalDown", mode="auto", actions=[{"name": "log", "proof": True}])
        alertmanager = Alertmanager(tmp_path, "alertmanager", f"{site.api_url}/webhooks/alertmanager")
        site.temporal.kill()
        try:
            alertmanager.start()
            alertmanager.post({"alertname": "TemporalDown", "instance": "db-1"})
            wait_for(lambda: "503" in alertmanager.child.log, 60, "the refusal")
            site.start_temporal()
            wait_for(lambda: bool(_keys(site)), 90, "the retry")
            [key] = _keys(site)
            assert site.until_outcome(key)["outcome"] == "remediated"
        finally:
            alertmanager.child.kill()


def _heard(site: Site, key: str) -> int:
    """Return how often the episode was told of its alert; what came out of order counts for nothing in it."""
    history = site.temporal_cli("workflow", "show", "-w", f"alert-{key}", "-o", "json").stdout
    return sum(
        event["eventType"] == "EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED" for event in json.loads(history)["events"]
    )


def _keys(site: Site) -> list[str]:
    return [alert["key"] for alert in site.request("GET", "/alerts").json()["alerts"]]
