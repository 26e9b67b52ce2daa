"""An export is taken in by every store, whole or not at all, and goes on there as the same ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof.errors import BrokenChainError, StartError
from proof.exporting.importing import import_export
from proof.format.entry import log_id
from proof.store import LogIdentity
from tests.proof.contract.houses import House
from tests.proof.samples import IDENTITY, ORIGIN, append, draft
from tests.proof.verifier.building import KEY, Ledger, sound


def take_in(house: House, export: Path) -> int:
    """Import and return the height."""
    note = house.path.with_name("taken.note")
    return import_export(export, house.dsn, IDENTITY, [KEY.verifier], note).height


def many() -> Ledger:
    """Return a ledger of more than two batches."""
    ledger = Ledger()
    for number in range(1203):
        ledger.add(f"key-{number}", parts={"action": {"n": number}})
    ledger.sign()
    return ledger


@pytest.mark.parametrize("make", [sound, many], ids=["everything", "many"])
def test_what_is_taken_in_is_the_same_ledger(house: House, tmp_path: Path, make: object) -> None:
    """Entries, salts, erasures and checkpoints; it verifies and goes on with the next number."""
    original = sound() if make is sound else many()
    assert take_in(house, original.write(tmp_path / "export")) == len(original.entries)
    assert house.path.with_name("taken.note").read_bytes() == original.notes[len(original.entries)]
    with house.opened() as store:
        assert store.verify().ok
        assert store.entries(0, 5000) == original.entries
        assert {one.size: one.note for one in store.checkpoints()} == original.notes
        assert append(store, draft("new")).seq == len(original.entries)


def test_what_does_not_hold_leaves_an_empty_ledger(house: House, tmp_path: Path) -> None:
    """Found while it is read the first time or the second: nothing is there afterwards."""
    export = many().write(tmp_path / "export")
    parts = export / "parts.jsonl"
    content = parts.read_bytes()
    parts.write_bytes(content.replace(b'{"n":1100}', b'{"n":1101}'))
    with pytest.raises(BrokenChainError) as caught:
        take_in(house, export)
    assert caught.value.seq == 1100
    parts.write_bytes(content)

    def exchange(count: int) -> None:
        if count == 1203:  # the end of the first pass
            parts.write_bytes(content.replace(b'{"n":1100}', b'{"n":1101}'))

    with pytest.raises(BrokenChainError):
        import_export(export, house.dsn, IDENTITY, [KEY.verifier], tmp_path / "taken.note", exchange)
    with house.opened() as store:
        assert store.head.height == 0


def test_what_is_refused_leaves_no_name(house: House, tmp_path: Path) -> None:
    """After a try with a wrong PROOF_SALT the place takes the ledger in under the right one."""
    export = sound().write(tmp_path / "export")
    other = LogIdentity(ORIGIN, log_id(ORIGIN, b"mistyped"))
    with pytest.raises(BrokenChainError, match="log"):
        import_export(export, house.dsn, other, [KEY.verifier], tmp_path / "taken.note")
    assert take_in(house, export) == len(sound().entries)


def test_a_ledger_with_entries_takes_nothing_in(house: House, tmp_path: Path) -> None:
    """Neither while it is open, nor afterwards."""
    export = sound().write(tmp_path / "export")
    with house.opened() as store:
        append(store, draft("mine"))
        with pytest.raises(StartError, match="open in another proofd"):
            take_in(house, export)
    with pytest.raises(StartError, match="not empty"):
        take_in(house, export)
    with house.opened() as store:
        assert store.head.height == 1
