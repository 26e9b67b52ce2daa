"""Settings: every value is checked by name, and no error, warning or `repr` tells a secret."""

from __future__ import annotations

import ipaddress
from dataclasses import fields
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.errors import SettingsError
from lumen.setting_types import Address
from lumen.settings import Settings, parse_settings

SECRETS = ("BRIDGE_SECRET", "LUMEN_WEBHOOK_TOKEN", "LUMEN_API_TOKEN", "PROOFD_TOKEN", "CONTROL_BUS_TOKEN", "PROOF_SALT")
URLS = ("PUBLIC_BASE_URL", "NOTIFY_WEBHOOK_URL", "CONTROL_BUS_URL", "CONTROL_BUS_TARGET", "PROMETHEUS_URL")
ADDRESSES = ("LUMEN_API_ADDR", "PROOFD_ADDR", "LUMEN_WORKER_ADDR")
PORTS = ("LUMEN_TEMPORAL_PORT", "LUMEN_TEMPORAL_UI_PORT")
TOKENS = ("LUMEN_WEBHOOK_TOKEN", "LUMEN_API_TOKEN", "PROOFD_TOKEN")
LONG_SECRET = "hunter2-hunter2-hunter2"


def no_files(path: str) -> str:
    """Stand for a place without files."""
    raise FileNotFoundError(2, "No such file or directory", path)


def parsed(**environ: str) -> Settings:
    """Return the settings of an environment that is right in every name."""
    settings, warnings = parse_settings(environ, no_files)
    assert warnings == []
    return settings


def refusal(**environ: str) -> str:
    """Return the message with which an environment is refused."""
    with pytest.raises(SettingsError) as caught:
        parse_settings(environ, no_files)
    return str(caught.value)


def test_an_empty_environment_gives_the_defaults() -> None:
    """Without any variable Lumen listens on this machine alone and has no secret, token or remote address."""
    settings = parsed()
    assert settings == Settings()
    assert all(
        ipaddress.ip_address(address.host).is_loopback
        for address in (settings.api_addr, settings.proofd_addr, settings.worker_addr)
    )
    assert (settings.bridge_keys, settings.api_tokens, settings.webhook_tokens, settings.proofd_tokens) == (
        {},
        (),
        (),
        (),
    )


