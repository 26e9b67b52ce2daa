"""Settings: every bad value at once, unknown names, and files that hold secrets."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from cli import datadir
from cli.doctor.finding import Status
from tests.cli.doctor.conftest import Diagnose

SECRET = "short-secret"


def test_every_bad_value_is_told_and_the_rest_is_still_examined(diagnose: Diagnose, place: dict[str, str]) -> None:
    """One bad value hides neither the next nor the other checks, and a secret one is not shown."""
    bad = {"LUMEN_API_ADDR": "nonsense", "LUMEN_TEMPORAL_PORT": "http", "BRIDGE_SECRET": SECRET, "PROMETHEUS_URL": "x"}
    found = diagnose({**place, **bad})
    told = found.of("settings")
    assert {one.status for one in told} == {Status.FAIL}
    for name in bad:
        assert any(one.found.startswith(f"{name}: ") and name in one.fix for one in told), name
    assert SECRET not in str(found)
    assert found.status("rules") is Status.OK


def test_unknown_names_are_warnings_with_the_nearest(diagnose: Diagnose, place: dict[str, str]) -> None:
    """A misspelt variable is told with what was most likely meant."""
    near, far = diagnose({**place, "LUMEN_RULE": "x", "LUMEN_ZZZZZZZ": "x"}).of("settings")
    assert (near.status, far.status) == (Status.WARN, Status.WARN)
    assert near.fix == "unset LUMEN_RULE, or set LUMEN_RULES instead"
    assert far.fix == "unset LUMEN_ZZZZZZZ"


def test_a_secret_given_twice_or_by_a_missing_file_is_told(diagnose: Diagnose, place: dict[str, str]) -> None:
    """A value beside its file, and a file that is not there, are findings of their variables."""
    both = {"LUMEN_API_TOKEN": "a", "LUMEN_API_TOKEN_FILE": "b", "PROOFD_TOKEN_FILE": "/nowhere/token"}
    told = diagnose({**place, **both}).of("settings")
    assert any("LUMEN_API_TOKEN and LUMEN_API_TOKEN_FILE are both set" in one.found for one in told)
    assert any("PROOFD_TOKEN_FILE: cannot read /nowhere/token" in one.found for one in told)


def test_a_file_that_never_ends_does_not_hang_the_doctor(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path
) -> None:
    """A pipe in the place of a secret is told, and nothing else waits for it."""
    pipe = clean_place / "pipe"
    os.mkfifo(pipe)
    found = diagnose({**place, "LUMEN_API_TOKEN_FILE": str(pipe)}, seconds=0.5)
    assert found.failed() == {"settings": "the settings could not be read within 0.5 s"}
    # Let go of the thread that still waits.
    os.close(os.open(pipe, os.O_WRONLY))


@pytest.mark.parametrize("name", [datadir.SECRETS_FILE, datadir.ENDPOINTS_FILE])
def test_a_damaged_file_of_the_data_directory_is_told(diagnose: Diagnose, place: dict[str, str], name: str) -> None:
    """It is named, and everything else is examined without it."""
    folder = Path(place["LUMEN_DATA_DIR"])
    datadir.create(folder)
    (folder / name).write_text("{")
    found = diagnose(place)
    assert f"cannot read {folder / name}" in found.failed()["settings"]
    assert found.one("settings").fix == "restore it or remove it"
    assert found.status("rules") is Status.OK


def test_secret_files_that_others_can_read_or_write_are_told(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path
) -> None:
    """Readable is a warning, writable a failure; the fix is the command."""
    folder = Path(place["LUMEN_DATA_DIR"])
    datadir.create(folder)
    datadir.ensure_secrets(folder)
    environ = {**place, "LUMEN_API_TOKEN_FILE": str(clean_place / "token")}
    (clean_place / "token").write_text("token-1")
    (clean_place / "token").chmod(0o640)
    assert diagnose(environ).status("secret-files") is Status.OK
    (folder / datadir.SECRETS_FILE).chmod(0o644)
    (clean_place / "token").chmod(0o666)
    readable, writable = diagnose(environ).of("secret-files")
    assert (readable.status, readable.fix) == (Status.WARN, f"chmod o-rwx {folder / datadir.SECRETS_FILE}")
    assert (writable.status, writable.fix) == (Status.FAIL, f"chmod o-rwx {clean_place / 'token'}")


@pytest.mark.parametrize(
    "variable", ["BRIDGE_SECRET_FILE", "CONTROL_BUS_TOKEN_FILE", "PROOF_DSN_FILE", "PROOF_SALT_FILE"]
)
def test_every_secret_that_may_stand_in_a_file_is_looked_at(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path, variable: str
) -> None:
    """Each of them is told when others can read it."""
    path = clean_place / "secret"
    path.write_text("k1:postgresql-may-be-in-here")
    path.chmod(0o644)
    [found] = diagnose({**place, variable: str(path)}).of("secret-files")
    assert (found.status, found.fix) == (Status.WARN, f"chmod o-rwx {path}")


def test_the_tokens_file_is_read_as_the_api_reads_it(
    diagnose: Diagnose, place: dict[str, str], clean_place: Path
) -> None:
    """A mistake is told with its line; digests may be read by all, but written by nobody else."""
    path = clean_place / "tokens.yaml"
    environ = {**place, "LUMEN_TOKENS_FILE": str(path)}
    assert "cannot be read" in diagnose(environ).failed()["tokens-file"]
    digest = hashlib.sha256(b"token").hexdigest()
    path.write_text(f"{digest}: {{actor: a@example.com, scopes: [vote, fly]}}\n")
    assert f"{path}:1: fly is not a scope" in diagnose(environ).failed()["tokens-file"]
    path.write_text(f"{digest}: {{actor: a@example.com, scopes: [vote]}}\n")
    path.chmod(0o644)
    found = diagnose(environ)
    assert (found.status("tokens-file"), found.status("secret-files")) == (Status.OK, Status.OK)
