"""Fixtures for the command line: commands run in this process, against loopback programs and real servers."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.testing import WorkflowEnvironment

from cli.main import run
from cli.up.temporal_server import ensure_attributes
from tests.stack.processes import temporal_binary

_OURS = ("LUMEN_", "TEMPORAL_", "PROOF", "BRIDGE_", "PUBLIC_", "CONTROL_", "NOTIFY_", "LINK_")


@pytest.fixture(autouse=True)
def clean_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty current directory and an environment without settings of Lumen."""
    for name in [name for name in os.environ if name.startswith(_OURS)]:  # noqa: TID251 - cleared for the test
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that it printed."""
        return json.loads(self.out)


Lumen = Callable[..., Ran]


@pytest.fixture
def lumen(capsys: pytest.CaptureFixture[str]) -> Lumen:
    """A function that runs one command line in this process."""

    def command(*arguments: str) -> Ran:
        capsys.readouterr()
        code = run(list(arguments))
        printed = capsys.readouterr()
        return Ran(code, printed.out, printed.err)

    return command


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    token: str
    body: Any


@dataclass
class FakeService:
    """A loopback HTTP service that answers every request with what the test put into ``answer``."""

    url: str
    status: int = 200
    content: bytes = b"{}"
    asked: list[Asked] = field(default_factory=list)

    def answer(self, status: int, body: Any) -> None:
        """Answer from now on with this status and JSON."""
        self.status, self.content = status, json.dumps(body).encode()


@pytest.fixture
def service() -> Iterator[FakeService]:
    """A loopback HTTP service in a thread of this process."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            raw = self.rfile.read(length)
            body = json.loads(raw) if raw else None
            fake.asked.append(Asked(self.command, self.path, self.headers.get("Authorization", ""), body))
            self.send_response(fake.status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(fake.content)))
            self.end_headers()
            self.wfile.write(fake.content)

        do_POST = do_GET  # noqa: N815 - the name that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    fake = FakeService(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def api(service: FakeService, monkeypatch: pytest.MonkeyPatch) -> FakeService:
    """The service as the API that the environment names."""
    monkeypatch.setenv("LUMEN_API_ADDR", service.url.removeprefix("http://"))
    monkeypatch.setenv("LUMEN_API_TOKEN", "api-token-1")
    return service


@pytest_asyncio.fixture(scope="session")
async def temporal() -> AsyncIterator[Client]:
    """A client of a real Temporal server whose clock cannot be moved, with Lumen's search attributes."""
    async with await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(), dev_server_log_level="error"
    ) as environment:
        await ensure_attributes(environment.client)
        yield environment.client


@pytest.fixture
def at_temporal(temporal: Client, monkeypatch: pytest.MonkeyPatch) -> Client:
    """The Temporal server as the one that the environment names."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", temporal.service_client.config.target_host)
    return temporal
