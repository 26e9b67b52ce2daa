"""The page of the ledger format: its worked example is true, and its words are those of the programs."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from pathlib import Path

import pytest

from proof import verify_lumen_proof as verifier
from proof.exporting.writer import ExportWriter
from proof.format.chain import StoredEntry, StoredPart
from proof.format.entry import Entry, decode_entry, encode_entry, leaf_hash, log_id, part_commitment
from proof.format.merkle import verify_inclusion
from proof.format.note import VerifierKey
from tests.proof.verifier.building import signing_key

_PAGE = (Path(__file__).parents[2] / "docs" / "ledger-format.md").read_text(encoding="utf-8")
_EXAMPLE = _PAGE.split("## Worked example")[1].split("\n## ")[0]
ORIGIN, SALT = "example.com/ledger", b"pepper"
ERASED = (b"\x12" * 32, b'["alice@example.com"]')


def block(title: str) -> list[str]:
    """Return the lines under a title of the worked example."""
    found = re.search(rf"^{re.escape(title)}\n(.*?)(?=\n\n(?!\u2014)|\n```)", _EXAMPLE, re.MULTILINE | re.DOTALL)
    assert found, title
    return found[1].splitlines()


def parts() -> list[tuple[int, str, bytes | None, bytes | None]]:
    """Return the parts of the example, read as anybody would."""
    found = []
    for line in block("parts.jsonl"):
        fields = json.loads(line)
        data = line.split('"data":', 1)[1][:-1].encode()
        salt = fields["salt"]
        found.append((fields["seq"], fields["name"], salt and bytes.fromhex(salt), data if salt else None))
    return found


def test_log_and_key_are_those_of_the_inputs() -> None:
    """The id of the log, and the vkey of the seed."""
    assert block("log") == [log_id(ORIGIN, SALT)]
    seed = re.search(r"`([0-9a-f]{64})`", _EXAMPLE)
    assert seed is not None
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - only here

    public = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed[1])).public_key().public_bytes_raw()
    assert block("vkey") == [str(VerifierKey(ORIGIN, public))]


def test_every_entry_is_what_the_service_would_write() -> None:
    """Its bytes, its leaf, its place after the one before, and the commitments to its parts."""
    lines, leaves = block("entries.jsonl"), block("leaves, in hex")
    prev = block("log")[0]
    for seq, line in enumerate(lines):
        entry = decode_entry(line.encode())
        assert encode_entry(entry) == line.encode()
        assert (entry.seq, entry.prev, entry.log) == (seq, prev, block("log")[0])
        prev = leaf_hash(line.encode()).hex()
        assert prev == leaves[seq]
        mine = {name: (salt, data) for number, name, salt, data in parts() if number == seq}
        assert mine.keys() == entry.parts.keys()
        for name, (salt, data) in mine.items():
            known = (salt, data) if salt and data else ERASED
            assert part_commitment(known[0], name, known[1]) == entry.parts[name]
            text = b"lumen/proof/v1/part\n" + name.encode() + b"\n" + known[1]
            assert hmac.new(known[0], text, hashlib.sha256).hexdigest() == entry.parts[name]


def test_the_tree_is_that_of_the_leaves() -> None:
    """Roots of every size, and the inclusion proof."""
    leaves = [bytes.fromhex(one) for one in block("leaves, in hex")]
    roots = block("roots of size 0, 1, 2, 3, in hex")
    stack: list[bytes] = []
    assert roots[0] == verifier.joined([]).hex()
    for number, leaf in enumerate(leaves):
        at, hashed = number, leaf
        while at & 1:
            hashed, at = verifier.node(stack.pop(), hashed), at >> 1
        stack.append(hashed)
        assert roots[number + 1] == verifier.joined(stack).hex()
    proof = [base64.b64decode(one) for one in block("inclusion proof of entry 1 in size 3")]
    verify_inclusion(leaves[1], 1, 3, proof, bytes.fromhex(roots[3]))


def test_the_example_verifies_as_an_export(tmp_path: Path) -> None:
    """Written to a directory, the example is an export that the offline verifier accepts with the key of the page."""
    lines = block("entries.jsonl")
    with ExportWriter(tmp_path / "export", ORIGIN, block("log")[0]) as export:
        for seq, line in enumerate(lines):
            mine = tuple(StoredPart(name, salt, data) for number, name, salt, data in parts() if number == seq)
            entry: Entry = decode_entry(line.encode())
            export.add(StoredEntry(seq, entry.idem, leaf_hash(line.encode()), line.encode(), mine))
        note = "\n".join([*block("checkpoints/00000000000000000003.note"), ""]).encode()
        export.add_checkpoint(3, note)
        export.finish()
    assert verifier.main([str(tmp_path / "export"), "--vkey", block("vkey")[0], "--strict"]) == 0
    other = str(signing_key(1, ORIGIN).verifier)
    assert verifier.main([str(tmp_path / "export"), "--vkey", other]) == 1


def test_the_page_has_every_option_and_code() -> None:
    """Each option of the verifier, each exit code and each code of a finding is on the page."""
    help_text = verifier.options().format_help()
    for option in set(re.findall(r"--[a-z-]+", help_text)) - {"--help"}:
        assert f"`{option}" in _PAGE, option
    source = Path(verifier.__file__).read_text()
    codes = set(re.findall(r'Tampered\((?:[\w.]+|None), "(\w+)"', source))
    assert len(codes) > 10
    assert [code for code in sorted(codes) if f"`{code}`" not in _PAGE] == []


@pytest.mark.parametrize("number", range(4))
def test_the_page_has_every_exit_code(number: int) -> None:
    """0 to 3."""
    assert f"| {number} |" in _PAGE
