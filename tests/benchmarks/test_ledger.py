"""The figures of the ledger: that each one comes out, over a ledger that holds. Not how fast."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

import pytest

from benchmarks import ledger
from benchmarks.ledger_entries import IDENTITY, BareInserts, posted
from benchmarks.ledger_offline import verify, write_exports
from benchmarks.machine import resident_mb
from benchmarks.report import Figure
from benchmarks.sizes import FULL, QUICK
from proof.signing.keyfile import create_keys

TINY = dataclasses.replace(QUICK, rounds=2, ledger_seconds=0.02, ledger_rounds=2, ledger_turns=2, exports=(3, 20))
STORE = ("store, 1 client", "store, 16 clients")
HTTP = ("HTTP, 1 client", "HTTP, 16 clients")


@pytest.fixture(scope="module")
def figures() -> dict[tuple[str, str], Figure]:
    """Measure everything once, in tiny sizes."""
    return {(one.case, one.measure): one for one in ledger.measure(TINY)}


def test_every_figure_of_the_ledger_is_measured(figures: dict[tuple[str, str], Figure]) -> None:
    """Appends, batches, the cost of signing, HTTP, and both verifications, each a positive number in every round."""
    signing = [
        (f"signed by unsigned, {arm}", "time of an append") for arm in ("1 client", "16 clients", "batches of 100")
    ]
    offline = [
        (f"offline verification, {count} entries", measured)
        for count in (3, 20)
        for measured in ("time", "peak memory")
    ]
    expected = {(case, measured) for case in (*STORE, *HTTP) for measured in ("rate", "p50", "p99")}
    expected |= {("store, batches of 100", "rate"), ("incremental verification, 1000 new entries", "time")}
    assert set(figures) == expected | set(signing) | set(offline)
    assert all(len(one.lumen) == 2 and min(one.lumen) > 0 for one in figures.values())


def test_every_append_stands_beside_the_bare_loop_of_its_round(figures: dict[tuple[str, str], Figure]) -> None:
    """A rate without the baseline of the same run says nothing about the program."""
    assert all(len(figures[case, "rate"].bare) == 2 for case in (*STORE, "store, batches of 100", *HTTP))


@pytest.mark.parametrize(
    ("case", "measured", "aim"),
    [
        ("store, 1 client", "rate", "ratio >= 0.6"),
        ("store, batches of 100", "rate", "lumen >= 10000"),
        ("store, 1 client", "p99", "lumen <= 10"),
        ("store, 16 clients", "p99", "lumen <= 10"),
        ("signed by unsigned, 1 client", "time of an append", "ratio <= 1.2"),
        ("signed by unsigned, 16 clients", "time of an append", "ratio <= 1.2"),
        ("signed by unsigned, batches of 100", "time of an append", "ratio <= 1.2"),
        ("incremental verification, 1000 new entries", "time", "lumen <= 100"),
        ("offline verification, 20 entries", "peak memory", "ratio <= 2"),
    ],
)
def test_the_aims_stand_beside_the_figures(
    figures: dict[tuple[str, str], Figure], case: str, measured: str, aim: str
) -> None:
    """Whoever reads a number sees what it should be."""
    assert figures[case, measured].document()["aims"] == [aim]


def test_the_full_size_verifies_a_million_entries() -> None:
    """The aim of thirty seconds is for that many; ten thousand and a hundred thousand show that memory stays flat."""
    assert FULL.exports == (10_000, 100_000, 1_000_000)


def test_an_append_has_about_a_kilobyte_and_a_key_of_its_own() -> None:
    """Otherwise the ledger would answer from an earlier entry, or the figures would be those of another size."""
    first, second = posted(), posted()
    assert first != second
    assert 1000 <= len(first) <= 1100


def test_the_bare_loop_is_as_durable_as_the_ledger(tmp_path: Path) -> None:
    """WAL and a sync with each commit; a baseline that does not wait for the disk would be no baseline."""
    with BareInserts(tmp_path / "bare.db") as bare:
        assert bare() == 1
        assert bare._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert bare._db.execute("PRAGMA synchronous").fetchone() == (2,)
        assert bare._db.execute("SELECT count(*) FROM entry").fetchone() == (1,)


def test_an_export_that_does_not_hold_is_no_figure(tmp_path: Path) -> None:
    """What is measured is a verification that ends well: one that stops early would be fast."""
    ring = create_keys(tmp_path / "key", IDENTITY.origin)
    exports = write_exports(tmp_path, ring, (2, 5))
    vkey = str(ring.newest.verifier)
    assert verify(exports[2], vkey).seconds > 0
    entries = exports[5] / "entries.jsonl"
    entries.write_bytes(entries.read_bytes().replace(b"action.started", b"action.sterted", 1))
    with pytest.raises(RuntimeError, match="TAMPERED: first bad seq 0"):
        verify(exports[5], vkey)


def test_the_peak_is_that_of_the_verifier_alone(tmp_path: Path) -> None:
    """What the system tells of a child includes its parent's memory at the fork, and would look flat at any size."""
    ring = create_keys(tmp_path / "key", IDENTITY.origin)
    exports = write_exports(tmp_path, ring, (2,))
    assert 1 < verify(exports[2], str(ring.newest.verifier)).memory < resident_mb(os.getpid())
