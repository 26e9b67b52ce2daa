"""The patient and its remedy as real processes: a service that hangs, what keeps it running, what restarts it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from cli.demo import pidfile, restart
from tests.cli.up.conftest import group_of, until
from tests.stack.calling import calls
from tests.stack.processes import Child, free_port


class Patient:
    """A keeper with its service."""

    def __init__(self, folder: Path) -> None:
        """Choose a port; nothing runs yet."""
        self.port = free_port()
        self.pid_file = folder / "service.pid"
        argv = [sys.executable, "-P", "-m", "cli.demo.keeper", str(self.port), str(self.pid_file)]
        self.keeper = Child("keeper", argv, {}, folder)

    @property
    def url(self) -> str:
        """Where the service is."""
        return f"http://127.0.0.1:{self.port}/"

    def get(self, path: str = "") -> httpx.Response:
        """Ask the service, and give up after a second."""
        return calls().get(self.url + path, timeout=1)

    def restart(self) -> subprocess.CompletedProcess[str]:
        """Run the remedy."""
        argv = [sys.executable, "-m", "cli.demo.restart", str(self.pid_file)]
        return subprocess.run(argv, env={}, capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def patient(tmp_path: Path) -> Iterator[Patient]:
    """A service that answers."""
    one = Patient(tmp_path)
    one.keeper.start()
    try:
        one.keeper.wait_until(one.url)
        yield one
    finally:
        group = one.keeper.pid
        one.keeper.kill()
        until(lambda: not group_of(group), "something outlived the keeper")


def test_it_hangs_once_told_to(patient: Patient) -> None:
    """Told to break, it still takes connections and answers none; before that it answers, also Prometheus."""
    assert "demo_requests_total" in patient.get("metrics").text
    assert patient.get("nothing").status_code == 404
    assert calls().post(patient.url + "nothing").status_code == 404
    assert calls().post(patient.url + "break").status_code == 202
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", patient.port), timeout=1):
            pass
    with pytest.raises(httpx.ReadTimeout):
        patient.get()


def test_the_remedy_ends_the_one_that_hangs_and_another_answers(patient: Patient) -> None:
    """After the restart the same address is answered by the process that the pid file and the remedy name."""
    before = patient.get().json()["pid"]
    calls().post(patient.url + "break")
    done = patient.restart()
    after = pidfile.read(patient.pid_file).pid
    assert (done.returncode, done.stdout) == (0, f"ended process {before}, process {after} runs\n")
    patient.keeper.wait_until(patient.url)
    assert patient.get().json()["pid"] == after != before


def test_only_the_process_of_the_file_is_ended() -> None:
    """A process that got the pid since is left alone; the one that is meant is ended; one that is gone is no error."""
    process = subprocess.Popen(["/bin/sleep", "100"])
    try:
        meant = pidfile.of(process.pid)
        restart._end(pidfile.Process(meant.pid, meant.started - 1))
        assert process.poll() is None
        restart._end(meant)
        assert process.wait(0) == -signal.SIGTERM
        restart._end(meant)
    finally:
        process.kill()
        process.wait()


def test_what_ignores_sigterm_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that does not hear the polite signal is ended all the same."""
    monkeypatch.setattr(restart, "_GRACE", 0.2)
    process = subprocess.Popen(["/bin/sh", "-c", "trap '' TERM; echo; exec sleep 100"], stdout=subprocess.PIPE)
    try:
        assert process.stdout
        process.stdout.readline()
        restart._end(pidfile.of(process.pid))
        assert process.wait(0) == -signal.SIGKILL
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("content", [None, "", "12", "one two"])
def test_a_remedy_without_a_pid_file_fails_with_one_line(tmp_path: Path, content: str | None) -> None:
    """No file, or one that names no process: exit code 1 and why."""
    path = tmp_path / "service.pid"
    if content is not None:
        path.write_text(content)
    argv = [sys.executable, "-m", "cli.demo.restart", str(path)]
    done = subprocess.run(argv, env={}, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 1
    assert done.stderr.startswith(f"cannot restart the service of {path}: ")
    assert done.stderr.count("\n") == 1


def test_the_keeper_stops_with_its_service(patient: Patient) -> None:
    """SIGTERM ends both with exit code 0."""
    group = patient.keeper.pid
    assert len(group_of(group)) == 2
    patient.keeper.kill(signal.SIGTERM)
    assert patient.keeper.wait() == 0
    assert not group_of(group)


def test_the_service_does_not_outlive_a_killed_keeper(patient: Patient) -> None:
    """SIGKILL of the keeper alone ends the service too."""
    group = patient.keeper.pid
    os.kill(group, signal.SIGKILL)
    patient.keeper.wait()
    until(lambda: not group_of(group), "the service outlived its keeper")


def test_a_service_that_cannot_listen_ends_the_keeper(tmp_path: Path) -> None:
    """A port that is taken is told in the log and is not tried for ever."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        argv = [sys.executable, "-P", "-m", "cli.demo.keeper", str(port), str(tmp_path / "service.pid")]
        keeper = Child("keeper", argv, {}, tmp_path)
        keeper.start()
        assert keeper.wait() == 1
    assert f"cannot listen on 127.0.0.1:{port}: " in keeper.log
    assert "the service ended by itself with exit code 1" in keeper.log


def test_a_process_is_known_by_its_start_too() -> None:
    """The own process is found twice the same; a pid that nobody has is an error."""
    assert pidfile.of(os.getpid()) == pidfile.of(os.getpid())
    gone = subprocess.Popen(["/bin/true"])
    gone.wait()
    with pytest.raises(ProcessLookupError):
        pidfile.of(gone.pid)
