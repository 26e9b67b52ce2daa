"""What the value of a setting may look like: one reader a type, each raises ``ValueError`` with what is wanted."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

_DIGITS = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True)
class Address:
    """A listen address."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return ``host:port``, with brackets around an IPv6 host."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def text(value: str) -> str:
    return value


def address(value: str) -> Address:
    host, separator, port = value.strip().rpartition(":")
    if not separator or re.search(r"[\s/@]", host) or not _DIGITS.fullmatch(port) or int(port) > 65535:
        raise ValueError("want host:port such as 127.0.0.1:8080")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def port(value: str) -> int:
    if not _DIGITS.fullmatch(value) or not 1 <= int(value) <= 65535:
        raise ValueError("want a port number from 1 to 65535")
    return int(value)


def positive(value: str) -> int:
    if not _DIGITS.fullmatch(value) or int(value) < 1:
        raise ValueError("want a whole number of at least 1")
    return int(value)


def url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("want a URL such as http://127.0.0.1:9090")
    return value.rstrip("/")


def tokens(value: str) -> tuple[str, ...]:
    tokens = tuple(token.strip() for token in value.split(",") if token.strip())
    if not tokens or any(not re.fullmatch(r"[!-~]+", token) for token in tokens):
        raise ValueError("want one or more tokens of plain ASCII without spaces, separated by commas")
    return tokens


def keys(value: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    for item in value.split(","):
        kid, separator, secret = item.strip().partition(":")
        if not separator or not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", kid) or len(secret) < 16:
            raise ValueError("want kid:secret[,kid:secret…], each secret of at least 16 characters")
        if kid in keys or not secret.isprintable():
            raise ValueError("want every kid once, and secrets without control characters")
        keys[kid] = secret
    return keys


def slack_token(prefix: str) -> Callable[[str], str]:
    def parse(value: str) -> str:
        # A bot token in the place of an app token (or the other way round) is the usual mistake.
        if not re.fullmatch(rf"{prefix}-[!-~]+", value):
            raise ValueError(f"want a Slack token that begins with {prefix}-")
        return value

    return parse


def header(value: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", value) or value.lower() in {"authorization", "cookie", "host", "origin"}:
        raise ValueError("want the name of the header that the proxy sets, such as X-Forwarded-Email")
    return value.lower()


def networks(value: str) -> tuple[str, ...]:
    networks = tuple(item.strip() for item in value.split(",") if item.strip())
    try:
        parsed = [ipaddress.ip_network(item) for item in networks]
    except ValueError:
        parsed = []
    if not parsed:
        raise ValueError("want the addresses of the proxy as networks, such as 127.0.0.1/32,10.1.0.0/16")
    return networks


def scopes(value: str) -> tuple[str, ...]:
    scopes = tuple(item.strip() for item in value.split(",") if item.strip())
    if not scopes or not set(scopes) <= {"read", "vote", "override"}:
        raise ValueError("want read, vote and override, or some of them, separated by commas")
    return scopes


def secret(value: str) -> str:
    if len(value) < 16 or not re.fullmatch(r"[!-~]+", value):
        raise ValueError("want a secret of at least 16 plain ASCII characters without spaces")
    return value


def flag(value: str) -> bool:
    if value.lower() not in {"0", "1", "true", "false"}:
        raise ValueError("want 1 or 0")
    return value.lower() in {"1", "true"}


def lang(value: str) -> str:
    if value not in {"en", "ko"}:
        raise ValueError("want en or ko")
    return value
