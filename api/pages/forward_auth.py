"""People whom a trusted proxy names in a header after it signed them in. Off unless the settings name header and proxy.

A header is only as good as the way on which it comes, so it counts from the socket peer that the settings name and from
nobody else, once, and under its exact name: proxies that strip ``X-Forwarded-Email`` have let ``X_Forwarded_Email`` pass.
"""

from __future__ import annotations

import hmac
import ipaddress
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network

from fastapi import Request

from api.problems import Problem
from api.tokens import Scope

SECRET_HEADER = "x-lumen-proxy-secret"  # noqa: S105  # the name of a header

_log = logging.getLogger("lumen.api")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_ATOM = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+"
_EMAIL = re.compile(rf"(?=.{{3,254}}\Z)(?=[^@]{{1,64}}@){_ATOM}(?:\.{_ATOM})*@{_LABEL}(?:\.{_LABEL})+")


@dataclass(frozen=True)
class ForwardAuth:
    """Which header names a person, and from whom it is believed. ``header`` is in lower case; "" as ``secret`` = none."""

    header: str
    proxies: tuple[IPv4Network | IPv6Network, ...]
    secret: str = field(default="", repr=False)
    scopes: frozenset[Scope] = frozenset({Scope.READ, Scope.VOTE})

    def person(self, request: Request) -> str | None:
        """Return the address of the person that the proxy names, or None if nobody names one.

        Raises:
            Problem: 401 somebody other than the proxy names a person; 400 the header is not one person's address.

        """
        names = [name.decode("latin-1").lower() for name, _ in request.scope["headers"]]
        for wanted in (self.header, SECRET_HEADER):
            if any(name != wanted and name.replace("_", "-") == wanted for name in names):
                raise _refused(400, f"a header that is {wanted} but for underscores", request)
        values = request.headers.getlist(self.header)
        if not values:
            return None
        if not self._is_proxy(request):
            raise _refused(401, f"{self.header} from a peer that is not in LUMEN_FORWARD_AUTH_PROXIES", request)
        if self.secret and not self._knows_secret(request):
            raise _refused(401, f"{self.header} without the right {SECRET_HEADER}", request)
        if len(values) != 1:
            raise _refused(400, f"{len(values)} values of {self.header}", request)
        person = values[0].lower()
        if not _EMAIL.fullmatch(person):
            raise _refused(400, f"{self.header} that is not one e-mail address", request)
        return person

    def _is_proxy(self, request: Request) -> bool:
        try:
            peer = ipaddress.ip_address(request.client.host) if request.client else None
        except ValueError:
            peer = None
        if isinstance(peer, ipaddress.IPv6Address):
            peer = peer.ipv4_mapped or peer
        return peer is not None and any(peer in network for network in self.proxies)

    def _knows_secret(self, request: Request) -> bool:
        given = request.headers.getlist(SECRET_HEADER)
        return len(given) == 1 and hmac.compare_digest(given[0].encode("latin-1"), self.secret.encode())


def forward_auth(header: str, proxies: Sequence[str], secret: str, scopes: Sequence[str]) -> ForwardAuth | None:
    """Return how the proxy names people, from checked settings; None when no header is named: then it is off."""
    if not header:
        return None
    networks = tuple(ipaddress.ip_network(item) for item in proxies)
    return ForwardAuth(header, networks, secret, frozenset(Scope(scope) for scope in scopes))


def _refused(status: int, what: str, request: Request) -> Problem:
    peer = request.client.host if request.client else "-"
    _log.warning("sign-in by the proxy refused: %s, sent by %s", what, peer, extra={"peer": peer})
    return Problem(status, f"sign-in by the proxy was refused: {what}", reason="forward_auth")
