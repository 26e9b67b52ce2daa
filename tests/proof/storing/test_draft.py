"""What may be asked of the ledger."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given

from proof.errors import ProfileError, ReservedError
from proof.format.canonical import canonical_bytes
from proof.format.entry import MAX_ENTRY_BYTES, Entry, encode_entry
from proof.format.kinds import CLIENT_KINDS, KINDS, LEDGER_KINDS
from proof.storing.draft import MAX_PARTS, draft_of
from tests.proof.samples import LOG, json_data

GOOD: dict[str, Any] = {"idem": "k", "kind": "command", "parts": {}}


@given(json_data)
def test_a_part_is_any_json(data: Any) -> None:
    """Part data are taken whatever they are, and kept as canonical bytes."""
    made = draft_of({**GOOD, "parts": {"action": data}})
    assert made.parts == {"action": canonical_bytes(data)}


@pytest.mark.parametrize("kind", sorted(CLIENT_KINDS))
def test_every_kind_of_the_contract_is_taken(kind: str) -> None:
    """The kinds of the contract are all there are."""
    assert draft_of({**GOOD, "kind": kind}).kind == kind


@pytest.mark.parametrize("kind", sorted(LEDGER_KINDS))
def test_what_the_ledger_writes_cannot_be_asked_for(kind: str) -> None:
    """Nobody can ask for an entry that looks like a rotation or an erasure, nor take the key of one under another kind."""
    assert {"key.rotated", "part.erased"} == KINDS - CLIENT_KINDS == LEDGER_KINDS
    for change in ({"kind": kind}, {"idem": f"{kind}/1/approval"}, {"idem": f"{kind}/"}, {"idem": kind}):
        with pytest.raises(ReservedError, match="the ledger itself"):
            draft_of({**GOOD, **change})
    assert draft_of({**GOOD, "idem": f"{kind}2/1"}).idem == f"{kind}2/1"


@pytest.mark.parametrize("idem", ["k" * 512, "키/1", "alert-a b:c_d.e~", "😀" * 512])
def test_printable_keys_are_taken(idem: str) -> None:
    """Up to 512 printable characters of any script make a key."""
    assert draft_of({**GOOD, "idem": idem}).idem == idem


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"idem": ""}, "idem"),
        ({"idem": "k" * 513}, "idem"),
        ({"idem": 1}, "idem"),
        ({"idem": None}, "idem"),
        ({"idem": "a\x00"}, "idem"),
        ({"idem": "a\nb"}, "idem"),
        ({"idem": "a\x7f"}, "idem"),
        ({"idem": "a\u202eb"}, "idem"),
        ({"idem": "\ud800"}, "idem"),
        ({"kind": "other"}, "kind"),
        ({"kind": ["command"]}, "kind"),
        ({"kind": None}, "kind"),
        ({"parts": []}, "parts"),
        ({"parts": None}, "parts"),
        ({"parts": {"A": 1}}, "parts"),
        ({"parts": {"": 1}}, "parts"),
        ({"parts": {"a\n": 1}}, "parts"),
        ({"parts": {"\ud800": 1}}, "parts"),
        ({"parts": {"a" * 65: 1}}, "parts"),
        ({"parts": {f"p{n}": 1 for n in range(65)}}, "parts"),
        ({"parts": {"a": {"b": 2**60}}}, "parts.a: b"),
        ({"more": 1}, "the request"),
    ],
    ids=ascii,
)
def test_a_refusal_names_the_field(change: dict[str, Any], field: str) -> None:
    """Each wrong field is refused by its name, in one line that can be printed."""
    with pytest.raises(ProfileError) as caught:
        draft_of({**GOOD, **change})
    assert str(caught.value).startswith(field)
    assert str(caught.value).isprintable()
    assert str(caught.value).isascii()


@pytest.mark.parametrize("request_", [None, [], "x", 1, {}, {"idem": "k", "kind": "command"}], ids=repr)
def test_other_shapes_are_refused(request_: Any) -> None:
    """The request is one object with exactly three fields."""
    with pytest.raises(ProfileError, match="exactly the fields"):
        draft_of(request_)


def test_the_largest_draft_fits_into_an_entry() -> None:
    """The limits of a request keep every entry below 65,535 bytes, so that the writer never has to refuse one."""
    parts = {f"{number:064d}": "0" * 64 for number in range(MAX_PARTS)}
    at = "2026-01-31T12:00:00.000000Z"
    worst = Entry(LOG, 2**53 - 1, LOG, "😀" * 512, max(KINDS, key=len), at, parts, 2**53 - 1, "k" * 1000)
    assert len(encode_entry(worst)) < MAX_ENTRY_BYTES / 3