GOOD: list[tuple[str, str, str, Any]] = [
    ("LUMEN_DATA_DIR", "/srv/lumen", "data_dir", "/srv/lumen"),
    ("LUMEN_TEMPORAL_PORT", "1", "temporal_port", 1),
    ("LUMEN_TEMPORAL_UI_PORT", " 65535 ", "temporal_ui_port", 65535),
    ("LUMEN_EMBEDDED", "1", "embedded", True),
    ("LUMEN_EMBEDDED", "False", "embedded", False),
    ("TEMPORAL_ADDRESS", "temporal:7233", "temporal_address", "temporal:7233"),
    ("TEMPORAL_NAMESPACE", "ops", "temporal_namespace", "ops"),
    ("LUMEN_API_ADDR", "0.0.0.0:80", "api_addr", Address("0.0.0.0", 80)),
    ("PROOFD_ADDR", ":0", "proofd_addr", Address("127.0.0.1", 0)),
    ("LUMEN_WORKER_ADDR", "[::1]:8081", "worker_addr", Address("::1", 8081)),
    ("LUMEN_RULES", "/etc/lumen/rules", "rules", "/etc/lumen/rules"),
    ("PUBLIC_BASE_URL", "https://lumen.example.com/", "public_base_url", "https://lumen.example.com"),
    ("LINK_TTL_SEC", "1", "link_ttl_sec", 1),
    ("BRIDGE_SECRET", f"k2:{LONG_SECRET}, k1:{'x:' * 8}", "bridge_keys", {"k2": LONG_SECRET, "k1": "x:" * 8}),
    ("LUMEN_WEBHOOK_TOKEN", " one , two,", "webhook_tokens", ("one", "two")),
    ("LUMEN_API_TOKEN", "one", "api_tokens", ("one",)),
    ("PROOFD_TOKEN", "a+b/c==", "proofd_tokens", ("a+b/c==",)),
    ("LUMEN_TOKENS_FILE", "/run/tokens.yaml", "tokens_file", "/run/tokens.yaml"),
    (
        "NOTIFY_WEBHOOK_URL",
        "https://hooks.example.com/T/B?x=1",
        "notify_webhook_url",
        "https://hooks.example.com/T/B?x=1",
    ),
    ("CONTROL_BUS_URL", "http://bus:81", "control_bus_url", "http://bus:81"),
    ("CONTROL_BUS_TARGET", "http://bus:81/", "control_bus_url", "http://bus:81"),
    ("CONTROL_BUS_TOKEN", "a b", "control_bus_token", "a b"),
    ("LUMEN_KUBECONFIG", "/run/secrets/kubeconfig", "kubeconfig", "/run/secrets/kubeconfig"),
    ("PROMETHEUS_URL", "http://u:p@prom:9090", "prometheus_url", "http://u:p@prom:9090"),
    ("ALERTMANAGER_URL", "http://[::1]:9093", "alertmanager_url", "http://[::1]:9093"),
    ("PROOFD_URL", "http://proofd:8077", "proofd_url", "http://proofd:8077"),
    ("PROOF_SALT", "pepper", "proof_salt", "pepper"),
    ("PROOF_DSN", "sqlite:///x", "proof_dsn", "sqlite:///x"),
    ("PROOF_ORIGIN", "lumen.example.com/ledger", "proof_origin", "lumen.example.com/ledger"),
    ("PROOF_KEY_FILE", "/run/secrets/key.pem", "proof_key_file", "/run/secrets/key.pem"),
    ("PROOF_CHECKPOINT_FILE", "/srv/last.note", "proof_checkpoint_file", "/srv/last.note"),
    ("PROOF_ANCHOR_DIR", "/srv/anchors", "proof_anchor_dir", "/srv/anchors"),
    ("PROOF_ANCHOR_URL", "https://keeper.example.com/x/", "proof_anchor_url", "https://keeper.example.com/x"),
    ("SLACK_BOT_TOKEN", "xoxb-1-a", "slack_bot_token", "xoxb-1-a"),
    ("SLACK_SIGNING_SECRET", "8f742231", "slack_signing_secrets", ("8f742231",)),
    ("SLACK_APP_TOKEN", "xapp-1-a", "slack_app_token", "xapp-1-a"),
    ("SLACK_CHANNEL", "#ops", "slack_channel", "#ops"),
    ("SLACK_WEBHOOK", "https://hooks.example.com/T/B/x", "slack_webhook", "https://hooks.example.com/T/B/x"),
    ("SLACK_API_BASE_URL", "http://127.0.0.1:81/api/", "slack_api_base_url", "http://127.0.0.1:81/api"),
    ("LUMEN_FORWARD_AUTH_HEADER", "X-Forwarded-Email", "forward_auth_header", "x-forwarded-email"),
    ("LUMEN_FORWARD_AUTH_PROXIES", "10.0.0.0/8, ::1", "forward_auth_proxies", ("10.0.0.0/8", "::1")),
    ("LUMEN_FORWARD_AUTH_SECRET", LONG_SECRET, "forward_auth_secret", LONG_SECRET),
    ("LUMEN_FORWARD_AUTH_SCOPES", "read", "forward_auth_scopes", ("read",)),
    ("LUMEN_TEMPORAL_UI_URL", "https://temporal.example.com/", "temporal_ui_url", "https://temporal.example.com"),
    ("LUMEN_SESSION", "east", "session", "east"),
    ("LUMEN_LANG", "ko", "lang", "ko"),
]


@pytest.mark.parametrize(("name", "value", "attribute", "expected"), GOOD)
def test_a_good_value_is_taken(name: str, value: str, attribute: str, expected: object) -> None:
    """Each variable sets its own setting and no other, without the space around it."""
    assert getattr(parsed(**{name: value}), attribute) == expected
    changed = {
        field.name for field in fields(Settings) if getattr(parsed(**{name: value}), field.name) != field.default
    }
    given_by_factory = {"temporal_env", "bridge_keys"}
    assert changed - given_by_factory <= {attribute}


def test_every_setting_has_a_good_value_above() -> None:
    """A setting that is added must be added to the table of these tests; `temporal_env` is the environment's own."""
    assert {attribute for _, _, attribute, _ in GOOD} == {field.name for field in fields(Settings)} - {"temporal_env"}


