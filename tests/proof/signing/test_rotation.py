"""One key takes over from another: recorded under the old one, signed by both, and finished when somebody says so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from proof.errors import BrokenChainError, SignatureError, StartError
from proof.format.chain import check_entry, verify_chain
from proof.format.checkpoint import open_checkpoint
from proof.format.entry import Entry
from proof.signing.keyfile import KeyRing, add_key, drop_old_keys, read_keys
from proof.sqlite.verification import verify_file
from proof.store import beside
from tests.proof.samples import LOG, ORIGIN, append, chain, draft, signed_ledger, stored

if TYPE_CHECKING:
    from proof.store import LedgerStore

OLD, NEW, THIRD = "n+00000001", "n+00000002", "n+00000003"


def entry(store: LedgerStore, seq: int) -> Entry:
    """Return an entry that is there."""
    found = store.entry(seq)
    assert found is not None
    return check_entry(found, LOG)


def opens(note: bytes, ring: KeyRing) -> list[bool]:
    """Tell for each key of the ring whether it alone opens the checkpoint."""
    found = []
    for key in ring.verifiers:
        try:
            open_checkpoint(note, ORIGIN, [key])
        except SignatureError:
            found.append(False)
        else:
            found.append(True)
    return found


def test_entries_name_the_key_in_force(path: Path) -> None:
    """The first entry already names the key that signs."""
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("a"))
        assert entry(ledger.store, 0).key == ledger.notary.ring.newest.verifier.id


def test_a_rotation_from_beginning_to_end(path: Path) -> None:
    """A new key in the file: an entry under the old key, both keys sign, later entries name the new one; then it is alone."""
    key_file = beside(path)[0]
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("a"))
    both = add_key(key_file, ORIGIN, "a laptop was lost")
    old, new = both.verifiers
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("b"))
        rotation = entry(ledger.store, 1)
        assert (rotation.kind, rotation.key, rotation.idem) == ("key.rotated", old.id, f"key.rotated/{new.id}")
        found = ledger.store.entry(1)
        assert found is not None
        (part,) = found.parts
        assert part.name == "rotation"
        assert json.loads(part.data or b"") == {
            "type": "key.rotated",
            "old_vkey": str(old),
            "new_vkey": str(new),
            "reason": "a laptop was lost",
        }
        assert entry(ledger.store, 2).key == new.id
        assert opens(ledger.notary.covering(3, 10).note, both) == [True, True]
        kept = ledger.store.checkpoints()
        assert opens(next(one.note for one in kept if one.size == 2), both) == [True, True]
    with signed_ledger(path) as ledger:
        assert ledger.store.head.height == 3
    after = drop_old_keys(key_file, ORIGIN)
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("c"))
        assert opens(ledger.notary.covering(4, 10).note, both) == [False, True]
        assert entry(ledger.store, 3).key == after.newest.verifier.id
        assert ledger.store.verify().ok
    assert verify_file(path, LOG).key == new.id


def test_an_interrupted_rotation_goes_on(path: Path) -> None:
    """Killed right after the rotation entry, with the checkpoint still of the old key, the next start goes on with the new."""
    key_file, note = beside(path)
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("a"))
    before = note.read_bytes()
    new = add_key(key_file, ORIGIN, "").newest.verifier
    with signed_ledger(path):
        pass
    note.write_bytes(before)
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("b"))
        assert [entry(ledger.store, seq).kind for seq in range(3)] == ["command", "key.rotated", "command"]
        assert entry(ledger.store, 2).key == new.id


def test_an_old_key_does_not_come_back(path: Path) -> None:
    """A key that was in force before cannot be rotated to: its entry is there already."""
    key_file = beside(path)[0]
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("a"))
    add_key(key_file, ORIGIN, "")
    with signed_ledger(path):
        pass
    drop_old_keys(key_file, ORIGIN)
    second = key_file.read_text()
    third = add_key(key_file, ORIGIN, "").newest.verifier
    with signed_ledger(path):
        pass
    key_file.write_text(key_file.read_text().removeprefix(second) + second)
    with pytest.raises(StartError, match="was in force before"), signed_ledger(path):
        pass
    assert verify_file(path, LOG).key == third.id


def test_keys_may_be_skipped(path: Path) -> None:
    """Two new keys at once: the last one takes over, all sign."""
    key_file = beside(path)[0]
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("a"))
    add_key(key_file, ORIGIN, "")
    other = path.with_name("other.key")
    other.write_text(key_file.read_text())
    drop_old_keys(other, ORIGIN)
    add_key(other, ORIGIN, "")
    first = key_file.read_text()[: key_file.read_text().index("-----END PRIVATE KEY-----") + 26]
    key_file.write_text(first + other.read_text())
    ring = read_keys(key_file, ORIGIN)
    with signed_ledger(path) as ledger:
        assert ledger.store.key == ring.newest.verifier.id
        assert opens(ledger.notary.covering(2, 10).note, ring) == [True, True, True]


def test_an_unused_ledger_needs_no_rotation(path: Path) -> None:
    """Before the first entry no key was in force: the newest one begins."""
    with signed_ledger(path):
        pass
    add_key(beside(path)[0], ORIGIN, "")
    with signed_ledger(path) as ledger:
        assert ledger.store.head.height == 0
        append(ledger.store, draft("a"))
        assert entry(ledger.store, 0).key == ledger.notary.ring.newest.verifier.id


def links(*keys: tuple[str, dict[str, Any]]) -> str | None:
    """Return the code with which a chain of entries with these keys is refused, or None."""
    entries = chain(1)
    for key, more in keys:
        entries.append(stored(len(entries), entries[-1].leaf.hex(), key=key, **more))
    try:
        verify_chain(LOG, entries)
    except BrokenChainError as error:
        return error.code
    return None


def test_the_key_changes_only_by_a_rotation() -> None:
    """From none to a first key, and then only after an entry that names the new one; never back to none."""
    turn = {"kind": "key.rotated", "idem": f"key.rotated/{NEW}"}
    assert links((OLD, {}), (OLD, {})) is None
    assert links((OLD, turn), (NEW, {}), (NEW, {})) is None
    assert links((OLD, {}), (NEW, {})) == "key"
    assert links((OLD, {}), ("none", {})) == "key"
    assert links((OLD, turn), (OLD, {})) == "key"
    assert links((OLD, turn), (THIRD, {})) == "key"
    assert links(("none", turn), ("none", {}), (THIRD, {})) is None


def test_the_key_in_force_is_not_dropped(path: Path) -> None:
    """A rotation that proofd has not taken up cannot be finished: the file stays, and the ledger starts and goes on."""
    key_file, note = beside(path)
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("a"))
    add_key(key_file, ORIGIN, "")
    before = key_file.read_bytes()
    with pytest.raises(StartError, match="is not in force yet"):
        drop_old_keys(key_file, ORIGIN, note.read_bytes())
    assert key_file.read_bytes() == before
    with signed_ledger(path) as ledger:
        append(ledger.store, draft("b"))
    drop_old_keys(key_file, ORIGIN, note.read_bytes())
    with signed_ledger(path) as ledger:
        assert ledger.store.head.height == 3
