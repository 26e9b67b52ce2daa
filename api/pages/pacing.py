"""How often somebody may try to sign in: wrong tries of each peer are counted, in bounded memory."""

from __future__ import annotations

import ipaddress
import math
from collections import OrderedDict

TRIES = 10
WINDOW_SECONDS = 60.0
PEERS = 1000


class Tries:
    """Counts wrong tries. Who made ``TRIES`` of them within the window waits until it is over, with a right token too.

    Otherwise the answer would tell a guesser which token is right. Behind a proxy all people are one peer. Of more than
    ``PEERS`` peers the one that began first is forgotten.
    """

    def __init__(self) -> None:
        """Begin with nobody."""
        self._begun: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def wait(self, peer: str, now: float) -> int:
        """Return for how many seconds, at least 1, ``peer`` has to wait at ``now`` (seconds); 0: may try."""
        began, count = self._begun.get(_place(peer), (now, 0))
        left = began + WINDOW_SECONDS - now
        return max(1, math.ceil(left)) if count >= TRIES and left > 0 else 0

    def failed(self, peer: str, now: float) -> None:
        """Count a wrong try."""
        place = _place(peer)
        began, count = self._begun.pop(place, (now, 0))
        if now - began >= WINDOW_SECONDS:
            began, count = now, 0
        self._begun[place] = (began, count + 1)
        while len(self._begun) > PEERS:
            self._begun.popitem(last=False)

    def __len__(self) -> int:
        """Return how many peers are remembered."""
        return len(self._begun)


def _place(peer: str) -> str:
    """Return what counts as one peer: an IPv4 address, or the /64 of an IPv6 address, of which one host may have all."""
    try:
        address = ipaddress.ip_address(peer)
    except ValueError:
        return peer[:64]
    if isinstance(address, ipaddress.IPv6Address):
        mapped = address.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((address, 64), strict=False))
    return str(address)
