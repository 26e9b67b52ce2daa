"""A TCP proxy before PostgreSQL that loses the connection where a test wants it."""

from __future__ import annotations

import contextlib
import socket
import threading


class Gate:
    """Forwards every connection to the server, until what a test set makes it end one."""

    def __init__(self, port: int) -> None:
        """Listen on a free port."""
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.swallow = threading.Event()
        """The answer to COMMIT is lost, and the connection with it."""
        self.swallowed = threading.Event()
        self.budget: int | None = None
        """So many pieces, in either direction, still pass; None: all."""
        self._counting = threading.Lock()
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.create_connection(("127.0.0.1", self._target))
                for source, target, upward in ((client, server, True), (server, client, False)):
                    threading.Thread(target=self._forward, args=(source, target, upward), daemon=True).start()

    def _forward(self, source: socket.socket, target: socket.socket, upward: bool) -> None:
        with contextlib.suppress(OSError):
            while content := source.recv(65536):
                if not self._passes(content, upward):
                    break
                target.sendall(content)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _passes(self, content: bytes, upward: bool) -> bool:
        if not upward and self.swallow.is_set() and b"COMMIT\0" in content:
            self.swallowed.set()
            return False
        with self._counting:
            if self.budget is not None:
                self.budget -= 1
            return self.budget is None or self.budget >= 0

    def close(self) -> None:
        """Take no more connections."""
        self._listener.close()
