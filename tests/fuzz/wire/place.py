"""One installation to send to: rules for random alerts, known values, and what its state is."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.fuzz.wire.documents import api_document, proofd_document
from tests.fuzz.wire.sending import Sent
from tests.stack.processes import free_port
from tests.stack.rulebook import POLICY
from tests.stack.site import API_TOKEN, PROOFD_TOKEN, WEBHOOK_TOKEN, Site

SLACK_SECRET = "slack-secret-of-the-tests"
SECRETS = (API_TOKEN, PROOFD_TOKEN, WEBHOOK_TOKEN, SLACK_SECRET, "a-secret-of-the-tests")
COMMAND = "reduce-gain"
_PAGE_SIZE = 4096
_QUIET_SECONDS = 60.0


@dataclass(frozen=True)
class Service:
    """One service under test; ``known`` are values that mean something to it."""

    name: str
    url: str
    document: dict[str, Any]
    pid: int
    known: tuple[str, ...]


@dataclass
class Place:
    """A running site with what a person needs to use every route of it."""

    site: Site
    key: str
    session: str = ""
    form_token: str = ""
    link: str = ""
    services: tuple[Service, ...] = field(default=())

    def signed(self, sent: Sent, security: tuple[str, ...]) -> Sent:
        """Return ``sent`` with what lets it in."""
        headers = dict(sent.headers)
        if "bearer" in security:
            headers["Authorization"] = f"Bearer {self._token(sent.path)}"
        if "session" in security or sent.path == "/sign-in":
            headers |= {"Cookie": f"lumen={self.session}", "Origin": self.site.api_url}
        if "slack" in security:
            stamp = str(int(time.time()))
            mac = hmac.new(SLACK_SECRET.encode(), f"v0:{stamp}:".encode() + sent.body, hashlib.sha256)
            headers |= {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={mac.hexdigest()}"}
        return Sent(sent.label, sent.method, sent.target, headers, sent.body)

    @staticmethod
    def _token(path: str) -> str:
        return WEBHOOK_TOKEN if path.startswith(("/webhook", "/alert/")) or path == "/alert" else API_TOKEN

    def state(self) -> dict[str, Any]:
        """Return everything that a request could change: the ledger's head, workflows and their events, the episode."""
        found = json.loads(self.site.temporal_cli("workflow", "list", "--limit", "100000", "-o", "json").stdout)
        rows = {row["execution"]["workflowId"]: (row["status"], row.get("historyLength")) for row in found}
        return {"ledger": self.site.ledger_head(), "workflows": rows, "episode": self.site.status(self.key)}

    def quiet_state(self) -> dict[str, Any]:
        """Return the state once it has been the same for two seconds: Temporal's list is a moment late."""
        deadline = time.monotonic() + _QUIET_SECONDS
        last = self.state()
        while time.monotonic() < deadline:
            time.sleep(2)
            now = self.state()
            if now == last:
                return now
            last = now
        raise AssertionError("the state does not come to rest")

    def memory(self) -> dict[str, int]:
        """Return the resident bytes of each process."""
        children = {"api": self.site.api, "proofd": self.site.proofd, "worker": self.site.worker}
        return {name: resident(child.pid) for name, child in children.items()}


def resident(pid: int) -> int:
    """Return the resident bytes of a process."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE_SIZE


@contextmanager
def running_place(folder: Path) -> Iterator[Place]:
    """Run a site with one episode that waits for votes; everything it started is gone afterwards."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    slack = {"SLACK_BOT_TOKEN": "xoxb-tests", "SLACK_SIGNING_SECRET": SLACK_SECRET, "SLACK_API_BASE_URL": nowhere}
    site = Site(folder, **slack, CONTROL_BUS_TARGET=nowhere)
    site.rulebook.policy(**POLICY, commands=[COMMAND])
    # Nothing may come to its end by itself while it is watched.
    waits = {"approve": 2, "reject": 1, "allow": ["alice@example.com", "bob@example.com"], "timeout": "24h"}
    site.rulebook.add("FuzzAsk", approval=waits, actions=[{"name": "nothing", "cmd": ["/bin/true"]}])
    site.rulebook.add("FuzzShadow", mode="shadow", actions=[{"name": "nothing", "cmd": ["/bin/true"]}])
    try:
        site.start()
        place = Place(site, site.post_alert("FuzzAsk", severity="critical"))
        site.until_state(place.key, "awaiting_approval")
        _sign_in(place)
        place.link = (
            site.lumen("link", place.key, "--actor", "alice@example.com").stdout.strip().rpartition("token=")[2]
        )
        assert place.link
        place.services = _services(place)
        yield place
    finally:
        site.stop()


def _sign_in(place: Place) -> None:
    origin = {"Origin": place.site.api_url}
    with httpx.Client(base_url=place.site.api_url, headers=origin, trust_env=False, timeout=20) as http:
        answer = http.post("/sign-in", data={"token": API_TOKEN, "name": "alice@example.com"})
        assert answer.status_code == 303, answer.text
        place.session = http.cookies["lumen"]
        found = re.search(r'name="form_token" value="([^"]+)"', http.get("/sign-in").text)
        assert found
        place.form_token = found[1]


def _services(place: Place) -> tuple[Service, ...]:
    site = place.site
    known = (
        place.key,
        "FuzzAsk",
        "FuzzShadow",
        COMMAND,
        "alice@example.com",
        place.link,
        place.form_token,
        "alertmanager-0aa043e5d176c819",
        "lumen.css",
        "lumen.js",
    )
    ledger = (
        *map(str, range(4)),
        "command",
        "action.started",
        "json",
        "tlog-proof",
        "a/b",
        "part.erased/0/a",
        "9007199254740993",
        "rules.loaded/x",
    )
    return (
        Service("api", site.api_url, api_document(), site.api.pid, known),
        Service("proofd", site.proofd_url, proofd_document(), site.proofd.pid, ledger),
    )
