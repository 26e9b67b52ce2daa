"""TCP ports that nothing uses, for what runs only for a while."""

from __future__ import annotations

import contextlib
import random
import socket

from lumen.setting_types import Address

_HOST = "127.0.0.1"
_FROM, _BELOW = 10_000, 32_000
"""Linux and macOS give the ports from 32768 and 49152 on to outgoing connections (``ip_local_port_range``)."""


def free_addresses(count: int) -> list[Address]:
    """Return loopback addresses whose ports are free now, no two the same.

    They lie below the ports that the system gives to outgoing connections, so that no connection takes one before
    its server listens.

    Raises:
        OSError: there are not so many.

    """
    found: list[Address] = []
    for port in random.SystemRandom().sample(range(_FROM, _BELOW), _BELOW - _FROM):
        if len(found) == count:
            break
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind((_HOST, port))
            found.append(Address(_HOST, port))
    if len(found) < count:
        raise OSError(f"fewer than {count} ports of {_HOST} are free between {_FROM} and {_BELOW - 1}")
    return found
