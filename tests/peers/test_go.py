"""Go's sumdb/note and sumdb/tlog accept the checkpoints, trees and proofs of Lumen, and refuse what was changed."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.proof.verifier.building import KEY, NEXT, STRANGER, VKEY, Ledger, sound
from tests.proof.verifier.test_bundle import bundled, ledger


def accepts(program: Path, path: Path, vkey: str = VKEY) -> tuple[bool, str]:
    """Return whether the peer accepts an export or a bundle, and what it says."""
    done = subprocess.run([program, path, vkey], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode in {0, 1}, done.stderr
    return done.returncode == 0, done.stdout + done.stderr


def test_go_accepts_an_export(go_peer: Path, tmp_path: Path) -> None:
    """Signatures, roots, leaf hashes, consistency between all checkpoints, at every size up to 70."""
    many = Ledger()
    for number in range(70):
        many.add(f"key-{number}", parts={"action": {"n": number}})
        many.sign()
    assert accepts(go_peer, many.write(tmp_path / "many")) == (
        True,
        "70 entries, 70 checkpoints, 139 proofs: accepted\n",
    )
    assert accepts(go_peer, sound().write(tmp_path / "sound"))[0]


def test_go_accepts_a_bundle(go_peer: Path, tmp_path: Path) -> None:
    """The inclusion proofs of a bundle lead to its checkpoint."""
    path = tmp_path / "bundle.json"
    path.write_bytes(bundled(ledger(), [0, 2, 3, 4, 6, 7]))
    assert accepts(go_peer, path) == (True, "6 entries in a tree of 8: accepted\n")


def test_go_accepts_either_key_of_an_overlap(go_peer: Path, tmp_path: Path) -> None:
    """A checkpoint with two signatures is good for whoever knows one of the keys, and for nobody else."""
    rotated = Ledger()
    rotated.add("one")
    rotated.rotate(KEY, NEXT)
    rotated.sign(KEY, NEXT)
    export = rotated.write(tmp_path / "export")
    assert accepts(go_peer, export)[0]
    assert accepts(go_peer, export, str(NEXT.verifier))[0]
    assert not accepts(go_peer, export, str(STRANGER.verifier))[0]


@pytest.mark.parametrize("name", ["entries.jsonl", "leaves.bin"])
def test_go_refuses_a_flipped_byte(go_peer: Path, tmp_path: Path, name: str) -> None:
    """Here and there a byte changed: the leaf or the root is another."""
    export = sound().write(tmp_path / "export")
    path = export / name
    content = path.read_bytes()
    for place in range(0, len(content), len(content) // 12):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert not accepts(go_peer, export)[0], place


def test_go_refuses_a_changed_checkpoint(go_peer: Path, tmp_path: Path) -> None:
    """Size, root, signature: none of them can be another."""
    export = sound().write(tmp_path / "export")
    path = max((export / "checkpoints").iterdir())
    content = path.read_bytes()
    for place in (20, 30, len(content) - 30, len(content) - 60):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        assert not accepts(go_peer, export)[0], place
