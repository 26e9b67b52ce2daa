"""The demo's patient, `python -m cli.demo.service PORT`: a small web server that really hangs once told to.

``GET /`` says which process answers, ``GET /metrics`` is for Prometheus, ``POST /break`` makes it hang: from then on it
takes connections and reads them, and answers nothing. Only another process helps.
"""

from __future__ import annotations

import json
import os
import sys
import threading
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

HOST = "127.0.0.1"


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int) -> None:
        self.hangs = threading.Event()
        self.answered = 0
        super().__init__((HOST, port), _Handler)


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def handle_one_request(self) -> None:
        """Answer, or, when broken, read until the other side gives up."""
        if not self.server.hangs.is_set():
            super().handle_one_request()
            return
        self.close_connection = True
        try:
            while self.connection.recv(65536):
                pass
        except OSError:
            return

    def do_GET(self) -> None:
        self.server.answered += 1
        if self.path == "/metrics":
            text = f"# TYPE demo_requests_total counter\ndemo_requests_total {self.server.answered}\n"
            self._answer(HTTPStatus.OK, "text/plain; version=0.0.4", text)
        elif self.path == "/":
            self._answer(HTTPStatus.OK, "application/json", json.dumps({"service": "demo", "pid": os.getpid()}))
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", "only / and /metrics are here\n")

    def do_POST(self) -> None:
        if self.path != "/break":
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", "only /break is here\n")
            return
        self.server.hangs.set()
        self._answer(HTTPStatus.ACCEPTED, "text/plain", "this was the last answer\n")

    def _answer(self, status: HTTPStatus, kind: str, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def main() -> None:
    """Serve until a signal ends this process."""
    try:
        server = _Server(int(sys.argv[1]))
    except OSError as error:
        sys.exit(f"cannot listen on {HOST}:{sys.argv[1]}: {error.strerror}")
    server.serve_forever()


if __name__ == "__main__":
    main()
