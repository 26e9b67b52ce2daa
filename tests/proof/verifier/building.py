"""Small exports for the verifier to judge: sound ones by the writer of the project, forged ones byte by byte."""

from __future__ import annotations

import argparse
import base64
import copy
import functools
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from proof import verify_lumen_proof as verifier
from proof.errors import BrokenChainError
from proof.exporting.reader import ExportReader
from proof.exporting.writer import ExportError, ExportWriter, part_line
from proof.format.canonical import canonical_bytes
from proof.format.chain import StoredEntry, StoredPart
from proof.format.checkpoint import Checkpoint, sign_checkpoint
from proof.format.entry import Entry, encode_entry, leaf_hash, part_commitment
from proof.format.merkle import Frontier
from proof.format.note import SigningKey, VerifierKey
from tests.proof.samples import LOG, ORIGIN


def signing_key(number: int, name: str = ORIGIN) -> SigningKey:
    """Return the same key for the same number."""
    return SigningKey(name, Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32))


KEY, NEXT, STRANGER = signing_key(1), signing_key(2), signing_key(3)
VKEY = str(KEY.verifier)


@dataclass
class Ledger:
    """Entries as a ledger would make them, and the checkpoints it signed; what is wrong with one is the test's doing."""

    entries: list[StoredEntry] = field(default_factory=list)
    notes: dict[int, bytes] = field(default_factory=dict)
    key: str = KEY.verifier.id

    def add(
        self, idem: str, kind: str = "command", parts: Mapping[str, Any] | None = None, **changes: Any
    ) -> StoredEntry:
        """Append an entry; ``changes`` replace fields of it before it is hashed."""
        seq = len(self.entries)
        data = {name: canonical_bytes(value) for name, value in (parts or {}).items()}
        salts = {name: hashlib.sha256(f"{seq}/{name}".encode()).digest() for name in data}
        fields: dict[str, Any] = {
            "log": LOG,
            "seq": seq,
            "prev": self.entries[-1].leaf.hex() if self.entries else LOG,
            "idem": idem,
            "kind": kind,
            "at": f"2026-01-31T12:00:{seq % 60:02}.000000Z",
            "parts": {name: part_commitment(salts[name], name, value) for name, value in data.items()},
            "size": sum(map(len, data.values())),
            "key": self.key,
        }
        body = encode_entry(Entry(**{**fields, **changes}))
        kept = tuple(StoredPart(name, salts[name], data[name]) for name in sorted(data))
        self.entries.append(StoredEntry(seq, changes.get("idem", idem), leaf_hash(body), body, kept))
        return self.entries[-1]

    def erase(self, seq: int, name: str, *, recorded: bool = True) -> None:
        """Take salt and data of a part away, and say so in a new entry."""
        stored = self.entries[seq]
        parts = tuple(StoredPart(name, None, None) if part.name == name else part for part in stored.parts)
        self.entries[seq] = StoredEntry(seq, stored.idem, stored.leaf, stored.body, parts)
        if recorded:
            self.add(f"part.erased/{seq}/{name}", "part.erased", {"erasure": {"seq": seq, "name": name}})

    def rotate(self, old: SigningKey, new: SigningKey) -> None:
        """Hand over to ``new``."""
        content = {
            "type": "key.rotated",
            "old_vkey": str(old.verifier),
            "new_vkey": str(new.verifier),
            "reason": "a test",
        }
        self.add(f"key.rotated/{new.verifier.id}", "key.rotated", {"rotation": content}, key=old.verifier.id)
        self.key = new.verifier.id

    def sign(self, *keys: SigningKey, size: int | None = None) -> bytes:
        """Sign and keep a checkpoint over all entries, or the first ``size``."""
        extent = len(self.entries) if size is None else size
        frontier = Frontier()
        for stored in self.entries[:extent]:
            frontier.add(stored.leaf)
        note = sign_checkpoint(Checkpoint(ORIGIN, frontier.head()), keys or (KEY,)).encode()
        self.notes[extent] = note
        return note

    def write(self, folder: Path, anchors: Mapping[str, bytes] | None = None) -> Path:
        """Write an export with the project's own writer."""
        with ExportWriter(folder, ORIGIN, LOG) as export:
            for stored in self.entries:
                export.add(stored)
            for size, note in sorted(self.notes.items()):
                export.add_checkpoint(size, note)
            for name, content in (anchors or {}).items():
                export.add_anchor(name, content)
            export.finish()
        return folder

    def forge(self, folder: Path, anchors: Mapping[str, bytes] | None = None) -> Path:
        """Write an export of whatever the entries are now, with a manifest that fits: as somebody with write access would."""
        files = {
            "entries.jsonl": b"".join(stored.body + b"\n" for stored in self.entries),
            "leaves.bin": b"".join(stored.leaf for stored in self.entries),
            "parts.jsonl": b"".join(part_line(stored.seq, part) for stored in self.entries for part in stored.parts),
            **{f"checkpoints/{size:020d}.note": note for size, note in self.notes.items()},
            **{f"anchors/{name}": content for name, content in (anchors or {}).items()},
        }
        write_files(folder, files)
        remake_manifest(folder)
        return folder


def write_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files, making their folders."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(content)


