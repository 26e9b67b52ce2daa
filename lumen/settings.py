"""Every setting of Lumen in one table: names, defaults, checks. Pure: the caller gives the environment and a file reader."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from lumen import setting_types
from lumen.errors import SettingsError
from lumen.setting_types import Address

Reader = Callable[[str], str]

_KUBERNETES = re.compile(r".*(_SERVICE_HOST|_SERVICE_PORT(_.*)?|_PORT_\d+_(TCP|UDP).*)$")


_API_ADDR = Address("127.0.0.1", 8080)
_PROOFD_ADDR = Address("127.0.0.1", 8077)
_WORKER_ADDR = Address("127.0.0.1", 8081)


@dataclass(frozen=True)
class Settings:
    """The settings of one process. Secrets and what may hold one are kept out of ``repr``.

    ``temporal_env`` holds every ``TEMPORAL_*`` variable as it is, for temporalio's own configuration (TLS, API key).
    ``embedded`` is set by ``lumen up`` for the processes it starts beside its own Temporal server.
    """

    data_dir: str = "./var"
    temporal_port: int = 7233
    temporal_ui_port: int = 8233
    temporal_ui_url: str = ""
    embedded: bool = False
    temporal_address: str = ""
    temporal_namespace: str = "default"
    temporal_env: dict[str, str] = field(default_factory=dict, repr=False)
    api_addr: Address = _API_ADDR
    proofd_addr: Address = _PROOFD_ADDR
    worker_addr: Address = _WORKER_ADDR
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
    kubeconfig: str = ""
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
    slack_bot_token: str = field(default="", repr=False)
    slack_signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    slack_app_token: str = field(default="", repr=False)
    slack_channel: str = ""
    slack_webhook: str = field(default="", repr=False)
    slack_api_base_url: str = "https://slack.com/api"
    forward_auth_header: str = ""
    forward_auth_proxies: tuple[str, ...] = ()
    forward_auth_secret: str = field(default="", repr=False)
    forward_auth_scopes: tuple[str, ...] = ("read", "vote")
    session: str = ""
    lang: str = "en"


_SETTINGS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "LUMEN_DATA_DIR": ("data_dir", setting_types.text),
    "LUMEN_TEMPORAL_PORT": ("temporal_port", setting_types.port),
    "LUMEN_TEMPORAL_UI_PORT": ("temporal_ui_port", setting_types.port),
    "LUMEN_TEMPORAL_UI_URL": ("temporal_ui_url", setting_types.url),
    "LUMEN_EMBEDDED": ("embedded", setting_types.flag),
    "TEMPORAL_ADDRESS": ("temporal_address", setting_types.text),
    "TEMPORAL_NAMESPACE": ("temporal_namespace", setting_types.text),
    "LUMEN_API_ADDR": ("api_addr", setting_types.address),
    "PROOFD_ADDR": ("proofd_addr", setting_types.address),
    "LUMEN_WORKER_ADDR": ("worker_addr", setting_types.address),
    "LUMEN_RULES": ("rules", setting_types.text),
    "PUBLIC_BASE_URL": ("public_base_url", setting_types.url),
    "LINK_TTL_SEC": ("link_ttl_sec", setting_types.positive),
    "BRIDGE_SECRET": ("bridge_keys", setting_types.keys),
    "LUMEN_WEBHOOK_TOKEN": ("webhook_tokens", setting_types.tokens),
    "LUMEN_API_TOKEN": ("api_tokens", setting_types.tokens),
    "PROOFD_TOKEN": ("proofd_tokens", setting_types.tokens),
    "LUMEN_TOKENS_FILE": ("tokens_file", setting_types.text),
    "NOTIFY_WEBHOOK_URL": ("notify_webhook_url", setting_types.url),
    "CONTROL_BUS_URL": ("control_bus_url", setting_types.url),
    "CONTROL_BUS_TARGET": ("control_bus_url", setting_types.url),
    "CONTROL_BUS_TOKEN": ("control_bus_token", setting_types.text),
    "LUMEN_KUBECONFIG": ("kubeconfig", setting_types.text),
    "PROMETHEUS_URL": ("prometheus_url", setting_types.url),
    "ALERTMANAGER_URL": ("alertmanager_url", setting_types.url),
    "PROOFD_URL": ("proofd_url", setting_types.url),
    "PROOF_SALT": ("proof_salt", setting_types.text),
    "PROOF_DSN": ("proof_dsn", setting_types.text),
    "PROOF_ORIGIN": ("proof_origin", setting_types.text),
    "PROOF_KEY_FILE": ("proof_key_file", setting_types.text),
    "PROOF_CHECKPOINT_FILE": ("proof_checkpoint_file", setting_types.text),
    "PROOF_ANCHOR_DIR": ("proof_anchor_dir", setting_types.text),
    "PROOF_ANCHOR_URL": ("proof_anchor_url", setting_types.url),
    "SLACK_BOT_TOKEN": ("slack_bot_token", setting_types.slack_token("xoxb")),
    "SLACK_SIGNING_SECRET": ("slack_signing_secrets", setting_types.tokens),
    "SLACK_APP_TOKEN": ("slack_app_token", setting_types.slack_token("xapp")),
    "SLACK_CHANNEL": ("slack_channel", setting_types.text),
    "SLACK_WEBHOOK": ("slack_webhook", setting_types.url),
    "SLACK_API_BASE_URL": ("slack_api_base_url", setting_types.url),
    "LUMEN_FORWARD_AUTH_HEADER": ("forward_auth_header", setting_types.header),
    "LUMEN_FORWARD_AUTH_PROXIES": ("forward_auth_proxies", setting_types.networks),
    "LUMEN_FORWARD_AUTH_SECRET": ("forward_auth_secret", setting_types.secret),
    "LUMEN_FORWARD_AUTH_SCOPES": ("forward_auth_scopes", setting_types.scopes),
    "LUMEN_SESSION": ("session", setting_types.text),
    "LUMEN_LANG": ("lang", setting_types.lang),
}

_SECRET = {
    "BRIDGE_SECRET",
    "LUMEN_WEBHOOK_TOKEN",
    "LUMEN_API_TOKEN",
    "PROOFD_TOKEN",
    "CONTROL_BUS_TOKEN",
    "PROOF_SALT",
    "PROOF_DSN",
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_APP_TOKEN",
    "SLACK_WEBHOOK",
    "LUMEN_FORWARD_AUTH_SECRET",
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


def check_forward_auth(settings: Settings) -> None:
    """Refuse half of a sign-in by a proxy: a header that is believed from anybody, or a proxy that names nobody.

    Raises:
        SettingsError: one line that names the variable to set.

    """
    header, proxies, secret = settings.forward_auth_header, settings.forward_auth_proxies, settings.forward_auth_secret
    if header and not proxies:
        raise SettingsError(
            "LUMEN_FORWARD_AUTH_HEADER is set without LUMEN_FORWARD_AUTH_PROXIES, so anybody could send that header: "
            "set the addresses of the proxy"
        )
    if not header and (proxies or secret):
        raise SettingsError(
            f"LUMEN_FORWARD_AUTH_{'PROXIES' if proxies else 'SECRET'} is set without LUMEN_FORWARD_AUTH_HEADER: "
            "set the header that the proxy sends, or unset both"
        )
    if not secret and any(network.endswith("/0") for network in proxies):
        raise SettingsError(
            "LUMEN_FORWARD_AUTH_PROXIES names every address there is: name those of the proxy, or set "
            "LUMEN_FORWARD_AUTH_SECRET"
        )


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
