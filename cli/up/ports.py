"""Finding out, before anything starts, whether the ports that will be needed are free, and who has them if not."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from cli.failure import CommandError
from lumen.setting_types import Address

_LISTEN = "0A"


@dataclass(frozen=True)
class Wanted:
    """An address that something will listen on, and the variable that changes it."""

    what: str
    variable: str
    address: Address


def require_free(wanted: Sequence[Wanted]) -> None:
    """Check that every wanted address can be listened on.

    Raises:
        CommandError: names the first port that cannot, the variable to change and, if it can be seen, the process.

    """
    seen: dict[int, Wanted] = {}
    for item in wanted:
        port = item.address.port
        if port == 0:
            raise CommandError(f"{item.variable}: port 0 does not say where the {item.what} will be: give a port")
        if port in seen:
            raise CommandError(f"{seen[port].variable} and {item.variable} both ask for port {port}: change one")
        seen[port] = item
        _try(item)


def _try(item: Wanted) -> None:
    address = item.address
    try:
        family, kind, protocol, _, resolved = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(resolved)
            probe.listen(1)
    except OSError as error:
        if error.errno != errno.EADDRINUSE:
            raise CommandError(
                f"the {item.what} cannot listen on {address}: {error.strerror}: change {item.variable}"
            ) from None
        holder = _holder(address.port)
        by = f" by {holder}" if holder else ""
        raise CommandError(
            f"port {address.port} for the {item.what} is in use{by}: stop that, or change {item.variable}"
        ) from None


def _holder(port: int) -> str:
    """Return ``name (process pid)`` of what listens on ``port``, or nothing where /proc does not tell."""
    inodes = set(_listening_inodes(port))
    if not inodes:
        return ""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            for handle in (process / "fd").iterdir():
                with suppress(OSError):
                    if str(handle.readlink()) in inodes:
                        name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                        return f"{name} (process {process.name})"
    return ""


def _listening_inodes(port: int) -> Iterator[str]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            for line in Path(table).read_text(encoding="ascii").splitlines()[1:]:
                fields = line.split()
                if fields[3] == _LISTEN and int(fields[1].rpartition(":")[2], 16) == port:
                    yield f"socket:[{fields[9]}]"
