"""Where settings come from, and what a bad one does."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cli import datadir
from cli.failure import USAGE, CommandError
from cli.settings import layered, load, load_client, local_url, require
from lumen.setting_types import Address
from lumen.settings import Settings
from tests.cli.conftest import FakeService, Lumen


def test_a_bad_value_is_one_line_and_exit_code_two(lumen: Lumen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad value stops a command with one line that names the variable."""
    monkeypatch.setenv("LUMEN_API_ADDR", "nonsense")
    ran = lumen("alert", "list")
    assert ran.code == USAGE
    assert ran.err.count("\n") == 1
    assert "LUMEN_API_ADDR" in ran.err


@pytest.mark.parametrize("command", ["up", "api", "worker"])
def test_half_a_sign_in_by_a_proxy_stops_the_start(command: str, lumen: Lumen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A header that everybody could send is no start at all: one line that names what to set."""
    monkeypatch.setenv("LUMEN_FORWARD_AUTH_HEADER", "X-Forwarded-Email")
    ran = lumen(command)
    assert (ran.code, ran.out) == (USAGE, "")
    assert ran.err.startswith("lumen: LUMEN_FORWARD_AUTH_HEADER is set without LUMEN_FORWARD_AUTH_PROXIES")
    assert ran.err.count("\n") == 1


def test_an_unknown_name_is_told_once_with_the_nearest(
    lumen: Lumen, monkeypatch: pytest.MonkeyPatch, api: FakeService
) -> None:
    """A misspelt variable is told once, on stderr, and stops nothing."""
    monkeypatch.setenv("LUMEN_RULE", "x")
    api.answer(200, {"alerts": []})
    ran = lumen("alert", "list")
    assert ran.code == 0
    assert ran.err.count("LUMEN_RULES") == 1


def test_the_data_directory_fills_in_what_the_environment_does_not_say(
    clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Token and address come from what `lumen up` left, and the environment wins over it."""
    folder = clean_place / "data"
    datadir.create(folder)
    secrets = datadir.ensure_secrets(folder)
    datadir.write_endpoints(folder, {"LUMEN_API_ADDR": "127.0.0.1:9999", "TEMPORAL_ADDRESS": "127.0.0.1:9998"})
    monkeypatch.setenv("LUMEN_DATA_DIR", str(folder))
    client = load_client()
    assert client.api_url == "http://127.0.0.1:9999"
    assert client.settings.api_tokens == (secrets["LUMEN_API_TOKEN"],)
    assert client.settings.temporal_env["TEMPORAL_ADDRESS"] == "127.0.0.1:9998"
    monkeypatch.setenv("LUMEN_API_TOKEN", "mine-instead")
    assert load_client().settings.api_tokens == ("mine-instead",)


def test_a_token_file_of_the_environment_wins_over_a_generated_token(
    clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A token given by file is not in conflict with the generated one."""
    datadir.create(clean_place / "var")
    datadir.ensure_secrets(clean_place / "var")
    (clean_place / "token").write_text("from-a-file\n")
    monkeypatch.setenv("LUMEN_API_TOKEN_FILE", "token")
    assert load_client().settings.api_tokens == ("from-a-file",)


def test_a_public_url_is_where_the_api_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """From another machine PUBLIC_BASE_URL is enough; on the machine of the API its own address is nearer."""
    monkeypatch.setenv("PUBLIC_BASE_URL", "https://lumen.example.com/")
    assert load_client().api_url == "https://lumen.example.com"
    monkeypatch.setenv("LUMEN_API_ADDR", "0.0.0.0:8088")
    assert load_client().api_url == "http://127.0.0.1:8088"


def test_what_is_empty_counts_as_not_set() -> None:
    """An empty variable does not hide a default."""
    assert layered({"A": "", "B": "b"}, {"A": "a", "B": "other", "C": "c"}) == {"A": "a", "B": "b", "C": "c"}


def test_the_ledger_is_found_and_opened_with_what_the_api_has() -> None:
    """proofd's URL and token default to its listen address and the API's token."""
    settings = load({"PROOFD_ADDR": "[::]:9", "LUMEN_API_TOKEN": "a,b"})
    assert settings.proofd_url == "http://[::1]:9"
    assert settings.proofd_tokens == ("a", "b")


@pytest.mark.parametrize(
    ("listens", "reached"),
    [("127.0.0.1", "http://127.0.0.1:1"), ("0.0.0.0", "http://127.0.0.1:1"), ("::", "http://[::1]:1")],
)
def test_an_address_that_listens_everywhere_is_reached_here(listens: str, reached: str) -> None:
    """A wildcard address is no address to connect to."""
    assert local_url(Address(listens, 1)) == reached


def test_every_missing_secret_is_named_at_once() -> None:
    """All missing variables are in one message, so that nobody has to start three times."""
    with pytest.raises(CommandError, match=r"BRIDGE_SECRET, LUMEN_API_TOKEN") as caught:
        require(Settings(), bridge_keys="BRIDGE_SECRET", api_tokens="LUMEN_API_TOKEN")
    assert caught.value.code == USAGE


@pytest.mark.parametrize("name", ["api", "worker", "proofd"])
def test_a_process_without_its_secrets_does_not_start(lumen: Lumen, name: str) -> None:
    """Outside of `lumen up` the secrets must be given; nothing is made up."""
    ran = lumen(name)
    assert ran.code == USAGE
    assert "not set" in ran.err


def test_generated_secrets_are_private_kept_and_completed(clean_place: Path) -> None:
    """Secrets are readable by their owner alone, stay the same, and a new kind is added without touching the others."""
    folder = clean_place / "var"
    datadir.create(folder)
    first = datadir.ensure_secrets(folder)
    path = folder / datadir.SECRETS_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert datadir.ensure_secrets(folder) == first
    path.write_text(json.dumps({"LUMEN_API_TOKEN": "old"}))
    again = datadir.ensure_secrets(folder)
    assert again["LUMEN_API_TOKEN"] == "old"
    assert again["BRIDGE_SECRET"].startswith("k1:")
    assert datadir.ensure_secrets(folder) == again


@pytest.mark.parametrize("content", ["{", "[]"])
def test_a_damaged_secrets_file_is_not_replaced(clean_place: Path, content: str) -> None:
    """New secrets in place of unreadable ones would make every token and link out there invalid."""
    datadir.create(clean_place)
    (clean_place / datadir.SECRETS_FILE).write_text(content)
    with pytest.raises(CommandError, match="restore it or remove it"):
        datadir.ensure_secrets(clean_place)
    assert (clean_place / datadir.SECRETS_FILE).read_text() == content


def test_a_data_directory_that_cannot_be_made_is_one_line(clean_place: Path) -> None:
    """The message says which directory and which variable."""
    (clean_place / "file").write_text("")
    with pytest.raises(CommandError, match="LUMEN_DATA_DIR"):
        datadir.create(clean_place / "file" / "below")


def test_a_ledger_without_its_salt_is_not_given_another(clean_place: Path) -> None:
    """Where the secrets are lost and a ledger is there, nothing new is made up: the ledger would not open with it."""
    folder = clean_place / "var"
    datadir.create(folder)
    (folder / datadir.LEDGER_FILE).write_bytes(b"")
    with pytest.raises(CommandError, match="PROOF_SALT"):
        datadir.ensure_secrets(folder)
    assert datadir.read_secrets(folder) == {}
    assert datadir.ensure_secrets(folder, {"PROOF_SALT": "given"})
