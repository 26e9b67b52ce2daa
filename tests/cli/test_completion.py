"""Completion, by a real bash with the script that ``lumen completion bash`` prints, against a loopback API."""

from __future__ import annotations

import os
import shlex
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from cli.completion import complete_key
from tests.cli.conftest import FakeService, Lumen
from tests.stack.processes import free_port

KEYS = ("alertmanager-0aa043e5d176c819", "request-1111111111111111")
Complete = Callable[[str], list[str]]


def answer_with_keys(service: FakeService) -> None:
    """Let the API list two episodes and some that a shell must never hear of."""
    rows = [{"key": KEYS[0], "state": "cooling"}, {"key": KEYS[1], "state": "$(touch owned)"}]
    hostile = [{"key": "x; touch owned"}, {"key": "`touch owned`"}, {"key": 5}, "nonsense", {"key": "*"}, {}]
    service.answer(200, {"alerts": [*rows, *hostile], "next": None})


@pytest.fixture
def complete(lumen: Lumen, tmp_path: Path, require_all: bool) -> Complete:
    """A function that returns what bash completes a command line to, in the environment of the test."""
    bash = shutil.which("bash")
    if bash is None:
        (pytest.fail if require_all else pytest.skip)("bash is not installed")
    folder = tmp_path / "bin"
    folder.mkdir()
    program = folder / "lumen"
    root = Path(__file__).parents[2]
    run = f"import sys; sys.path.insert(0, {str(root)!r}); from cli.main import main; main()"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -c {shlex.quote(run)} "$@"\n')
    program.chmod(0o755)
    script = lumen("completion", "bash").out

    def completed(line: str) -> list[str]:
        words = line.split(" ")
        given = " ".join(shlex.quote(word) for word in words)
        ask = f"{script}\nCOMP_WORDS=({given}); COMP_CWORD={len(words) - 1}\n_lumen_completion lumen\n"
        ask += 'printf "%s\\n" "${COMPREPLY[@]}"\n'
        environ = {**os.environ, "PATH": f"{folder}:{os.environ['PATH']}"}  # noqa: TID251 - tests pass theirs on
        done = subprocess.run([bash, "--norc", "-c", ask], env=environ, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return [word for word in done.stdout.splitlines() if word]

    return completed


def found(complete: Complete, line: str) -> list[str]:
    """Return what a line is completed to; on a busy machine the bound on the wait may be over before the API answers."""
    return next(words for _ in range(20) if (words := complete(line)))


def test_commands_options_and_values_are_completed(complete: Complete, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without any API: commands by their beginning, commands below commands, options, and the values of an option."""
    monkeypatch.setenv("LUMEN_API_ADDR", f"127.0.0.1:{free_port()}")
    assert complete("lumen re") == ["reject", "reconcile"]
    assert {"send", "list", "show"} <= set(complete("lumen alert "))
    assert "--watch" in complete("lumen alert list --w")
    assert complete("lumen alert list --state awa") == ["awaiting_approval"]
    assert complete("lumen override k ca") == ["cancel"]
    assert complete("lumen completion z") == ["zsh"]


def test_keys_come_from_the_running_api(complete: Complete, api: FakeService, tmp_path: Path) -> None:
    """Keys by their beginning, and nothing of an answer that is no key, whatever stands there."""
    answer_with_keys(api)
    for command in ("alert show", "approve", "reject", "override"):
        assert found(complete, f"lumen {command} ") == list(KEYS)
    assert found(complete, "lumen alert show req") == [KEYS[1]]
    assert not list(tmp_path.rglob("owned"))


@pytest.mark.parametrize("what", ["nothing", "refusal", "nonsense", "silence"])
def test_trouble_is_silent_and_short(
    complete: Complete, service: FakeService, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """No API, a refused token, another program, or one that never answers: no keys, no text, no long wait."""
    service.status, service.content = (401, b"{}") if what == "refusal" else (200, b"<html>")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        places = {"nothing": f"127.0.0.1:{free_port()}", "silence": f"127.0.0.1:{silent.getsockname()[1]}"}
        monkeypatch.setenv("LUMEN_API_ADDR", places.get(what, service.url.removeprefix("http://")))
        monkeypatch.setenv("LUMEN_APY_TOKEN", "a misspelt variable is a warning elsewhere")
        assert complete("lumen alert show ") == []


def test_the_wait_for_keys_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """An API that goes on answering for ever, a byte at a time, is left while it still does."""
    enough = threading.Event()

    def drip(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):
            connection.sendall(b"HTTP/1.1 200 OK\r\nX-Long: ")
            while not enough.wait(0.1):
                connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("LUMEN_API_ADDR", f"127.0.0.1:{listener.getsockname()[1]}")
        dripping = threading.Thread(target=drip, args=(listener,))
        dripping.start()
        assert complete_key("") == []
        assert dripping.is_alive()
        enough.set()
        dripping.join()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_script_and_nothing_is_written(lumen: Lumen, clean_place: Path, shell: str) -> None:
    """The script goes to stdout alone, says how it is loaded, and is quiet about errors."""
    ran = lumen("completion", shell)
    assert (ran.code, ran.err) == (0, "")
    assert "2>/dev/null" in ran.out
    assert f"lumen completion {shell}" in ran.out
    assert "_LUMEN_COMPLETE" in ran.out
    assert list(clean_place.iterdir()) == []


def test_another_shell_is_a_usage_error(lumen: Lumen) -> None:
    """What there is no script for is refused."""
    assert lumen("completion", "csh").code == 2


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_are_answered_in_their_own_form(
    api: FakeService, monkeypatch: pytest.MonkeyPatch, lumen: Lumen, shell: str
) -> None:
    """Each gets its keys with their state as description; what a row calls its state is no text for a shell."""
    answer_with_keys(api)
    monkeypatch.setenv("_LUMEN_COMPLETE", f"complete_{shell}")
    monkeypatch.setenv("_TYPER_COMPLETE_ARGS", "lumen alert show ")
    monkeypatch.setenv("_TYPER_COMPLETE_FISH_ACTION", "get-args")
    ran = next(ran for _ in range(20) if KEYS[0] in (ran := lumen()).out)
    assert ran.code == 0
    assert KEYS[1] in ran.out
    assert "cooling" in ran.out
    assert "touch" not in ran.out
    assert "*" not in ran.out.replace("'*: :((", "")
