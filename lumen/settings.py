"""Every setting of Lumen in one table: names, defaults, checks. Pure: the caller gives the environment and a file reader."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any
from urllib.parse import urlsplit

from lumen.errors import SettingsError

Reader = Callable[[str], str]

_DIGITS = re.compile(r"[0-9]{1,18}")
_KUBERNETES = re.compile(r".*(_SERVICE_HOST|_SERVICE_PORT(_.*)?|_PORT_\d+_(TCP|UDP).*)$")


@dataclass(frozen=True)
class Address:
    """A listen address."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return ``host:port``, with brackets around an IPv6 host."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True)
class Settings:
    """The settings of one process. Secrets and what may hold one are kept out of ``repr``.

    ``temporal_env`` holds every ``TEMPORAL_*`` variable as it is, for temporalio's own configuration (TLS, API key).
    ``embedded`` is set by ``lumen up`` for the processes it starts beside its own Temporal server.
    """

    data_dir: str = "./var"
    temporal_port: int = 7233
    temporal_ui_port: int = 8233
    embedded: bool = False
    temporal_address: str = ""
    temporal_namespace: str = "default"
    temporal_env: dict[str, str] = field(default_factory=dict, repr=False)
    api_addr: Address = Address("127.0.0.1", 8080)
    proofd_addr: Address = Address("127.0.0.1", 8077)
    worker_addr: Address = Address("127.0.0.1", 8081)
    rules: str = "rules/"
    public_base_url: str = "http://127.0.0.1:8080"
    link_ttl_sec: int = 900
    bridge_keys: dict[str, str] = field(default_factory=dict, repr=False)
    webhook_tokens: tuple[str, ...] = field(default=(), repr=False)
    api_tokens: tuple[str, ...] = field(default=(), repr=False)
    proofd_tokens: tuple[str, ...] = field(default=(), repr=False)
    tokens_file: str = ""
    notify_webhook_url: str = field(default="", repr=False)
    control_bus_url: str = field(default="", repr=False)
    control_bus_token: str = field(default="", repr=False)
    prometheus_url: str = field(default="", repr=False)
    alertmanager_url: str = field(default="", repr=False)
    proofd_url: str = field(default="", repr=False)
    proof_salt: str = field(default="", repr=False)
    proof_dsn: str = field(default="", repr=False)
    proof_origin: str = "lumen.local/ledger"
    proof_key_file: str = ""
    proof_checkpoint_file: str = ""
    proof_anchor_dir: str = ""
    proof_anchor_url: str = field(default="", repr=False)
    session: str = ""
    lang: str = "en"


def _text(value: str) -> str:
    return value


def _address(value: str) -> Address:
    host, separator, port = value.strip().rpartition(":")
    if not separator or re.search(r"[\s/@]", host) or not _DIGITS.fullmatch(port) or int(port) > 65535:
        raise ValueError("want host:port such as 127.0.0.1:8080")
    return Address(host.strip("[]") or "127.0.0.1", int(port))


def _port(value: str) -> int:
    if not _DIGITS.fullmatch(value) or not 1 <= int(value) <= 65535:
        raise ValueError("want a port number from 1 to 65535")
    return int(value)


def _positive(value: str) -> int:
    if not _DIGITS.fullmatch(value) or int(value) < 1:
        raise ValueError("want a whole number of at least 1")
    return int(value)


def _url(value: str) -> str:
    try:
        parts = urlsplit(value)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise ValueError("want a URL such as http://127.0.0.1:9090")
    return value.rstrip("/")


def _tokens(value: str) -> tuple[str, ...]:
    tokens = tuple(token.strip() for token in value.split(",") if token.strip())
    if not tokens or any(not re.fullmatch(r"[!-~]+", token) for token in tokens):
        raise ValueError("want one or more tokens of plain ASCII without spaces, separated by commas")
    return tokens


def _keys(value: str) -> dict[str, str]:
    keys: dict[str, str] = {}
    for item in value.split(","):
        kid, separator, secret = item.strip().partition(":")
        if not separator or not re.fullmatch(r"[A-Za-z0-9_-]{1,32}", kid) or len(secret) < 16:
            raise ValueError("want kid:secret[,kid:secret…], each secret of at least 16 characters")
        if kid in keys or not secret.isprintable():
            raise ValueError("want every kid once, and secrets without control characters")
        keys[kid] = secret
    return keys


def _flag(value: str) -> bool:
    if value.lower() not in {"0", "1", "true", "false"}:
        raise ValueError("want 1 or 0")
    return value.lower() in {"1", "true"}


def _lang(value: str) -> str:
    if value not in {"en", "ko"}:
        raise ValueError("want en or ko")
    return value


_SETTINGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "LUMEN_DATA_DIR": ("data_dir", _text),
    "LUMEN_TEMPORAL_PORT": ("temporal_port", _port),
    "LUMEN_TEMPORAL_UI_PORT": ("temporal_ui_port", _port),
    "LUMEN_EMBEDDED": ("embedded", _flag),
    "TEMPORAL_ADDRESS": ("temporal_address", _text),
    "TEMPORAL_NAMESPACE": ("temporal_namespace", _text),
    "LUMEN_API_ADDR": ("api_addr", _address),
    "PROOFD_ADDR": ("proofd_addr", _address),
    "LUMEN_WORKER_ADDR": ("worker_addr", _address),
    "LUMEN_RULES": ("rules", _text),
    "PUBLIC_BASE_URL": ("public_base_url", _url),
    "LINK_TTL_SEC": ("link_ttl_sec", _positive),
    "BRIDGE_SECRET": ("bridge_keys", _keys),
    "LUMEN_WEBHOOK_TOKEN": ("webhook_tokens", _tokens),
    "LUMEN_API_TOKEN": ("api_tokens", _tokens),
    "PROOFD_TOKEN": ("proofd_tokens", _tokens),
    "LUMEN_TOKENS_FILE": ("tokens_file", _text),
    "NOTIFY_WEBHOOK_URL": ("notify_webhook_url", _url),
    "CONTROL_BUS_URL": ("control_bus_url", _url),
    "CONTROL_BUS_TARGET": ("control_bus_url", _url),
    "CONTROL_BUS_TOKEN": ("control_bus_token", _text),
    "PROMETHEUS_URL": ("prometheus_url", _url),
    "ALERTMANAGER_URL": ("alertmanager_url", _url),
    "PROOFD_URL": ("proofd_url", _url),
    "PROOF_SALT": ("proof_salt", _text),
    "PROOF_DSN": ("proof_dsn", _text),
    "PROOF_ORIGIN": ("proof_origin", _text),
    "PROOF_KEY_FILE": ("proof_key_file", _text),
    "PROOF_CHECKPOINT_FILE": ("proof_checkpoint_file", _text),
    "PROOF_ANCHOR_DIR": ("proof_anchor_dir", _text),
    "PROOF_ANCHOR_URL": ("proof_anchor_url", _url),
    "LUMEN_SESSION": ("session", _text),
    "LUMEN_LANG": ("lang", _lang),
}

_SECRET = {
    "BRIDGE_SECRET",
    "LUMEN_WEBHOOK_TOKEN",
    "LUMEN_API_TOKEN",
    "PROOFD_TOKEN",
    "CONTROL_BUS_TOKEN",
    "PROOF_SALT",
    "PROOF_DSN",
}


def parse_settings(environ: Mapping[str, str], read_file: Reader) -> tuple[Settings, list[str]]:
    """Return the settings in ``environ`` and a list of warnings (unknown ``LUMEN_*`` names, with the nearest known one).

    An empty value counts as not set. ``NAME_FILE`` gives the value of a secret as the content of a file.

    Raises:
        SettingsError: a value cannot be used; one line that names the variable, and never a value that may be secret.

    """
    private = {item.name for item in fields(Settings) if not item.repr}
    values: dict[str, Any] = {}
    for name, (attribute, parse) in _SETTINGS.items():
        raw = _raw(name, environ, read_file)
        if not raw:
            continue
        try:
            values[attribute] = parse(raw)
        except ValueError as error:
            shown = "" if attribute in private else f" (is {raw[:80]!r})"
            raise SettingsError(f"{name}: {error}{shown}") from None
    values["temporal_env"] = {name: value for name, value in environ.items() if name.startswith("TEMPORAL_")}
    return Settings(**values), _unknown(environ)


def _raw(name: str, environ: Mapping[str, str], read_file: Reader) -> str:
    raw = environ.get(name, "")
    path = environ.get(name + "_FILE", "") if name in _SECRET else ""
    if raw and path:
        raise SettingsError(f"{name} and {name}_FILE are both set: keep one")
    if path:
        try:
            content = read_file(path).strip()
        except (OSError, ValueError) as error:
            raise SettingsError(f"{name}_FILE: cannot read {path}: {error}") from None
        if not content:
            raise SettingsError(f"{name}_FILE: {path} is empty: write the secret into it, or unset {name}_FILE")
        return content
    # Kubernetes gives every service variables of this form, and a service may be called lumen-api or proofd.
    return "" if raw.startswith("tcp://") else raw.strip()


def _unknown(environ: Mapping[str, str]) -> list[str]:
    known = set(_SETTINGS) | {name + "_FILE" for name in _SECRET}
    warnings = []
    for name in sorted(environ):
        if not name.startswith("LUMEN_") or name in known or _KUBERNETES.match(name):
            continue
        if environ[name].startswith("tcp://"):
            continue
        near = difflib.get_close_matches(name, known, n=1)
        warnings.append(f"{name} is not a setting of Lumen" + (f": did you mean {near[0]}?" if near else ""))
    return warnings
