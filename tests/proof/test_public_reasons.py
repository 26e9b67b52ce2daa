"""What anybody may read about a frozen ledger names what is wrong; where its files are stands in the log alone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from proof.errors import UnavailableError
from proof.format.checkpoint import Checkpoint, sign_checkpoint
from proof.format.merkle import TreeHead
from proof.ledger import Ledger
from proof.signing.keyfile import read_keys
from proof.store import beside
from tests.proof.samples import ORIGIN, append, draft, signed_ledger
from tests.proof.serving import assert_problem, payload, proofd


def filled(path: Path, folder: Path) -> None:
    """Make a ledger of three entries, the second and third in a second run, and a copy of it as it was after the first."""
    with signed_ledger(path, anchor_folder=folder) as ledger:
        append(ledger.store, draft("a", x=1))
    shutil.copy(path, path.with_name("older.db"))
    with signed_ledger(path, anchor_folder=folder) as ledger:
        append(ledger.store, draft("b", x=1))
        append(ledger.store, draft("c", x=1))


def lose_checkpoint(path: Path, _folder: Path) -> None:
    """The last signed checkpoint is gone."""
    beside(path)[1].unlink()


def damage_checkpoint(path: Path, _folder: Path) -> None:
    """It is no checkpoint."""
    beside(path)[1].write_bytes(b"x")


def restore(path: Path, _folder: Path) -> None:
    """An older copy of the ledger was put back."""
    shutil.copy(path.with_name("older.db"), path)


def restore_both(path: Path, folder: Path) -> None:
    """An older copy of all that is beside the ledger too."""
    restore(path, folder)
    first = folder / f"{1:020d}.note"
    beside(path)[1].write_bytes(first.read_bytes())


def rename_anchor(_path: Path, folder: Path) -> None:
    """The newest anchor is over less than its name says."""
    shutil.copy(folder / f"{1:020d}.note", folder / f"{9:020d}.note")


def pipe_as_anchor(_path: Path, folder: Path) -> None:
    """The newest anchor is a pipe."""
    os.mkfifo(folder / f"{9:020d}.note")


AT_THE_START: list[tuple[Callable[[Path, Path], None], str]] = [
    (lose_checkpoint, "the last signed checkpoint is not in its place"),
    (damage_checkpoint, "the last signed checkpoint cannot be used"),
    (restore, "an older copy of the ledger was put in its place"),
    (restore_both, "the newest anchor 00000000000000000003.note was signed over 3"),
    (rename_anchor, "the newest anchor 00000000000000000009.note: it is over 1 entries"),
    (pipe_as_anchor, "the newest anchor 00000000000000000009.note: it is no plain file"),
]


@pytest.mark.timeout(60)
@pytest.mark.parametrize(("change", "said"), AT_THE_START, ids=lambda one: getattr(one, "__name__", ""))
def test_a_frozen_start_names_no_paths(
    path: Path, tmp_path: Path, change: Callable[[Path, Path], None], said: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever is wrong beside the ledger freezes it with a reason; the log has the paths, the reason has not."""
    folder = tmp_path / "anchors"
    folder.mkdir()
    filled(path, folder)
    change(path, folder)
    with signed_ledger(path, anchor_folder=folder) as ledger:
        assert said in (ledger.store.failure or "")
        assert str(tmp_path) not in (ledger.store.failure or "")
    assert str(beside(path)[1]) in caplog.text
    assert str(folder) in caplog.text


def forked(ledger: Ledger, _path: Path, folder: Path) -> None:
    """Another checkpoint of the next size is in the anchor directory."""
    keys = read_keys(beside(_path)[0], ORIGIN).keys
    note = sign_checkpoint(Checkpoint(ORIGIN, TreeHead(2, bytes(32))), keys).encode()
    (folder / f"{2:020d}.note").write_bytes(note)
    append(ledger.store, draft("b", "auto_remediation", x=1))
    ledger.publisher.close()


def swapped(ledger: Ledger, path: Path, _folder: Path) -> None:
    """Somebody else wrote the last signed checkpoint."""
    beside(path)[1].write_bytes(b"x")
    append(ledger.store, draft("b"))
    with pytest.raises(UnavailableError):
        ledger.notary.covering(2, 30)


WHILE_RUNNING: list[tuple[Callable[[Ledger, Path, Path], None], str]] = [
    (forked, "the anchor 00000000000000000002.note holds another checkpoint"),
    (swapped, "somebody else changed the last signed checkpoint"),
]


@pytest.mark.parametrize(("change", "said"), WHILE_RUNNING, ids=lambda one: getattr(one, "__name__", ""))
def test_what_freezes_a_running_ledger_names_no_paths(
    path: Path, tmp_path: Path, change: Callable[[Ledger, Path, Path], None], said: str
) -> None:
    """The same while it runs."""
    folder = tmp_path / "anchors"
    folder.mkdir()
    with signed_ledger(path, anchor_folder=folder) as ledger:
        append(ledger.store, draft("a", x=1))
        ledger.notary.covering(1, 30)
        change(ledger, path, folder)
        assert said in (ledger.store.failure or "")
        assert str(tmp_path) not in (ledger.store.failure or "")


def test_a_disk_that_refuses_the_checkpoint_is_told_without_its_path(path: Path, tmp_path: Path) -> None:
    """What the system says stands in the reason, the name of the file does not."""
    with signed_ledger(path) as ledger:
        failures: list[BaseException] = []
        ledger.notary._fatal = failures.append
        draft_of_note = beside(path)[1].with_name(beside(path)[1].name + ".new")
        draft_of_note.mkdir()  # in the way of the file that is to be renamed
        append(ledger.store, draft("a"))
        with pytest.raises(UnavailableError):
            ledger.notary.covering(1, 30)
        reason = ledger.store.failure or ""
    assert len(failures) == 1
    assert reason.startswith("the signed checkpoint cannot be kept (IsADirectoryError: Is a directory")
    assert str(tmp_path) not in reason


async def test_no_answer_of_a_frozen_ledger_names_a_path(path: Path, tmp_path: Path) -> None:
    """Neither health nor proofs, which anybody may ask for, nor an append."""
    async with proofd(path) as client:
        await client.post("/append", json=payload("a"))
    beside(path)[1].unlink()
    async with proofd(path) as client:
        async with httpx.AsyncClient(base_url=client.base_url) as anybody:
            answers = [
                await anybody.get(route) for route in ("/healthz", "/checkpoint", "/proof/inclusion?seq=0&size=1")
            ]
        answers.append(await client.post("/append", json=payload("b")))
    for answer in answers:
        detail = assert_problem(answer, 503)["detail"]
        assert "the last signed checkpoint is not in its place" in detail
        assert str(tmp_path) not in detail
