"""The command as a process: version, help, pipes, endings."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.cli.conftest import Lumen
from tests.stack.processes import free_port, lumen_command


def test_the_version_is_that_of_the_distribution(lumen: Lumen) -> None:
    """`lumen --version` prints one line."""
    assert lumen("--version").out == f"lumen {version('lumen-remediation')}\n"


@pytest.mark.parametrize(
    "command",
    [
        *("", "up", "demo", "doctor", "api", "worker", "proofd", "alert", "alert send", "alert list", "alert show"),
        *("approve", "reject", "override", "run", "completion", "cooldown list", "cooldown clear"),
        *("freeze on", "freeze off", "freeze status", "reconcile"),
        *("rules check", "proof head", "proof verify", "proof show"),
    ],
)
def test_every_command_explains_itself(lumen: Lumen, command: str) -> None:
    """Each command is there and has help."""
    ran = lumen(*command.split(), "--help")
    assert ran.code == 0
    assert ran.out.startswith("Usage: lumen")


def test_help_loads_nothing_heavy() -> None:
    """`lumen --help` does without Temporal, the web framework and the HTTP client, so it answers at once."""
    heavy = ("temporalio", "fastapi", "httpx", "yaml", "uvicorn", "rich.table")
    code = f"import sys; from cli.main import run; run(['--help']); print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_output_survives_the_hard_exit(tmp_path: Path) -> None:
    """A command that used Temporal's client ends hard, and what it printed into a pipe is complete all the same."""
    environ = {"TEMPORAL_ADDRESS": f"127.0.0.1:{free_port()}", "HOME": str(tmp_path)}
    done = subprocess.run(
        lumen_command("freeze", "status"), capture_output=True, text=True, env=environ, cwd=tmp_path, check=False
    )
    assert done.returncode == 1
    assert done.stderr.startswith("lumen: cannot reach Temporal at 127.0.0.1:")
    assert ": nothing listens there: start it" in done.stderr
    assert done.stderr.endswith("or set TEMPORAL_ADDRESS\n")


def test_a_reader_that_has_gone_is_no_traceback(tmp_path: Path) -> None:
    """`lumen --help | true` ends quietly."""
    process = subprocess.Popen(
        lumen_command("--help"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path, env={}
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    errors = process.stderr.read()
    process.stderr.close()
    process.wait(30)
    assert b"Traceback" not in errors
    assert b"Exception ignored" not in errors


def test_a_terminal_of_another_character_set_is_no_error(tmp_path: Path) -> None:
    """Where a character cannot be shown its number is."""
    environ = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0", "LUMEN_RULE": "ü", "PROOFD_URL": "http://127.0.0.1:9/ü"}
    done = subprocess.run(lumen_command("proof", "head"), capture_output=True, env=environ, cwd=tmp_path, check=False)
    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
