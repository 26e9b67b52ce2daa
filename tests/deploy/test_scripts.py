"""The small programs of deploy/docker: secrets for the containers, and what Temporal's images are started with."""

from __future__ import annotations

import hashlib
import stat
import subprocess
from pathlib import Path

import yaml

from api.tokens import Scope, parse_tokens_file
from cli.up.temporal_server import arguments
from lumen.names import ATTRIBUTES
from lumen.settings import Settings, parse_settings
from tests.deploy.composed import services
from tests.deploy.conftest import make_secrets, tokens_in
from tests.deploy.dockerfile import ROOT

SCRIPTS = ROOT / "deploy" / "docker"


def run(script: Path, environment: dict[str, str], programs: Path) -> str:
    """Run a script with stand-ins for the programs of an image; return what it printed."""
    env = {"PATH": f"{programs}:/usr/bin:/bin", **environment}
    return subprocess.run(
        ["/bin/sh", str(script)], env=env, capture_output=True, text=True, check=True, timeout=30
    ).stdout


def stand_in(path: Path, script: str) -> None:
    """Write a program."""
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)


def test_secrets_are_made_once(tmp_path: Path) -> None:
    """Every secret that the compose file mounts is made; a second run keeps each and adds only a new person."""
    folder = tmp_path / "secrets"
    first = make_secrets(folder, "alice@example.com")
    assert first.returncode == 0, first.stderr
    before = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    mounted = {name for service in services({}).values() for name in service.get("secrets", [])}
    assert set(before) == mounted
    second = make_secrets(folder, "alice@example.com", "bob@example.com")
    assert set(tokens_in(second.stdout)) == {"bob@example.com"}
    after = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert after.pop("tokens.yaml").startswith(before.pop("tokens.yaml"))
    assert after == before
    assert len({hashlib.sha256(value.encode()).digest() for value in before.values()}) == len(before)


def test_secrets_can_be_used(tmp_path: Path) -> None:
    """Lumen accepts each secret, and the tokens of people are known to the API by their hash alone."""
    folder = tmp_path / "secrets"
    tokens = tokens_in(make_secrets(folder, "alice@example.com", "bob@example.com").stdout)
    files = {
        "BRIDGE_SECRET": "bridge_secret",
        "LUMEN_WEBHOOK_TOKEN": "webhook_token",
        "LUMEN_API_TOKEN": "api_token",
        "PROOFD_TOKEN": "proofd_token",
        "PROOF_SALT": "proof_salt",
    }
    environ = {f"{name}_FILE": str(folder / file) for name, file in files.items()}
    settings, warnings = parse_settings(environ, lambda path: Path(path).read_text(encoding="utf-8"))
    assert not warnings
    assert set(settings.bridge_keys) == {"k1"}
    text = (folder / "tokens.yaml").read_text(encoding="utf-8")
    callers = parse_tokens_file(text, "tokens.yaml")
    for person, token in tokens.items():
        caller = callers[hashlib.sha256(token.encode()).digest()]
        assert (caller.actor, caller.scopes) == (person, frozenset({Scope.READ, Scope.VOTE, Scope.OVERRIDE}))
        assert token not in text


def test_others_do_not_get_to_the_secrets(tmp_path: Path) -> None:
    """The folder is closed to others; the files in it are open, since containers read them as users of their own."""
    folder = tmp_path / "secrets"
    make_secrets(folder, "alice@example.com")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o644}


def test_nobody_to_vote_is_refused(tmp_path: Path) -> None:
    """Without a person, or with a name that would be something else in YAML, nothing is made."""
    for people in ((), ('a", scopes: [command]}',), ("",), ("alice@example.com", "two words")):
        done = make_secrets(tmp_path / "secrets", *people)
        assert done.returncode == 2
        assert not (tmp_path / "secrets").exists()


def test_tables_are_made_for_both_databases(tmp_path: Path) -> None:
    """The job calls Temporal's tool for both databases in the right order, with the password from the file."""
    stand_in(tmp_path / "temporal-sql-tool", 'echo "$SQL_PASSWORD" "$@"')
    (tmp_path / "password").write_text("of-the-tests", encoding="utf-8")
    printed = run(SCRIPTS / "temporal-schema.sh", {"SQL_PASSWORD_FILE": str(tmp_path / "password")}, tmp_path)
    schema = "/etc/temporal/schema/postgresql/v12"
    assert printed.splitlines() == [
        f"of-the-tests --db {database} {step}"
        for database, folder in (("temporal", "temporal"), ("temporal_visibility", "visibility"))
        for step in ("create-database", "setup-schema -v 0.0", f"update-schema -d {schema}/{folder}/versioned")
    ]


def test_a_failed_step_ends_the_job(tmp_path: Path) -> None:
    """A server is not started on tables that could not be brought up to date."""
    stand_in(tmp_path / "temporal-sql-tool", 'echo "$3"; [ "$3" != setup-schema ]')
    (tmp_path / "password").write_text("of-the-tests", encoding="utf-8")
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin", "SQL_PASSWORD_FILE": str(tmp_path / "password")}
    script = ["/bin/sh", str(SCRIPTS / "temporal-schema.sh")]
    done = subprocess.run(script, env=env, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode != 0
    assert done.stdout.split() == ["create-database", "setup-schema"]


def test_the_server_gets_its_password_from_the_file(tmp_path: Path) -> None:
    """The server is started as its image starts it, with the one variable that its image cannot read from a file."""
    stand_in(tmp_path / "entrypoint.sh", 'echo "$POSTGRES_PWD"')
    text = (SCRIPTS / "temporal-server.sh").read_text(encoding="utf-8")
    assert text.count("exec /etc/temporal/entrypoint.sh") == 1
    script = tmp_path / "server.sh"
    script.write_text(text.replace("/etc/temporal", str(tmp_path)), encoding="utf-8")
    (tmp_path / "password").write_text("of-the-tests", encoding="utf-8")
    assert run(script, {"POSTGRES_PASSWORD_FILE": str(tmp_path / "password")}, tmp_path) == "of-the-tests\n"


def test_dynamic_configuration_is_that_of_lumen_up() -> None:
    """The Temporal server of the compose file has the settings of the one that `lumen up` starts."""
    argv = arguments("temporal", Settings(), Path("temporal.db"))
    wanted = {argv[at + 1] for at, word in enumerate(argv) if word == "--dynamic-config-value"}
    content = yaml.safe_load((SCRIPTS / "temporal-dynamic.yaml").read_text(encoding="utf-8"))
    assert {f"{name}={str(values[0]['value']).lower()}" for name, values in content.items()} == wanted


def test_the_namespace_gets_every_search_attribute() -> None:
    """The job makes the search attributes that the code uses, and no other."""
    text = (SCRIPTS / "temporal-namespace.sh").read_text(encoding="utf-8")
    (listed,) = (line for line in text.splitlines() if line.startswith("for name in "))
    assert set(listed.removeprefix("for name in ").removesuffix("; do").split()) == set(ATTRIBUTES)
