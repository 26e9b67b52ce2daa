"""A whole Lumen in which every secret setting holds a value of its own, beside programs that tell what they were sent."""

from __future__ import annotations

import contextlib
import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cli.fakeslack import FakeSlack
from tests.stack.site import ShippedSite, Site

NAMES = (
    "LUMEN_API_TOKEN",
    "LUMEN_API_TOKEN, the older",
    "LUMEN_WEBHOOK_TOKEN",
    "LUMEN_WEBHOOK_TOKEN, the older",
    "PROOFD_TOKEN",
    "PROOFD_TOKEN, the older",
    "BRIDGE_SECRET",
    "BRIDGE_SECRET, the older",
    "PROOF_SALT",
    "SLACK_SIGNING_SECRET",
    "LUMEN_FORWARD_AUTH_SECRET",
    "CONTROL_BUS_TOKEN",
    "a token of LUMEN_TOKENS_FILE",
    "the path of NOTIFY_WEBHOOK_URL",
    "the query of NOTIFY_WEBHOOK_URL",
    "the path of PROOF_ANCHOR_URL",
    "the query of PROOF_ANCHOR_URL",
    "the path of SLACK_WEBHOOK",
    "the password of PROMETHEUS_URL",
    "the password of ALERTMANAGER_URL",
    "the token of LUMEN_KUBECONFIG",
    "the secret of a command",
    "the password of PROOF_DSN",
)
PERSON = "alice@example.com"


def make_secrets() -> dict[str, str]:
    """Return a value for each, which stands nowhere else in the world and needs encoding in a URL."""
    made = {name: f"{secrets.token_hex(6)}+x=y~{secrets.token_urlsafe(12)}" for name in NAMES}
    made["SLACK_BOT_TOKEN"] = f"xoxb-{secrets.token_urlsafe(18)}"
    made["SLACK_APP_TOKEN"] = f"xapp-{secrets.token_urlsafe(18)}"
    return made


class _Echo(BaseHTTPRequestHandler):
    """Refuses everything and says all it was told, as careless programs do."""

    def do_POST(self) -> None:
        """Answer 500 with the request: its line, its headers, its body."""
        length = int(self.headers.get("Content-Length") or 0)
        told = f"cannot: {self.requestline}\n{self.headers}" + self.rfile.read(length).decode(errors="replace")
        body = json.dumps({"status": "error", "kind": "Status", "code": 500, "message": told, "error": told}).encode()
        self.send_response(500, "Trouble")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 - the names are those of http.server

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


@contextlib.contextmanager
def echoing() -> Iterator[str]:
    """Serve the careless program and yield host and port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Echo)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)


def build_site(folder: Path, known: dict[str, str], slack: FakeSlack, echo: str) -> Site:
    """Return a site, not started, with all of ``known`` in its settings."""
    kept = folder / "secrets"
    kept.mkdir(mode=0o700)
    bound = known["a token of LUMEN_TOKENS_FILE"]
    digest = hashlib.sha256(bound.encode()).hexdigest()
    (kept / "tokens.yaml").write_text(f"{digest}: {{actor: {PERSON}, scopes: [read, vote, override, command]}}\n")
    (kept / "kubeconfig").write_text(json.dumps(_kubeconfig(echo, known["the token of LUMEN_KUBECONFIG"])))
    (kept / "command").write_text(known["the secret of a command"] + "\n")
    site = ShippedSite(
        folder,
        LUMEN_API_TOKEN=_two(known, "LUMEN_API_TOKEN"),
        LUMEN_WEBHOOK_TOKEN=_two(known, "LUMEN_WEBHOOK_TOKEN"),
        PROOFD_TOKEN=_two(known, "PROOFD_TOKEN"),
        BRIDGE_SECRET=f"k2:{known['BRIDGE_SECRET']},k1:{known['BRIDGE_SECRET, the older']}",
        PROOF_SALT=known["PROOF_SALT"],
        SLACK_BOT_TOKEN=known["SLACK_BOT_TOKEN"],
        SLACK_APP_TOKEN=known["SLACK_APP_TOKEN"],
        SLACK_SIGNING_SECRET=known["SLACK_SIGNING_SECRET"],
        SLACK_API_BASE_URL=slack.api_url,
        SLACK_CHANNEL="ops",
        SLACK_WEBHOOK=f"http://{echo}/services/{known['the path of SLACK_WEBHOOK']}",
        LUMEN_TOKENS_FILE=str(kept / "tokens.yaml"),
        LUMEN_KUBECONFIG=str(kept / "kubeconfig"),
        LUMEN_FORWARD_AUTH_HEADER="X-Forwarded-Email",
        LUMEN_FORWARD_AUTH_PROXIES="127.0.0.1/32",
        LUMEN_FORWARD_AUTH_SECRET=known["LUMEN_FORWARD_AUTH_SECRET"],
        CONTROL_BUS_TARGET=f"http://{echo}/bus",
        CONTROL_BUS_TOKEN=known["CONTROL_BUS_TOKEN"],
        NOTIFY_WEBHOOK_URL=_addressed(echo, known, "NOTIFY_WEBHOOK_URL"),
        PROOF_ANCHOR_URL=_addressed(echo, known, "PROOF_ANCHOR_URL"),
        PROMETHEUS_URL=f"http://lumen:{known['the password of PROMETHEUS_URL']}@{echo}",
        ALERTMANAGER_URL=f"http://lumen:{known['the password of ALERTMANAGER_URL']}@{echo}",
    )
    site.env["PUBLIC_BASE_URL"] = site.api_url
    _write_rules(site, kept)
    return site


def _two(known: dict[str, str], name: str) -> str:
    return f"{known[name]},{known[name + ', the older']}"


def _addressed(echo: str, known: dict[str, str], name: str) -> str:
    return f"http://{echo}/hook/{known[f'the path of {name}']}?key={known[f'the query of {name}']}"


def _kubeconfig(echo: str, token: str) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u", "namespace": "shop"}}],
        "clusters": [{"name": "c", "cluster": {"server": f"http://{echo}"}}],
        "users": [{"name": "u", "user": {"token": token}}],
    }


def _write_rules(site: Site, kept: Path) -> None:
    book = site.rulebook
    reference = {"KEY": {"file": str(kept / "command")}}
    telling = (
        'echo "$KEY"; printf %s "$KEY" | /usr/bin/base64; echo "$KEY" >&2; echo "$KEY" | /usr/bin/head -c 20; exit 1'
    )
    bus = {"command": "restart-exporter", "args": {}}
    restart = {"restart": {"namespace": "shop", "deployment": "web"}}
    told = {"name": "tell", "cmd": ["/bin/sh", "-c", telling], "secrets": reference}
    book.add("LeakAsk", approval={"approve": 2}, actions=[{"name": "echo", "cmd": ["/bin/echo", "fine"]}])
    book.add("LeakCommand", mode="auto", actions=[told])
    book.add("LeakBus", mode="auto", actions=[{"name": "bus", "control_bus": bus, "timeout": 5}])
    book.add("LeakKube", mode="auto", actions=[{"name": "kube", "kubernetes": restart, "timeout": 10}])
    book.add("LeakWhen", mode="auto", when="up == 0", actions=[{"proof": True}])