def remake_manifest(folder: Path) -> None:
    """Write the manifest that fits the files as they are; written apart from the code of the project."""
    contents = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }
    leaves = contents["leaves.bin"]
    hashes = [leaves[start : start + 32] for start in range(0, len(leaves), 32)]
    lines = contents["parts.jsonl"].splitlines()
    manifest = {
        "counts": {
            "anchors": sum(name.startswith("anchors/") for name in contents),
            "checkpoints": sum(name.startswith("checkpoints/") for name in contents),
            "entries": len(hashes),
            "erased": sum(line.endswith(b'"salt":null,"data":null}') for line in lines),
            "parts": len(lines),
        },
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in contents.items()
        },
        "format": "lumen-proof-export",
        "head": hashes[-1].hex() if hashes else LOG,
        "height": len(hashes),
        "log": LOG,
        "origin": ORIGIN,
        "root": recursive_root(hashes).hex(),
        "version": 1,
    }
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    (folder / "manifest.json").write_bytes(text.encode() + b"\n")


def recursive_root(leaves: Sequence[bytes]) -> bytes:
    """Return the root as RFC 6962 writes it down."""
    if len(leaves) < 2:
        return leaves[0] if leaves else hashlib.sha256(b"").digest()
    split = 1 << ((len(leaves) - 1).bit_length() - 1)
    both = recursive_root(leaves[:split]) + recursive_root(leaves[split:])
    return hashlib.sha256(b"\x01" + both).digest()


def sound() -> Ledger:
    """Return a ledger with everything in it: no part, two parts, an erased one, text beyond ASCII, four checkpoints."""
    ledger = Ledger()
    ledger.add("rules.loaded/1", "rules.loaded", {"rules": {"rules": ["disk-full"]}})
    ledger.sign()
    ledger.add('k\u00e9y "2"\n', parts={"action": {"load": 0.5, "\u20ac": None}, "approval": ["alice@example.com"]})
    ledger.add("nothing")
    ledger.sign()
    ledger.add("four", parts={"result": None})
    ledger.erase(1, "approval")
    ledger.sign()
    ledger.add("six", parts={"a": 1, "b": "x" * 40})
    ledger.sign()
    return ledger


def small() -> Ledger:
    """Return a ledger with everything in it and few bytes: no part, two parts, an erased one, two checkpoints."""
    ledger = Ledger()
    ledger.add("\u00e9\n")
    ledger.sign()
    ledger.add("b", parts={"x": {"\u20ac": 0.5}, "y": 1})
    ledger.erase(1, "y")
    ledger.sign()
    return ledger


class Witness:
    """Somebody who cosigns checkpoints, as C2SP's tlog-cosignature says."""

    def __init__(self, number: int, name: str = "witness.example.com/w1") -> None:
        """Have the same key for the same number."""
        self._private = Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32)
        self._name = name
        public = b"\x04" + self._private.public_key().public_bytes_raw()
        self._id = hashlib.sha256(f"{name}\n".encode() + public).digest()[:4]
        self.vkey = f"{name}+{self._id.hex()}+{base64.b64encode(public).decode()}"

    def cosign(self, note: bytes, when: int, said: int | None = None) -> bytes:
        """Return ``note`` with a line more that says that it was seen at ``when``; ``said``: what stands in the line."""
        text = note.decode().rpartition("\n\n")[0] + "\n"
        signature = self._private.sign(f"cosignature/v1\ntime {when}\n{text}".encode())
        stated = (when if said is None else said).to_bytes(8, "big")
        line = base64.b64encode(self._id + stated + signature).decode()
        return note + f"\N{EM DASH} {self._name} {line}\n".encode()


@functools.cache
def known_key(vkey: str) -> verifier.Key:
    """Return a key that remembers what it verified: most of the time of a small export goes there."""
    key = verifier.Key(vkey)
    key.ed25519.verifies = functools.cache(key.ed25519.verifies)  # type: ignore[method-assign]  # the same, remembered
    return key


def judge(path: Path, *options: str, vkey: str = VKEY) -> dict[str, Any]:
    """Return what the verifier finds, run inside this process."""
    chosen = copy.copy(parsed(str(path), options))
    chosen.vkey = [known_key(vkey)]
    return verifier.result(chosen)


@functools.cache
def parsed(path: str, options: tuple[str, ...]) -> argparse.Namespace:
    """Return what the command line says."""
    return verifier.options().parse_args([path, "--vkey", VKEY, *options])


def verdict(path: Path, *options: str, vkey: str = VKEY) -> tuple[int, int | None, str | None]:
    """Return exit code, first bad seq and code; of an export, after seeing that the service's own reader says the same."""
    found = judge(path, *options, vkey=vkey)
    if path.is_dir() and not options:
        assert reader_verdict(path, vkey) == (found["exit"], found.get("first_bad_seq")), found
    return found["exit"], found.get("first_bad_seq"), found.get("code")


def reader_verdict(path: Path, vkey: str = VKEY) -> tuple[int, int | None]:
    """Return what the reader before an import finds, as exit code and first bad seq."""
    try:
        for _ in ExportReader(path, ORIGIN, LOG, [VerifierKey.parse(vkey)]).entries():
            pass
    except BrokenChainError as error:
        return 1, error.seq
    except ExportError:
        return 3, None
    return 0, None
