"""Verification finds the first bad entry and says why."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proof.errors import BrokenChainError
from proof.format.chain import Head, StoredEntry, StoredPart, verify_chain
from proof.format.entry import decode_entry, encode_entry, leaf_hash
from tests.proof.samples import LOG, chain, stored

CHAIN = chain(5)


def first_bad(entries: list[StoredEntry], anchors: dict[int, str] | None = None) -> tuple[int | None, str]:
    """Return seq and code of the refusal of ``entries``."""
    with pytest.raises(BrokenChainError) as caught:
        verify_chain(LOG, entries, anchors)
    return caught.value.seq, caught.value.code


def with_entry(index: int, entry: StoredEntry) -> list[StoredEntry]:
    """Return the sound chain with one entry replaced."""
    return [*CHAIN[:index], entry, *CHAIN[index + 1 :]]


def test_a_sound_chain_has_a_head() -> None:
    """Height, last leaf and size are returned; an empty chain has the log id as its head."""
    size = sum(len(entry.body) + sum(len(part.data or b"") for part in entry.parts) for entry in CHAIN)
    assert verify_chain(LOG, CHAIN, {3: CHAIN[2].leaf.hex()}) == Head(5, CHAIN[4].leaf.hex(), size)
    assert verify_chain(LOG, []) == Head(0, LOG, 0)


@pytest.mark.parametrize("index", range(5))
def test_a_changed_byte_is_found_where_it_is(index: int) -> None:
    """Every byte of every body, flipped, makes that entry the first bad one."""
    entry = CHAIN[index]
    for position in range(len(entry.body)):
        body = bytearray(entry.body)
        body[position] ^= 1
        assert first_bad(with_entry(index, replace(entry, body=bytes(body)))) == (index, "leaf")


@pytest.mark.parametrize("index", range(4))
def test_a_rewritten_entry_breaks_the_next_link(index: int) -> None:
    """An entry rewritten together with its leaf hash is sound by itself; the next one does not follow it."""
    other = stored(index, CHAIN[index - 1].leaf.hex() if index else LOG, kind="override")
    assert first_bad(with_entry(index, other)) == (index + 1, "prev")


def test_a_rewritten_tail_needs_an_anchor() -> None:
    """The last entry rewritten is a valid chain; only a head known from elsewhere tells."""
    forged = with_entry(4, stored(4, CHAIN[3].leaf.hex(), kind="override"))
    assert verify_chain(LOG, forged).height == 5
    assert first_bad(forged, {5: CHAIN[4].leaf.hex()}) == (4, "head")


@pytest.mark.parametrize("index", range(5))
def test_a_missing_entry_is_named(index: int) -> None:
    """A removed entry is the first bad seq, the last one too if the height is known."""
    assert first_bad([*CHAIN[:index], *CHAIN[index + 1 :]], {5: CHAIN[4].leaf.hex()}) == (index, "missing")


@given(st.permutations(range(5)).filter(lambda order: order != sorted(order)))
def test_any_other_order_is_refused(order: list[int]) -> None:
    """The first entry out of its place is the first bad one."""
    expected = next(seq for seq, index in enumerate(order) if seq != index)
    assert first_bad([CHAIN[index] for index in order])[0] == expected


def test_an_inserted_entry_is_found() -> None:
    """An entry that stands twice, or one put in between with later numbers moved, is found at its place."""
    assert first_bad([*CHAIN[:2], CHAIN[1], *CHAIN[2:]]) == (2, "seq")
    moved = [replace(entry, seq=entry.seq + 1) for entry in CHAIN[2:]]
    inserted = stored(2, CHAIN[1].leaf.hex(), idem="new")
    assert first_bad([*CHAIN[:2], inserted, *moved]) == (3, "seq")


def test_an_entry_of_another_log_is_found() -> None:
    """Entries of another log cannot be spliced in, even where everything else fits."""
    assert first_bad(with_entry(2, stored(2, CHAIN[1].leaf.hex(), log="0" * 64))) == (2, "log")


def test_a_reused_key_is_found() -> None:
    """Two entries with one idempotency key are a broken ledger."""
    assert first_bad(with_entry(4, stored(4, CHAIN[3].leaf.hex(), idem="key-1"))) == (4, "idem")


def test_a_wrong_copy_of_the_key_is_found() -> None:
    """The key beside the entry, by which it is looked up, must be the one inside it."""
    assert first_bad(with_entry(2, replace(CHAIN[2], idem="key-9"))) == (2, "idem")


def test_an_entry_under_another_number_is_found() -> None:
    """A body that states another seq than its row is found."""
    assert first_bad(with_entry(2, replace(stored(3, CHAIN[1].leaf.hex()), seq=2))) == (2, "seq")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [(b'"v":1', b'"v": 1', "non_canonical"), (b'"v":1', b'"v":1,"w":1', "format"), (b'"v":1}', b'"v":1', "format")],
)
def test_bytes_out_of_form_are_found(old: bytes, new: bytes, code: str) -> None:
    """Bytes with a right leaf hash that are not the canonical form of an entry are found."""
    body = CHAIN[2].body.replace(old, new)
    assert first_bad(with_entry(2, replace(CHAIN[2], body=body, leaf=leaf_hash(body)))) == (2, code)


@pytest.mark.parametrize(
    "parts",
    [
        (),
        (StoredPart("action", CHAIN[2].parts[0].salt, b'{"n":3}'),),
        (StoredPart("action", b"\0" * 32, CHAIN[2].parts[0].data),),
        (StoredPart("action", b"", CHAIN[2].parts[0].data),),
        (StoredPart("action", None, CHAIN[2].parts[0].data),),
        (StoredPart("action", CHAIN[2].parts[0].salt, None),),
        (replace(CHAIN[2].parts[0], name="other"),),
        (CHAIN[2].parts[0], CHAIN[2].parts[0]),
        (*CHAIN[2].parts, StoredPart("more", None, None)),
    ],
    ids=repr,
)
def test_parts_must_be_what_the_entry_commits_to(parts: tuple[StoredPart, ...]) -> None:
    """A part that is missing, changed, renamed, doubled, added or half erased is found at its entry."""
    assert first_bad(with_entry(2, replace(CHAIN[2], parts=parts))) == (2, "part")


def test_an_erased_part_leaves_a_sound_chain() -> None:
    """Data and salt of a part can go; the chain and its size stay."""
    erased = replace(CHAIN[2], parts=(StoredPart("action", None, None),))
    assert verify_chain(LOG, with_entry(2, erased)) == verify_chain(LOG, CHAIN)


@pytest.mark.parametrize("size", [0, 6, 8])
def test_the_stated_size_must_be_true(size: int) -> None:
    """An entry that states another length than its parts have is found; after an erasure it may only be larger."""
    lying = stored(4, CHAIN[3].leaf.hex(), size=size)
    assert first_bad(with_entry(4, lying)) == (4, "bytes")


def test_the_entry_survives_reading_and_writing() -> None:
    """What verification reads encodes to the stored bytes again."""
    for entry in CHAIN:
        assert encode_entry(decode_entry(entry.body)) == entry.body