BAD = [
    *[("SLACK_BOT_TOKEN", value) for value in ("xapp-1-a", "a", "xoxb-", "xoxb-a b")],
    *[("SLACK_APP_TOKEN", value) for value in ("xoxb-1-a", "xapp-")],
    *[("LUMEN_FORWARD_AUTH_HEADER", value) for value in ("Authorization", "cookie", "X Email", "X_Email", "a" * 65)],
    *[("LUMEN_FORWARD_AUTH_PROXIES", value) for value in ("proxy", "10.0.0.1/8", "10.0.0.0/33", ",")],
    *[("LUMEN_FORWARD_AUTH_SECRET", value) for value in ("short", "x" * 15, "x" * 16 + " y")],
    *[("LUMEN_FORWARD_AUTH_SCOPES", value) for value in ("command", "read;vote", ",")],
    *[(name, value) for name in PORTS for value in ("0", "65536", "-1", "80.0", "http", "٣", "²", "9" * 5000)],
    *[
        (name, value)
        for name in ADDRESSES
        for value in (
            "8080",
            "localhost",
            "host:",
            "host:http",
            "host:65536",
            "host:-1",
            "host:²",
            "http://host:1",
            "a b:1",
        )
    ],
    *[
        (name, value)
        for name in (*URLS, "ALERTMANAGER_URL", "PROOFD_URL", "PROOF_ANCHOR_URL")
        for value in (
            "host:9090",
            "ftp://host",
            "http://",
            "http://:80",
            "http://h:0",
            "http://h:65536",
            "http://[::1",
            "x",
        )
    ],
    *[(name, value) for name in TOKENS for value in (",", "two words", "tab\tbed", "two\nlines", "bell\x07", "키")],
    *[
        ("BRIDGE_SECRET", value)
        for value in (
            LONG_SECRET,
            "k1:too-short",
            f":{LONG_SECRET}",
            f"k 1:{LONG_SECRET}",
            f"{'k' * 33}:{LONG_SECRET}",
            f"k1:{LONG_SECRET},",
            f"k1:{LONG_SECRET},k1:{LONG_SECRET}",
            f"k1:{LONG_SECRET}\x00",
            f"k1:{LONG_SECRET}\udcff",
        )
    ],
    *[("LINK_TTL_SEC", value) for value in ("0", "-900", "1.5", "15m", "²")],
    *[("LUMEN_EMBEDDED", value) for value in ("yes", "2")],
    *[("LUMEN_LANG", value) for value in ("de", "EN", "en_US.UTF-8")],
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_stops_the_start_by_name(name: str, value: str) -> None:
    """A value that cannot be used is refused with one line that begins with the variable and says what is wanted."""
    message = refusal(**{name: value})
    assert message.startswith(f"{name}: want ")
    assert "\n" not in message
    assert len(message) < 300


@pytest.mark.parametrize("name", ["LUMEN_LANG", "LUMEN_API_ADDR", "PUBLIC_BASE_URL", "LINK_TTL_SEC"])
def test_an_error_shows_a_bad_value_that_is_no_secret(name: str) -> None:
    """Where the value may be seen, the error shows it, cut and with its invisible characters made visible."""
    assert refusal(**{name: "x\x1b[31m" + "y" * 100}).endswith("(is 'x\\x1b[31m" + "y" * 74 + "')")


@pytest.mark.parametrize("value", ["", " ", "tcp://10.0.0.7:7233"])
@pytest.mark.parametrize("name", sorted({name for name, _, _, _ in GOOD}))
def test_an_empty_value_and_one_of_kubernetes_count_as_not_set(name: str, value: str) -> None:
    """Empty variables, and those that Kubernetes sets for a service of that name, leave the default."""
    settings = parsed(**{name: value})
    assert {
        field.name for field in fields(Settings) if getattr(settings, field.name) != getattr(Settings(), field.name)
    } <= {"temporal_env"}


NAMES = st.sampled_from(sorted({name for name, _, _, _ in GOOD} | {f"{name}_FILE" for name in SECRETS}))


@given(st.dictionaries(NAMES, st.text(max_size=20), max_size=4))
def test_any_environment_is_taken_or_refused_by_name(environ: dict[str, str]) -> None:
    """Whatever the values are, there are settings or an error that begins with the name of a variable that is set."""
    try:
        parse_settings(environ, no_files)
    except SettingsError as error:
        said = str(error)
    else:
        return
    assert any(said.startswith(name) for name in environ)


def test_an_address_is_written_as_it_is_read() -> None:
    """An address of IPv6 has brackets, so that it can be pasted into a URL."""
    for text in ("127.0.0.1:8080", "[::1]:8080"):
        assert str(parsed(LUMEN_API_ADDR=text).api_addr) == text
