"""Fixtures for the doctor: a whole site that runs, loopback programs that are not Lumen, and reading what was found."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from cli.doctor.examine import Result, examine
from cli.doctor.finding import Finding, Status
from tests.stack.processes import free_port
from tests.stack.rulebook import Rulebook
from tests.stack.site import Site, running_site


@dataclass(frozen=True)
class Diagnosis:
    """What the doctor found, by check."""

    results: list[Result]

    def of(self, check: str) -> list[Finding]:
        """Return the findings of one check; there is at least one."""
        found = [one.finding for one in self.results if one.check == check]
        assert found, f"no finding of {check}"
        return found

    def one(self, check: str) -> Finding:
        """Return the only finding of one check."""
        (found,) = self.of(check)
        return found

    def status(self, check: str) -> Status:
        """Return the status of the only finding of one check."""
        return self.one(check).status

    def failed(self) -> dict[str, str]:
        """Return what fails, by check."""
        return {one.check: one.finding.found for one in self.results if one.finding.status is Status.FAIL}


Diagnose = Callable[..., Diagnosis]


@pytest.fixture
def diagnose(clean_place: Path) -> Diagnose:
    """A function that examines an environment; nothing of this machine's defaults is in its way."""

    def run(environ: Mapping[str, str], seconds: float = 5.0) -> Diagnosis:
        return Diagnosis(examine(environ, seconds=seconds))

    return run


@pytest.fixture
def place(clean_place: Path) -> dict[str, str]:
    """An environment in which `lumen up` could start: rules are there, every port is free, nothing runs."""
    Rulebook(clean_place / "rules")
    names = ("LUMEN_API_ADDR", "PROOFD_ADDR", "LUMEN_WORKER_ADDR")
    return {
        "LUMEN_DATA_DIR": str(clean_place / "var"),
        "LUMEN_RULES": str(clean_place / "rules"),
        "LUMEN_TEMPORAL_PORT": str(free_port()),
        "LUMEN_TEMPORAL_UI_PORT": str(free_port()),
        **{name: f"127.0.0.1:{free_port()}" for name in names},
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A whole Lumen in processes of its own; a test that ends one of them starts it again."""
    with running_site(tmp_path_factory.mktemp("site")) as one:
        yield one


@dataclass
class Stub:
    """A loopback HTTP server that is not Lumen. ``ahead``: seconds by which its clock is wrong; None sends no date."""

    answers: dict[str, tuple[int, str]] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    ahead: float | None = 0.0
    asked: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def address(self) -> str:
        """Host and port."""
        return f"127.0.0.1:{self.port}"


@pytest.fixture
def start_stub() -> Iterator[Callable[[], Stub]]:
    """A function that starts one more stub; it answers 200 with a word until the test says otherwise."""
    running: list[tuple[ThreadingHTTPServer, threading.Thread]] = []

    def start() -> Stub:
        stub = Stub()
        server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(stub))
        stub.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        running.append((server, thread))
        return stub

    yield start
    for server, thread in running:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def stub(start_stub: Callable[[], Stub]) -> Stub:
    """One stub."""
    return start_stub()


def _handler(stub: Stub) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            stub.asked.append(f"{self.command} {self.path}")
            stub.tokens.append(self.headers.get("Authorization", ""))
            status, body = stub.answers.get(self.path.partition("?")[0], (200, "hello"))
            self.send_response_only(status)
            if stub.ahead is not None:
                self.send_header("Date", formatdate(time.time() + stub.ahead, usegmt=True))
            for name, value in stub.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_HEAD = do_GET  # noqa: N815 - the names that http.server calls

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of something that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def closed() -> str:
    """An address at which nothing listens."""
    return f"127.0.0.1:{free_port()}"
