"""The terminal's other screen: left again, however the command that draws on it ends."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import pytest

from cli.settings import environment
from cli.terminal import Screen
from tests.stack.terminal import at_terminal

_DRAWS = """
import time
from cli.terminal import Screen, Terminal

with Screen() as screen:
    screen.draw(["drawn"], Terminal(80, 24))
    # Not once for long: a signal that comes right before a sleep is heard after it.
    while True:
        time.sleep(0.1)
"""
_LEFT = "\x1b[?25h\x1b[?1049l"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_ends_the_command_gives_the_terminal_back(tmp_path: Path, number: signal.Signals) -> None:
    """As after Ctrl-C: the cursor is shown and what was there before is back; the exit code tells the signal."""
    argv = [sys.executable, "-c", _DRAWS]
    with at_terminal(argv, environment(), tmp_path) as one:
        one.until("drawn")
        one.process.send_signal(number)
        assert one.end() == 128 + number
        assert one.shown.endswith(_LEFT)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    """What nohup was asked for holds, and afterwards every signal does what it did before."""
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Screen():
            assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)
