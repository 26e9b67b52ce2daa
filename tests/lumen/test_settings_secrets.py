"""Secrets in the settings: they come from the environment or a file, and no error and no `repr` tells one."""

from __future__ import annotations

import pytest

from lumen.errors import SettingsError
from lumen.settings import Settings, parse_settings
from tests.lumen.test_settings import LONG_SECRET, SECRETS, TOKENS, URLS, no_files, parsed, refusal


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("BRIDGE_SECRET", "hunter2"),
        *[(name, "hunter2 hunter2") for name in TOKENS],
        ("NOTIFY_WEBHOOK_URL", "htps://hooks.example.com/hunter2"),
        ("CONTROL_BUS_URL", "bus?token=hunter2"),
        ("CONTROL_BUS_TARGET", "user:hunter2@bus"),
        ("PROMETHEUS_URL", "user:hunter2@prometheus"),
        ("ALERTMANAGER_URL", "user:hunter2@alertmanager"),
        ("PROOFD_URL", "user:hunter2@proofd"),
        ("PROOF_ANCHOR_URL", "user:hunter2@keeper"),
    ],
)
def test_an_error_never_shows_a_secret(name: str, value: str) -> None:
    """A token, a key, or an address that may hold one, is not repeated in the error about it."""
    assert "hunter2" not in refusal(**{name: value})


def test_repr_shows_no_secret() -> None:
    """Settings can be logged: tokens, keys, salts and whatever may hold a password are left out."""
    environ = dict.fromkeys(SECRETS, "hunter2") | dict.fromkeys(URLS, "http://u:hunter2@host")
    environ |= {"BRIDGE_SECRET": f"k1:{LONG_SECRET}", "PUBLIC_BASE_URL": "http://lumen", "TEMPORAL_API_KEY": "hunter2"}
    environ |= {"ALERTMANAGER_URL": "http://u:hunter2@a", "PROOFD_URL": "http://u:hunter2@p"}
    environ |= {"PROOF_ANCHOR_URL": "http://keeper/hunter2"}
    environ |= {"PROOF_DSN": "postgresql://lumen:hunter2@db/lumen"}
    settings = parsed(**environ)
    assert settings.bridge_keys == {"k1": LONG_SECRET}
    assert settings.temporal_env == {"TEMPORAL_API_KEY": "hunter2"}
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_come_from_a_file(name: str) -> None:
    """NAME_FILE gives the value as a file's content, without the line break at its end."""
    content = f"k1:{LONG_SECRET}"
    direct, _ = parse_settings({name: content}, no_files)
    read, warnings = parse_settings({f"{name}_FILE": "/run/secret"}, {"/run/secret": content + "\n"}.__getitem__)
    assert (read, warnings) == (direct, [])
    assert read != Settings()


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_is_given_in_one_way(name: str) -> None:
    """A value and a file for the same secret contradict each other; the error names both and neither's content."""
    message = refusal(**{name: "hunter2", f"{name}_FILE": "/run/secret"})
    assert message == f"{name} and {name}_FILE are both set: keep one"


@pytest.mark.parametrize("name", SECRETS)
@pytest.mark.parametrize("content", ["", " \n"])
def test_an_empty_secret_file_is_refused(name: str, content: str) -> None:
    """A file that was named and holds nothing is a mistake, not a missing secret."""
    with pytest.raises(SettingsError, match=f"^{name}_FILE: /run/secret is empty: write the secret into it"):
        parse_settings({f"{name}_FILE": "/run/secret"}, lambda _: content)


def test_a_secret_file_that_cannot_be_read_is_named() -> None:
    """The error about a missing or unreadable file names the variable and the path."""
    assert refusal(PROOF_SALT_FILE="/nowhere").startswith("PROOF_SALT_FILE: cannot read /nowhere: ")
    with pytest.raises(SettingsError, match=r"^PROOF_SALT_FILE: cannot read /run/secret: 'utf-8'"):
        parse_settings({"PROOF_SALT_FILE": "/run/secret"}, lambda _: b"\xff".decode())
