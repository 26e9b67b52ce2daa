"""Exports that somebody rewrote with care, every hash and the manifest made anew: what the signature still shows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from proof.format.chain import StoredEntry, StoredPart
from proof.format.checkpoint import Checkpoint, sign_checkpoint
from proof.format.entry import Entry, encode_entry, leaf_hash, part_commitment
from proof.format.merkle import EMPTY_ROOT, TreeHead
from tests.proof.samples import LOG
from tests.proof.verifier.building import (
    KEY,
    NEXT,
    STRANGER,
    Ledger,
    judge,
    remake_manifest,
    signing_key,
    sound,
    verdict,
)


def ten() -> Ledger:
    """Return a ledger of ten entries, signed at 4 and 10."""
    ledger = Ledger()
    for seq in range(10):
        ledger.add(f"key-{seq}", parts={"action": {"n": seq}})
        if seq in {3, 9}:
            ledger.sign()
    return ledger


def rewritten(ledger: Ledger, seq: int) -> Ledger:
    """Return the ledger with another entry ``seq`` and every later hash made anew; its checkpoints are the old ones."""
    forged = Ledger(notes=dict(ledger.notes))
    for number in range(len(ledger.entries)):
        forged.add(f"key-{number}", parts={"action": {"n": -1 if number == seq else number}})
    return forged


@pytest.mark.parametrize("seq", range(10))
def test_a_rewritten_history_is_found(tmp_path: Path, seq: int) -> None:
    """A chain that is sound by itself, with another entry in it: at the first entry after the last checkpoint that holds."""
    forged = rewritten(ten(), seq).forge(tmp_path / "export")
    assert verdict(forged) == (1, 0 if seq < 4 else 4, "root")
    assert "4 to 9" in judge(forged)["reason"] or seq < 4


def test_an_entry_changed_without_the_later_ones_is_found_where_they_part(tmp_path: Path) -> None:
    """Entry and kept hash changed, the next entry not: it is the next that does not follow."""
    ledger = ten()
    ledger.entries[5] = rewritten(ten(), 5).entries[5]
    assert verdict(ledger.forge(tmp_path / "export")) == (1, 6, "prev")


@pytest.mark.parametrize("height", range(10))
def test_a_cut_end_is_found_while_its_checkpoint_is_there(tmp_path: Path, height: int) -> None:
    """A checkpoint over more entries than there are: the log was longer."""
    ledger = ten()
    del ledger.entries[height:]
    assert verdict(ledger.forge(tmp_path / "export")) == (1, height, "missing")


def test_a_cut_end_with_its_checkpoint_is_found_by_whoever_kept_one(tmp_path: Path) -> None:
    """Cut back to an older checkpoint the log is sound; one kept elsewhere shows that it went on."""
    ledger = ten()
    kept = tmp_path / "kept.note"
    kept.write_bytes(ledger.notes.pop(10))
    del ledger.entries[4:]
    cut = ledger.forge(tmp_path / "export")
    assert verdict(cut)[0] == 0
    assert verdict(cut, "--against", str(kept)) == (1, 4, "missing")


def test_a_cut_end_without_checkpoints_is_unproven(tmp_path: Path) -> None:
    """Nothing signed, or entries after the last checkpoint: not tampered with as far as one can see, and not proven."""
    ledger = ten()
    tail = Ledger(ledger.entries, {4: ledger.notes[4]}).forge(tmp_path / "tail")
    assert verdict(tail)[0] == 3
    assert "from 4 on" in judge(tail)["reason"]
    assert verdict(Ledger(ledger.entries).forge(tmp_path / "bare"))[0] == 3


def test_a_fork_is_found_by_whoever_kept_a_checkpoint(tmp_path: Path) -> None:
    """The holder of the key signs another history: sound by itself, refuted by a checkpoint kept elsewhere."""
    kept = tmp_path / "kept.note"
    kept.write_bytes(ten().notes[10])
    fork = Ledger()
    for seq in range(12):
        fork.add(f"other-{seq}")
    fork.sign()
    export = fork.forge(tmp_path / "export")
    assert verdict(export)[0] == 0
    assert verdict(export, "--against", str(kept)) == (1, 0, "root")
    anchored = fork.forge(tmp_path / "anchored", anchors={"git.note": ten().notes[10], "slack.json": b"{}"})
    assert verdict(anchored) == (1, 0, "root")


def test_what_was_kept_and_fits_is_accepted(tmp_path: Path) -> None:
    """Older checkpoints of the same history, given by hand or as anchors, change nothing."""
    ledger = ten()
    kept = tmp_path / "kept.note"
    kept.write_bytes(ledger.sign(size=7))
    del ledger.notes[7]
    export = ledger.forge(tmp_path / "export", anchors={"git.note": ledger.notes[4], "slack.json": b"not read"})
    assert verdict(export, "--against", str(kept))[0] == 0


def test_another_key_is_not_trusted(tmp_path: Path) -> None:
    """A history signed by somebody else holds nothing, whatever is kept beside it; nor does one old checkpoint of theirs."""
    ledger = ten()
    ledger.notes.clear()
    ledger.sign(STRANGER)
    assert verdict(ledger.forge(tmp_path / "all")) == (1, None, "checkpoint")
    ledger.sign()
    ledger.sign(STRANGER, size=3)
    assert verdict(ledger.forge(tmp_path / "one")) == (1, None, "checkpoint")


def test_a_false_signature_beside_a_true_one_is_refused(tmp_path: Path) -> None:
    """Signatures of unknown keys are ignored; one under a trusted name and id must be true."""
    ledger = ten()
    note = ledger.sign(KEY, STRANGER)
    assert verdict(ledger.forge(tmp_path / "ignored"))[0] == 0
    lines = note.decode().splitlines(keepends=True)
    wrong = ledger.sign(KEY, size=4).decode().splitlines(keepends=True)[-1]
    ledger.sign(KEY, size=4)
    ledger.notes[10] = "".join([*lines, wrong]).encode()
    assert verdict(ledger.forge(tmp_path / "refused")) == (1, None, "checkpoint")


def with_parts(ledger: Ledger, seq: int, *more: StoredPart, parts: tuple[StoredPart, ...] | None = None) -> None:
    """Give an entry other parts than it names."""
    stored = ledger.entries[seq]
    ledger.entries[seq] = replace(stored, parts=(*(stored.parts if parts is None else parts), *more))


CHANGES: dict[str, tuple[Callable[[Ledger], object], int, str]] = {
    "number": (lambda ledger: ledger.add("x", seq=9), 6, "seq"),
    "log": (lambda ledger: ledger.add("x", log="0" * 64), 6, "log"),
    "prev": (lambda ledger: ledger.add("x", prev="0" * 64), 6, "prev"),
    "same idem": (lambda ledger: ledger.add("four"), 6, "idem"),
    "key": (lambda ledger: ledger.add("x", key=NEXT.verifier.id), 6, "key"),
    "no key": (lambda ledger: ledger.add("x", key="none"), 6, "key"),
    "too long": (lambda ledger: ledger.add("x", parts={"a": 1}, size=2), 6, "bytes"),
    "too short": (lambda ledger: ledger.add("x", parts={"a": 10}, size=1), 6, "bytes"),
    "no part": (lambda ledger: with_parts(ledger, 5, parts=()), 5, "part"),
    "another part": (lambda ledger: with_parts(ledger, 5, StoredPart("c", b"s" * 32, b"1")), 6, "missing"),
    "destroyed part": (lambda ledger: ledger.erase(3, "result", recorded=False), 3, "erased"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_what_a_signed_ledger_may_not_hold(tmp_path: Path, name: str) -> None:
    """Entries that the log itself signed but that its format forbids are refused all the same."""
    ledger = sound()
    ledger.notes.clear()
    change, seq, code = CHANGES[name]
    change(ledger)
    ledger.sign()
    assert verdict(ledger.forge(tmp_path / "export")) == (1, seq, code)


def test_an_erasure_must_be_recorded_later(tmp_path: Path) -> None:
    """An entry that records an erasure before the part was even written covers nothing."""
    ledger = Ledger()
    ledger.add("part.erased/1/a", "part.erased")
    ledger.add("one", parts={"a": 1})
    ledger.erase(1, "a", recorded=False)
    ledger.sign()
    assert verdict(ledger.forge(tmp_path / "export")) == (1, 1, "erased")


FORMS = {
    "spaces": (b'"bytes":', b'"bytes": '),
    "order": (b'"seq":0,"v":1}', b'"v":1,"seq":0}'),
    "twice": (b'"v":1}', b'"v":1,"v":1}'),
    "version": (b'"v":1}', b'"v":2}'),
    "more": (b'"v":1}', b'"v":1,"w":1}'),
    "zero": (b'"seq":0', b'"seq":00'),
    "minus": (b'"seq":0', b'"seq":-0'),
    "exponent": (b'"seq":0', b'"seq":0e0'),
    "text": (b'"seq":0', b'"seq":"0"'),
    "large": (b'"bytes":0', b'"bytes":9007199254740992'),
    "escape": (b'"idem":"a"', b'"idem":"\\u0061"'),
    "solidus": (b'"idem":"a"', b'"idem":"\\/"'),
    "unicode escape": (b'"idem":"a"', b'"idem":"\\u00e9"'),
    "long escape": (b'"idem":"a"', b'"idem":"\\u000a"'),
    "capital escape": (b'"idem":"a"', b'"idem":"\\u001F"'),
    "empty": (b'"idem":"a"', b'"idem":""'),
    "surrogate": (b'"idem":"a"', b'"idem":"\xed\xa0\x80"'),
    "overlong": (b'"idem":"a"', b'"idem":"\xc1\x81"'),
    "latin": (b'"idem":"a"', b'"idem":"\xe9"'),
    "control": (b'"idem":"a"', b'"idem":"\t"'),
    "capital hash": (b'"parts":{}', b'"parts":{"a":"' + b"A" * 64 + b'"}'),
    "capital name": (b'"parts":{}', b'"parts":{"A":"' + b"a" * 64 + b'"}'),
    "wrong order": (b'"parts":{}', b'"parts":{"b":"' + b"a" * 64 + b'","a":"' + b"a" * 64 + b'"}'),
    "same name": (b'"parts":{}', b'"parts":{"a":"' + b"a" * 64 + b'","a":"' + b"a" * 64 + b'"}'),
    "time": (b'000000Z"', b'000000+00:00"'),
    "size": (b'"idem":"a"', b'"idem":"' + b"a" * 65_535 + b'"'),
}


@pytest.mark.parametrize("name", FORMS)
def test_every_other_way_to_write_an_entry_is_refused(tmp_path: Path, name: str) -> None:
    """The bytes were hashed, chained and signed, but they are not the one form of an entry."""
    ledger = Ledger()
    stored = ledger.add("a")
    before, after = FORMS[name]
    assert before in stored.body
    body = stored.body.replace(before, after)
    ledger.entries[0] = replace(stored, body=body, leaf=leaf_hash(body))
    ledger.sign()
    export = ledger.forge(tmp_path / "export")
    assert verdict(export) == (1, 0, "format")
    assert verdict(export, "--strict")[:2] == (1, 0)


def test_the_longest_entry_is_taken(tmp_path: Path) -> None:
    """65,535 bytes are an entry."""
    ledger = Ledger()
    short = len(ledger.add("a").body)
    ledger.entries.clear()
    assert len(ledger.add("a" * (65_535 - short + 1)).body) == 65_535
    ledger.sign()
    assert verdict(ledger.write(tmp_path / "export"), "--strict")[0] == 0


def test_a_part_in_another_form_is_found_in_strict_mode(tmp_path: Path) -> None:
    """Data that were committed to hold; that they are not in their RFC 8785 form is what strict mode adds."""
    ledger, salt, data = Ledger(), b"s" * 32, b"[1, 2]"
    entry = Entry(
        LOG, 0, LOG, "a", "command", "2026-01-31T12:00:00.000000Z", {"a": part_commitment(salt, "a", data)}, 6
    )
    body = encode_entry(entry)
    ledger.entries.append(StoredEntry(0, "a", leaf_hash(body), body, (StoredPart("a", salt, data),)))
    ledger.sign()
    export = ledger.forge(tmp_path / "export")
    assert verdict(export)[0] == 0
    assert verdict(export, "--strict") == (1, 0, "part")


def test_a_checkpoint_is_where_its_size_says(tmp_path: Path) -> None:
    """A true checkpoint under the name of another size, and one of another origin, are refused."""
    export = ten().forge(tmp_path / "export")
    notes = export / "checkpoints"
    (notes / f"{4:020d}.note").rename(notes / f"{5:020d}.note")
    remake_manifest(export)
    assert verdict(export) == (1, None, "checkpoint")
    other = sign_checkpoint(
        Checkpoint("example.org/other", TreeHead(0, EMPTY_ROOT)), [signing_key(1, "example.org/other")]
    )
    foreign = ten()
    foreign.notes[0] = other.encode()
    assert verdict(foreign.forge(tmp_path / "foreign")) == (1, None, "checkpoint")


def test_an_empty_ledger_can_be_verified(tmp_path: Path) -> None:
    """No entries and a checkpoint over none: the manifest alone says which log it is."""
    ledger = Ledger()
    ledger.sign()
    export = ledger.write(tmp_path / "export")
    assert verdict(export, "--strict")[0] == 0
    assert verdict(export, "--max-age", "9d")[0] == 3
    (export / "manifest.json").write_bytes((export / "manifest.json").read_bytes().replace(b'"log":"', b'"log":"x'))
    assert verdict(export) == (1, None, "manifest")
