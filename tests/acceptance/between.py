"""What stands between a worker and its ledger, and knows when the ledger has taken what."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.stack.processes import Child, LumenChild, lumen_command
from tests.stack.site import Site


class Between(ThreadingHTTPServer):
    """Stands between worker and proofd; strikes the worker once proofd has taken an entry of the kind ``deadly``."""

    daemon_threads = True

    def __init__(self, site: Site, strike: Callable[[Child], None]) -> None:
        """Listen; ``strike`` is done once each time that ``deadly`` is set, before the worker has its answer."""
        super().__init__(("127.0.0.1", 0), _Passing)
        self.site = site
        self.strike = strike
        self.deadly = ""
        self.struck = threading.Event()

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
            self.server.strike(self.server.site.worker)
            self.server.struck.set()
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


@contextlib.contextmanager
def between(site: Site, folder: Path, strike: Callable[[Child], None]) -> Iterator[Between]:
    """Start the worker of ``site`` anew, so that it reaches the ledger through what may ``strike`` it."""
    server = Between(site, strike)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site.worker.kill()
    site.worker = LumenChild("worker", lumen_command("worker"), {**site.env, "PROOFD_URL": server.url}, folder)
    site.start_worker()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
