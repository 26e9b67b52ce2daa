"""``lumen proof erase``: a part goes, an entry says so, and nobody who verifies objects."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from proof.format.entry import log_id
from proof.ledger import open_ledger
from proof.store import LogIdentity
from tests.cli.conftest import Lumen
from tests.proof.samples import append, draft, places, unexpected

ORIGIN = "lumen.local/ledger"
IDENTITY = LogIdentity(ORIGIN, log_id(ORIGIN, b""))


@pytest.fixture
def ledger(clean_place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of a ledger with one entry, which the environment names, while nothing runs."""
    monkeypatch.setenv("LUMEN_DATA_DIR", str(clean_place))
    path = clean_place / "proof.db"
    opened = open_ledger(f"sqlite:///{path}", IDENTITY, places(path), CollectorRegistry(), unexpected)
    append(opened.store, draft("a", approval={"actor": "alice@example.com"}))
    opened.close()
    return path


def test_a_part_is_erased(lumen: Lumen, ledger: Path) -> None:
    """The entry that records it is named, for people and for programs; a second time changes nothing."""
    ran = lumen("proof", "erase", "0", "approval", "--reason", "on request")
    assert (ran.code, ran.out.count("\n")) == (0, 1)
    assert "entry 1 records it" in ran.out
    again = lumen("proof", "erase", "0", "approval", "--reason", "on request", "--json").document
    assert (again["seq"], again["duplicate"]) == (1, True)
    assert b"alice@example.com" not in ledger.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(("7", "approval"), "no entry 7; the ledger holds 1"), (("0", "claim"), "no part 'claim'; it has: approval")],
)
def test_what_is_not_there_is_one_line(lumen: Lumen, ledger: Path, arguments: tuple[str, str], said: str) -> None:
    """With what there is, exit code 1, and the ledger as it was."""
    before = ledger.read_bytes()
    ran = lumen("proof", "erase", *arguments, "--reason", "x")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert said in ran.err
    assert ledger.read_bytes() == before


def test_where_no_ledger_is_none_is_made(lumen: Lumen, clean_place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A place that was mistyped is told, and left as it was: an empty ledger there would look like a lost one."""
    monkeypatch.setenv("PROOF_DSN", f"sqlite:///{clean_place}/other.db")
    before = sorted(clean_place.rglob("*"))
    ran = lumen("proof", "erase", "0", "approval", "--reason", "x")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "no ledger" in ran.err
    assert sorted(clean_place.rglob("*")) == before


def test_a_reason_is_needed(lumen: Lumen, ledger: Path) -> None:
    """Nobody erases without saying why."""
    assert lumen("proof", "erase", "0", "approval").code == 2
