"""The ledger: verified through proofd, or in its file where no proofd runs."""

from __future__ import annotations

import signal
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from cli.doctor import ledger as ledger_check
from cli.doctor.finding import Status
from tests.cli.doctor.conftest import Diagnose, Stub
from tests.stack.calling import calls
from tests.stack.processes import LumenChild, lumen_command


@pytest.fixture
def environ(place: dict[str, str]) -> dict[str, str]:
    """An environment in which proofd can run."""
    return {**place, "PROOFD_TOKEN": "proofd-token", "PROOF_SALT": "tests"}


@contextmanager
def proofd(environ: dict[str, str], folder: Path) -> Iterator[str]:
    """Run proofd with two entries while inside, and yield its URL; it ends cleanly."""
    child = LumenChild("proofd", lumen_command("proofd"), environ, folder)
    url = f"http://{environ['PROOFD_ADDR']}"
    try:
        child.start()
        child.wait_until(f"{url}/healthz")
        for number in range(2):
            body = {"idem": f"a{number}", "kind": "override", "parts": {"override": {"reason": "before"}}}
            headers = {"Authorization": f"Bearer {environ['PROOFD_TOKEN']}"}
            calls().post(f"{url}/append", json=body, headers=headers).raise_for_status()
        yield url
    finally:
        child.kill(signal.SIGTERM)


def tamper(path: Path) -> None:
    """Change one word of entry 1 as somebody with the file would."""
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER part_stays")
        changed = db.execute("UPDATE part SET data = CAST(replace(data, 'before', 'behind') AS BLOB) WHERE seq = 1")
        assert changed.rowcount == 1


def file_of(environ: dict[str, str]) -> Path:
    """Return the file of the ledger."""
    return Path(environ["LUMEN_DATA_DIR"]) / "proof.db"


def test_a_ledger_that_was_changed_is_found_through_proofd(
    diagnose: Diagnose, environ: dict[str, str], clean_place: Path
) -> None:
    """The entry is named; proofd has frozen itself by then, which the next look says."""
    with proofd(environ, clean_place) as url:
        assert diagnose(environ).one("ledger").found == "it holds: verified up to height 2"
        tamper(file_of(environ))
        found = diagnose(environ)
        again = diagnose(environ)
    assert found.status("proofd") is Status.OK
    assert "broken at entry 1" in found.failed()["ledger"]
    assert "docs/ledger.md" in found.one("ledger").fix
    assert again.failed()["proofd"].startswith(f"{url} is frozen")
    assert "lumen proof verify" in again.one("proofd").fix


def test_a_ledger_is_not_verified_without_a_token(
    diagnose: Diagnose, environ: dict[str, str], clean_place: Path
) -> None:
    """What cannot be asked is said, and how to set it right."""
    with proofd(environ, clean_place):
        found = diagnose({**environ, "PROOFD_TOKEN": ""})
    assert found.status("ledger") is Status.SKIP
    assert found.status("proofd-token") is Status.WARN
    assert "PROOFD_TOKEN" in found.one("proofd-token").fix


def test_a_long_ledger_is_left_to_the_command_that_verifies_it(
    diagnose: Diagnose, environ: dict[str, str], stub: Stub
) -> None:
    """A quick look does not make proofd read a million entries."""
    stub.answers["/head"] = (200, '{"ok": true, "head": "00", "height": 1000000, "bytes": 1}')
    found = diagnose({**environ, "PROOFD_URL": stub.url}).one("ledger")
    assert (found.status, "lumen proof verify" in found.found) == (Status.SKIP, True)
    assert "POST /verify" not in stub.asked


def test_the_file_is_verified_where_no_proofd_runs(
    diagnose: Diagnose, environ: dict[str, str], clean_place: Path
) -> None:
    """It is read and left as it is; a changed entry is found before a start would refuse it."""
    with proofd(environ, clean_place):
        pass
    path = file_of(environ)
    before = {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()}
    assert diagnose(environ).status("ledger") is Status.OK
    assert {file.name: file.read_bytes() for file in path.parent.iterdir() if file.is_file()} == before
    tamper(path)
    found = diagnose(environ)
    assert sorted(found.failed()) == ["ledger", "lumen"]
    assert "broken at entry 1" in found.failed()["ledger"]


def test_a_file_that_takes_long_to_verify_is_left_alone(
    diagnose: Diagnose, environ: dict[str, str], clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That is no failure, and the copy that was made is gone although its reader still reads."""
    with proofd(environ, clean_place):
        pass
    path, reading, enough = file_of(environ), threading.Event(), threading.Event()

    def slow(_path: Path, _log: str) -> None:
        reading.set()
        enough.wait(60)

    monkeypatch.setattr(ledger_check, "verify_file", slow)
    try:
        found = diagnose(environ).one("ledger")
        assert reading.is_set()
        assert (found.status, "takes longer to verify" in found.found) == (Status.SKIP, True)
        assert not list(path.parent.glob(".doctor-*"))
    finally:
        enough.set()


def test_a_file_of_another_salt_is_told_apart_from_a_broken_one(
    diagnose: Diagnose, environ: dict[str, str], clean_place: Path
) -> None:
    """With another PROOF_SALT the fix names it; with none nothing can be said."""
    with proofd(environ, clean_place):
        pass
    other = diagnose({**environ, "PROOF_SALT": "another"}).one("ledger")
    assert (other.status, "PROOF_SALT" in other.fix) == (Status.FAIL, True)
    assert diagnose({**environ, "PROOF_SALT": ""}).status("ledger") is Status.SKIP
