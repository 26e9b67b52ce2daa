"""A real PostgreSQL (Debian's package) for tests: a cluster of its own in a temporary folder, gone when they end."""

from __future__ import annotations

import ctypes
import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

from tests.stack.processes import free_port

START_SECONDS = 60.0
OWNER, SERVICE = "owner_of_tests", "proofd_of_tests"
PASSWORD = "p@ss/w0rd:of?the#service"
_PR_SET_PDEATHSIG = 1
_VERSION = re.compile(r"(\d+)$")


def installed() -> Path | None:
    """Return the folder of the newest PostgreSQL that is installed, as Debian lays them out; None if there is none."""
    found = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    return max(found, key=lambda path: int((_VERSION.search(path.parent.name) or [0, 0])[1]), default=None)


class Postgres:
    """One cluster. The administrator ``postgres`` comes by the socket without a password, everybody else by TCP with one."""

    def __init__(self, programs: Path, folder: Path, account: str | None) -> None:
        """Make the cluster in ``folder``, which belongs to ``account`` (None: whoever runs the tests)."""
        self._programs = programs
        self._folder = folder
        self._account = account
        self._process: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._run("initdb", "--no-sync", "--data-checksums", "--encoding=UTF8", "--locale=C.UTF-8",
                  "--username=postgres", "--auth-local=trust", "--auth-host=scram-sha-256", str(self._data))  # fmt: skip
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(
                f"port = {self.port}\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = '{folder}'\n"
                "max_connections = 50\nshared_buffers = 32MB\n"
            )

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def log(self) -> str:
        """What the server has said."""
        path = self._folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def start(self) -> None:
        """Start the server (again) and wait until it answers."""
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [self._programs / "postgres", "-D", self._data],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                user=self._account,
                group=self._account,
                extra_groups=[] if self._account else None,
                start_new_session=True,
                preexec_fn=_die_with_parent,  # noqa: PLW1509 - nothing but one system call
            )
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.admin().close()
            except psycopg.OperationalError:
                assert self._process.poll() is None, self.log[-4000:]
                assert time.monotonic() < deadline, self.log[-4000:]
                time.sleep(0.02)
            else:
                return

    def kill(self) -> None:
        """End the postmaster by SIGKILL and wait until every process of the server has noticed."""
        assert self._process is not None
        children = _children(self._process.pid)
        self._process.kill()
        self._process.wait(START_SECONDS)
        deadline = time.monotonic() + START_SECONDS
        for pid in children:
            # Backends that wait for a client notice the end of the postmaster; one that works is ended here.
            while _alive(pid):
                assert time.monotonic() < deadline, f"process {pid} of PostgreSQL does not end"
                with suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
                time.sleep(0.01)

    def stop(self, *, immediately: bool = False) -> None:
        """End the server in order, or without writing anything down (``pg_ctl stop -m immediate``)."""
        if self._process is None or self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGQUIT if immediately else signal.SIGINT)
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(START_SECONDS)

    def admin(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Return an autocommitting connection of the administrator."""
        return psycopg.connect(self.socket_dsn("postgres", database), autocommit=True)

    def flip(self, file: str, position: int) -> None:
        """Flip a bit in a file of the cluster, as a failing disk does; the server must be stopped."""
        with (self._data / file).open("r+b") as content:
            content.seek(position)
            (byte,) = content.read(1)
            content.seek(position)
            content.write(bytes([byte ^ 1]))

    def set(self, admin: psycopg.Connection[tuple[Any, ...]], name: str, value: str | None) -> None:
        """Change a setting of the server (None: back to what it was), and wait until new sessions have it."""
        admin.execute(
            (f"ALTER SYSTEM RESET {name}" if value is None else f"ALTER SYSTEM SET {name} = '{value}'").encode()
        )
        wanted = self.shown(name) if value is None else value
        admin.execute("SELECT pg_reload_conf()")
        deadline = time.monotonic() + START_SECONDS
        while (value is not None and self.shown(name) != wanted) or (value is None and self.shown(name) == wanted):
            assert time.monotonic() < deadline, f"{name} did not change"
            time.sleep(0.02)

    def shown(self, name: str) -> str:
        """Return a setting as a new session has it."""
        with self.admin() as admin:
            (value,) = admin.execute(f"SHOW {name}".encode()).fetchone() or ("",)
            return str(value)

    @contextmanager
    def as_standby(self) -> Iterator[None]:
        """Run the server as a standby that follows nobody, and afterwards as what it was."""
        signal_file = self._data / "standby.signal"
        self.stop()
        signal_file.touch()
        try:
            self.start()
            yield
        finally:
            self.stop()
            signal_file.unlink()
            self.start()

    def socket_dsn(self, user: str, database: str) -> str:
        """Return the DSN of ``user`` by the Unix socket, without a password."""
        return f"postgresql://{user}@/{database}?host={quote(str(self._folder), safe='')}&port={self.port}"

    def tcp_dsn(self, user: str, database: str, password: str = PASSWORD) -> str:
        """Return the DSN of ``user`` by TCP."""
        return f"postgresql://{user}:{quote(password, safe='')}@127.0.0.1:{self.port}/{database}"

    @property
    def environ(self) -> dict[str, str]:
        """The environment in which libpq's programs are the administrator of this server."""
        return {"PGHOST": str(self._folder), "PGPORT": str(self.port), "PGUSER": "postgres"}

    def _run(self, program: str, *arguments: str) -> None:
        done = subprocess.run(
            [self._programs / program, *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=self._account,
            group=self._account,
            extra_groups=[] if self._account else None,
            cwd=self._folder,
            check=False,
            timeout=START_SECONDS,
        )
        assert done.returncode == 0, done.stdout


@contextmanager
def running_postgres(programs: Path) -> Iterator[Postgres]:
    """Run a cluster; as root under the account that Debian's package makes, since PostgreSQL refuses to run as root."""
    account = "postgres" if os.geteuid() == 0 else None
    folder = Path(tempfile.mkdtemp(prefix="lumen-pg-", dir="/tmp"))
    try:
        if account is not None:
            entry = pwd.getpwnam(account)
            os.chown(folder, entry.pw_uid, entry.pw_gid)
        server = Postgres(programs, folder, account)
        server.start()
        try:
            _make_roles(server)
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_roles(server: Postgres) -> None:
    with server.admin() as admin:
        for role in (OWNER, SERVICE):
            admin.execute(f"CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}'")


def _die_with_parent() -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)


def _children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listed.read_text().split()] if listed.exists() else []


def _alive(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
