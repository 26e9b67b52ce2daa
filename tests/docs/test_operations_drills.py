"""The procedures of docs/operations.md, line by line: a backup that is put back, and processes on their own."""

from __future__ import annotations

import re
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lumen.names import ATTRIBUTES
from tests.cli.up.conftest import Up
from tests.docs.shell import ROOT, Terminal, blocks, fresh_copy
from tests.stack.processes import Child, lumen_command, temporal_binary

_PAGE = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
_RULE = "rules: [{alert: Drill, cooldown: 5, actions: [{cmd: [/bin/true]}]}]"
_SEND = "KEY=$(lumen alert send Drill -l instance=%s -l severity=warning)\nlumen alert show $KEY"
_APPROVE = "lumen approve $KEY --actor alice@example.com"


@pytest.mark.long
@pytest.mark.usefixtures("shell_programs")
def test_a_backup_that_was_made_while_running_can_be_put_back(tmp_path: Path) -> None:
    """Temporal alone, then everything: what was before it is there again, and what Temporal forgot is a new episode."""
    backup, restore, after, everything = (text for text, _ in blocks(_PAGE, "## Backup and restore"))
    with fresh_copy(tmp_path) as up:
        (up.folder / "rules" / "drill.yaml").write_text(_RULE)
        terminal = Terminal(up)
        terminal.until(_SEND % "before", "awaiting_approval")
        before = re.findall(r"^key +(\S+)", terminal.run("lumen alert show $KEY"), re.MULTILINE)[0]
        terminal.run(backup)
        terminal.run(_SEND % "after")
        terminal.until(_APPROVE + "; lumen alert show $KEY", "remediated")
        stop(up)
        terminal.run(restore)
        up.start()
        printed = terminal.until(after, "attempt without episode")  # the ledger knows of one that Temporal forgot
        assert "accepted 1 - ended 0 = open 1: it adds up" in printed
        terminal.until(after, "Temporal is older than the ledger")
        terminal.run("lumen freeze off --actor alice@example.com --reason 'looked at it'")
        held = re.findall(r"the ledger holds: (\d+) entries", printed)
        assert int(held[0]) >= 6  # two rule sets, and the four entries of what came after the backup
        terminal.until(f"lumen approve {before} --actor alice@example.com; lumen alert show {before}", "remediated")
        terminal.until(_SEND % "after", "awaiting_approval")
        stop(up)
        shutil.rmtree(up.folder / "var")
        terminal.run(everything)
        up.start()
        assert "accepted 1 - ended 0 = open 1: it adds up" in terminal.run(after)
        terminal.until(f"lumen approve {before} --actor alice@example.com; lumen alert show {before}", "remediated")


def stop(up: Up) -> None:
    """Stop everything as Ctrl-C does."""
    up.child.kill(signal.SIGINT)
    up.gone()


@contextmanager
def own_temporal(up: Up) -> Iterator[None]:
    """A Temporal server without anything of Lumen's in it."""
    argv = [temporal_binary(), "server", "start-dev", "--headless", "--ip", "127.0.0.1", "--log-level", "error"]
    child = Child("own-temporal", [*argv, "--port", str(up.ports["temporal"])], {}, up.folder)
    child.start()
    try:
        Terminal(up).until(f"temporal operator cluster health --address 127.0.0.1:{up.ports['temporal']}", "SERVING")
        yield
    finally:
        child.kill()


@pytest.fixture
def place(tmp_path: Path) -> Up:
    """A copy of the shipped rules and free ports, with nothing running."""
    up = Up(tmp_path)
    for file in (ROOT / "rules").glob("*.yaml"):
        shutil.copy(file, tmp_path / "rules")
    (tmp_path / "rules" / "drill.yaml").write_text(_RULE)
    return up


@pytest.mark.usefixtures("shell_programs")
def test_processes_on_their_own_start_as_the_page_says(place: Up) -> None:
    """Settings, a person's token, search attributes, three processes; the votes of others and of nobody do not count."""
    settings, token, policy, attributes, proofd, worker, api, vote = (
        text for text, _ in blocks(_PAGE, "## Processes on their own")
    )
    terminal = Terminal(place)
    started: list[Child] = []
    with own_temporal(place):
        try:
            for text in (settings, token, policy, attributes):
                terminal.run(text)
            assert Path(place.folder / "etc" / "lumen.env").stat().st_mode & 0o077 == 0
            for text, name in ((proofd, "proofd"), (worker, "worker"), (api, "api")):
                assert text.splitlines()[-1] == f"lumen {name}"
                started.append(begin(place, name))
            sent = "set -a; . etc/lumen.env; set +a\n" + _SEND % "host1"
            terminal.until(sent, "awaiting_approval")
            unbound = terminal.run("set -a; . etc/lumen.env; set +a\n" + _APPROVE, check=False)
            assert "belongs to nobody" in unbound
            assert "approved: 1 of 1 to approve" in terminal.run(vote)
            shown = terminal.until("set -a; . etc/lumen.env; set +a\nlumen alert show $KEY", "remediated")
            assert "alice@example.com token" in shown
        finally:
            for child in reversed(started):
                child.kill(signal.SIGTERM)


def begin(place: Up, name: str) -> Child:
    """Start one process with the settings of the page and wait for it."""
    lines = (place.folder / "etc" / "lumen.env").read_text().splitlines()
    environ = dict(line.split("=", 1) for line in lines)
    child = Child(name, ["env", "-C", str(place.folder), *lumen_command(name)], environ, place.folder)
    child.start()
    child.wait_until(place.url(name, "/healthz"))
    return child


def test_the_search_attributes_are_those_of_lumen() -> None:
    """The page creates each that the worker sets."""
    assert set(re.findall(r"\b(Lumen(?:State|Outcome|Rule|Alert|Severity|Target))\b", _PAGE)) == set(ATTRIBUTES)
