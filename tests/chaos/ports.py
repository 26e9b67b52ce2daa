"""Ports for processes that are started again and again."""

from __future__ import annotations

import random
import socket

_LOWEST, _BEYOND = 12000, 32000


def quiet_port() -> int:
    """Return a free TCP port of the loopback interface below those that the system hands out by itself.

    While a process is down nothing else gets its port: no connection that happens to begin there, no listener on port 0.
    """
    chance = random.SystemRandom()
    while True:
        port = chance.randrange(_LOWEST, _BEYOND)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
