"""Anchors over HTTP, to a real server on the loopback interface."""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterator

import pytest

from proof.anchoring.sink import AnchorError
from proof.anchoring.webhook import WebhookSink
from tests.proof.anchoring.test_directory import checkpoint


class Keeper(http.server.BaseHTTPRequestHandler):
    """Keeps what is posted and answers with the status in the path."""

    posts: list[tuple[str, str, bytes]]

    def do_POST(self) -> None:
        """Keep it."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.posts.append((self.path, self.headers["Content-Type"], body))
        self.send_response(int(self.path.rpartition("/")[2]))
        self.send_header("Location", "/other/200")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the method that this replaces
        """Say nothing."""


@pytest.fixture
def keeper() -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """Yield the URL of a running keeper and what it has been sent."""
    posts: list[tuple[str, str, bytes]] = []
    handler = type("Handler", (Keeper,), {"posts": posts})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}", posts
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("status", [200, 201, 204])
def test_a_checkpoint_is_posted(keeper: tuple[str, list[tuple[str, str, bytes]]], status: int) -> None:
    """The body is the signed note itself, and every success is one."""
    url, posts = keeper
    assert WebhookSink(f"{url}/{status}").publish(checkpoint(3)) == f"HTTP {status}"
    assert posts == [(f"/{status}", "text/plain; charset=utf-8", checkpoint(3).note)]


@pytest.mark.parametrize("status", [302, 307, 400, 401, 429, 500, 503])
def test_everything_else_is_a_failure(keeper: tuple[str, list[tuple[str, str, bytes]]], status: int) -> None:
    """A redirect is not followed, since it could lead the checkpoint anywhere; the URL is not in the error."""
    url, posts = keeper
    with pytest.raises(AnchorError, match=f"answered {status}") as caught:
        WebhookSink(f"{url}/hunter2/{status}").publish(checkpoint(3))
    assert len(posts) == 1
    assert "hunter2" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


def test_nobody_there_is_a_failure_without_the_address() -> None:
    """A refused connection is told by its kind alone."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    with pytest.raises(AnchorError, match=r"does not answer \(ConnectError\)") as caught:
        WebhookSink(f"http://u:hunter2@127.0.0.1:{port}/hunter2").publish(checkpoint(3))
    assert "hunter2" not in str(caught.value)


def test_an_answer_without_an_end_holds_nobody_up() -> None:
    """The status says it all: an answer whose body never ends is not waited for, and nothing of it is kept."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def answer() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nx")
                done.wait(30)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.getsockname()[1]}/"
            assert WebhookSink(url).publish(checkpoint(3)) == "HTTP 200"
        finally:
            done.set()
            thread.join()


def test_headers_that_drip_are_given_up() -> None:
    """The time is for the whole answer, not for each byte: who sends one now and then holds no other sink up."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        done = threading.Event()

        def answer() -> None:
            connection, _ = server.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65_536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                for _ in range(400):
                    connection.sendall(b"x")
                    if done.wait(0.02):
                        return

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            with pytest.raises(AnchorError, match=r"does not answer \(TimeoutError\)"):
                WebhookSink(f"http://127.0.0.1:{server.getsockname()[1]}/", seconds=0.5).publish(checkpoint(3))
        finally:
            done.set()
            thread.join()


@pytest.mark.parametrize("url", ["http://hunter2..example/", "http://xn--/", "http://[hunter2/", "hunter2"])
def test_an_address_that_is_none_is_a_failure(url: str) -> None:
    """Whatever is wrong with the URL ends in an ``AnchorError``, so that the other sinks go on; it is not quoted."""
    with pytest.raises(AnchorError, match="does not answer") as caught:
        WebhookSink(url).publish(checkpoint(3))
    assert "hunter2" not in str(caught.value)


def test_certificates_that_are_not_there_are_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    """The thread that anchors outlives a bad set-up of TLS too."""
    monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
    with pytest.raises(AnchorError, match="does not answer"):
        WebhookSink("https://127.0.0.1:1/").publish(checkpoint(3))
