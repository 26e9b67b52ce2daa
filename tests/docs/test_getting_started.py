"""docs/getting-started.md, line by line, in a fresh copy, with a real Alertmanager."""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.up.conftest import Up
from tests.docs.shell import PATIENCE, ROOT, Terminal, blocks, fresh_copy
from tests.stack.monitoring import missing_programs
from tests.stack.processes import Child, free_port

_PAGE = (ROOT / "docs" / "getting-started.md").read_text(encoding="utf-8")
_OTHERS = ("sudo ", "make run", ". .venv/bin/activate")  # needs root, or is what the fixture does
_ALERTMANAGER_PORT = "9095"
_PRINTS: dict[str, list[str | None]] = {
    "## 1. Install and start": [" ok, "],
    "## 2. The first rule, dry": ["2 rules in rules load", "awaiting_approval"],
    "## 3. The first approval": ["approved: 1 of 1 to approve", "nothing ran"],
    "## 4. For real": ["awaiting_approval", "refused, as it should be", "var/cleaned-host2"],
    "## 5. From Alertmanager": [
        "SUCCESS",
        None,
        "",
        "awaiting_approval",
        "approved: 1 of 1",
        "remediated",
        "",
        "request-",
    ],
    "## 6. The proof": ["it adds up", "approval_quorum_decision"],
    "## 7. What next": [""],
}
"""What the blocks of each section print, those aside that are not run; None: the block goes on in its own terminal."""


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Up]:
    """A fresh copy in which `make run` was said."""
    with fresh_copy(tmp_path) as up:
        yield up


@pytest.fixture
def alertmanager(require_all: bool) -> None:
    """Skip, with the reason, where Alertmanager is not installed; where all is required, fail."""
    missing = [name for name in missing_programs() if name != "prometheus"]
    if missing and not require_all:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: prometheus-alertmanager)")
    assert not missing


def test_every_section_is_run() -> None:
    """No section with a line to copy is left out of the test below."""
    headings = re.findall(r"^## .*", _PAGE, re.MULTILINE)
    assert [heading for heading in headings if blocks(_PAGE, heading)] == list(_PRINTS)


@pytest.mark.usefixtures("shell_programs", "alertmanager")
def test_the_page_does_what_it_says(copy: Up) -> None:
    """Every block, one after the other: the rule dry and for real, votes, an alert through Alertmanager, the proof."""
    terminal = Terminal(copy, {_ALERTMANAGER_PORT: free_port()})
    children: list[Child] = []
    try:
        for heading, prints in _PRINTS.items():
            runnable = [text for text, _ in blocks(_PAGE, heading) if not text.startswith(_OTHERS)]
            for text, wanted in zip(runnable, prints, strict=True):
                if wanted is None:
                    children.append(beside(copy, terminal, text))
                else:
                    read_on(terminal, text, wanted)
    finally:
        for child in children:
            child.kill()


def read_on(terminal: Terminal, text: str, wanted: str) -> None:
    """Run one block; what it prints may take a moment, so its last line that only looks is said again until it does."""
    deadline = time.monotonic() + PATIENCE
    printed = terminal.run(text)
    looks = [line for line in text.splitlines() if re.match(r"lumen (alert (show|list)|rules check)|ls ", line)]
    while wanted not in printed and looks:
        assert time.monotonic() < deadline, printed
        printed = terminal.run("\n".join(looks), check=False)
    assert wanted in printed


def beside(copy: Up, terminal: Terminal, text: str) -> Child:
    """Start a program that goes on in a terminal of its own."""
    port = terminal.ports[_ALERTMANAGER_PORT]
    argv = ["env", "-C", str(copy.folder), *shlex.split(text.replace(_ALERTMANAGER_PORT, str(port)))]
    child = Child("alertmanager", argv, {}, copy.folder)
    child.start()
    child.wait_until(f"http://127.0.0.1:{port}/-/ready")
    return child
