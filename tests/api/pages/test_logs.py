from __future__ import annotations

import hashlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from lumen.links import Link, link_token
from tests.stack.processes import Child, free_port, lumen_command
from tests.stack.rulebook import Rulebook

SECRETS = {
    "BRIDGE_SECRET": "k1:a-bridge-secret-of-this-test",
    "LUMEN_WEBHOOK_TOKEN": "a-webhook-token-of-this-test",
    "LUMEN_API_TOKEN": "an-api-token-of-this-test",
    "LUMEN_FORWARD_AUTH_SECRET": "a-proxy-secret-of-this-test",
}
BOUND = "a-bound-token-of-this-test"


class Api:
    """A real ``lumen api``, whose Temporal does not answer."""

    def __init__(self, folder: Path) -> None:
        """Write what it needs; nothing runs yet."""
        self.port = free_port()
        tokens = folder / "tokens.yaml"
        digest = hashlib.sha256(BOUND.encode()).hexdigest()
        tokens.write_text(json.dumps({digest: {"actor": "alice@example.com", "scopes": ["read", "vote"]}}))
        env = {
            **SECRETS,
            "LUMEN_RULES": str(Rulebook(folder / "rules").folder),
            "LUMEN_DATA_DIR": str(folder / "var"),
            "LUMEN_API_ADDR": f"127.0.0.1:{self.port}",
            "PUBLIC_BASE_URL": self.url,
            "TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}",
            "LUMEN_TOKENS_FILE": str(tokens),
            "LUMEN_FORWARD_AUTH_HEADER": "X-Forwarded-Email",
            "LUMEN_FORWARD_AUTH_PROXIES": "127.0.0.1/32",
        }
        self.process = Child("api", lumen_command("api"), env, folder)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def raw(self, request: bytes) -> bytes:
        """Send bytes as they are, and return the beginning of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(request)
            return connection.recv(65536)


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Api]:
    """A running API."""
    one = Api(tmp_path)
    one.process.start()
    try:
        one.process.wait_until(f"{one.url}/healthz")
        yield one
    finally:
        one.process.kill()


def test_no_token_ever_reaches_a_log(api: Api) -> None:
    """A token in query, body, header, path, method or a broken request stands in no line that the API writes."""
    link = link_token(
        Link("alertmanager-0aa043e5d176c819", "run.1.1", "sha256:x", "alice@example.com", int(time.time()) + 900, "j"),
        {"k1": "a-bridge-secret-of-this-test"},
    )
    tokens = [link, link[:-1], *SECRETS.values(), BOUND, "k1:a-bridge"]
    home = {"Origin": api.url}
    with httpx.Client(base_url=api.url, timeout=60, trust_env=False) as client:
        for token in tokens:
            safe = quote(token, safe="")
            for path in ("/decision", "/sign-in", "/alerts", "/get", "/nowhere", "/", "/metrics"):
                client.get(path, params={"token": token, "next": f"/decision?token={token}", "limit": token})
                client.post(path, params={"token": token}, data={"token": token, "decision": "approve"}, headers=home)
            client.get(f"/{safe}")
            client.get(f"/alerts/{safe}")
            client.get(f"/decision/{safe}")
            client.get(
                "/alerts/x",
                headers={"Authorization": f"Bearer {token}", "Cookie": f"lumen={token}", "Referer": f"/{token}"},
            )
            client.get("/sign-in", headers={"X-Forwarded-Email": token, "X-Lumen-Proxy-Secret": token})
            client.get("/sign-in", headers={"X-Forwarded-Email": "a@example.com", "X-Lumen-Proxy-Secret": token})
            client.get("/sign-in", headers={"X_Forwarded_Email": token})
            client.post("/decision", json={"token": token, "decision": "approve", "reason": token})
            client.post("/decision", json={"token": token, "decision": token})
            client.post("/decision", content=f'{{"token": "{token}"', headers={"Content-Type": "application/json"})
            client.post(
                "/decision",
                content=f"token={token}&a=%ff",
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
            client.post("/sign-in", data={"token": token, "name": token}, headers=home)
            client.request("OPTIONS", "/decision", params={"token": token})
            api.raw(f"{token.replace(':', '-')} /decision HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            client.post("/webhook", headers={"Authorization": f"Basic {token}"}, content=token)
        for request in (
            f"GET /decision?token={link} HTTP/9\r\n\r\n",
            f"{link}\r\n\r\n",
            f"GET /{link}\r\nHost: x\r\n\r\n",
        ):
            api.raw(request.encode())
        api.raw(f"POST /decision HTTP/1.1\r\nHost: x\r\nContent-Length: x{link}\r\n\r\n".encode())
        api.raw(f"GET /decision?token={link} HTTP/1.1\r\nHost: x\r\n{link}\r\n\r\n".encode())
        page = client.get("/decision", params={"token": link})
    assert page.status_code == 503
    api.process.kill(15)
    log = api.process.log
    assert '"/decision"' in log
    assert "sign-in by the proxy refused" in log
    for token in (*tokens, link.split(".")[2], link.split(".")[3]):
        assert token not in log, f"{token[:8]}… stands in the log"
        assert quote(token, safe="") not in log
        assert token.replace(":", "-") not in log


def test_no_problem_text_holds_a_token(api: Api) -> None:
    """What is answered to a token that is wrong does not repeat it, in a body, in a redirect or in another header."""
    token = "v1.k1.this-is-a-token." + "A" * 43
    with httpx.Client(base_url=api.url, timeout=60, trust_env=False) as client:
        answers = [
            client.get("/decision", params={"token": token}),
            client.post("/decision", json={"token": token, "decision": "approve"}),
            client.post("/decision", data={"token": token, "decision": "approve"}, headers={"Origin": api.url}),
            client.post("/decision", params={"token": token}),
            client.post("/sign-in", data={"token": token, "name": "a@example.com"}, headers={"Origin": api.url}),
            client.get("/sign-in", params={"next": f"/decision?token={token}"}),
            client.get("/alerts/x", headers={"Authorization": f"Bearer {token}"}),
            client.get(
                "/sign-in",
                headers={"X-Forwarded-Email": token, "X-Lumen-Proxy-Secret": SECRETS["LUMEN_FORWARD_AUTH_SECRET"]},
            ),
        ]
    for answer in answers:
        assert answer.status_code in {200, 400, 401, 403, 415}
        assert token not in answer.text
        assert token not in str(answer.headers)
