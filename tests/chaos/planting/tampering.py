"""Changes a copy of an evidence folder: single files, or the whole ledger, made consistent anew under a fresh key."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.chaos.checking.tree import leaf_of, roots_of

ORIGIN = "lumen.local/ledger"
LOG = "ab" * 32


@dataclass
class Record:
    """One entry as a tampering ledger has it: content only; hashes are made when it is written."""

    at: str
    idem: str
    kind: str
    part: str
    data: dict[str, Any]
    seq: int = -1


@dataclass
class Forger:
    """A key of its own, which signs whatever it is told."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)

    @property
    def public(self) -> bytes:
        """The type byte and the public key."""
        return b"\x01" + self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    @property
    def key_id(self) -> bytes:
        """The four bytes that name the key."""
        return hashlib.sha256(ORIGIN.encode() + b"\n" + self.public).digest()[:4]

    @property
    def vkey(self) -> str:
        """What the harness fetched at the start."""
        return f"{ORIGIN}+{self.key_id.hex()}+{base64.b64encode(self.public).decode()}\n"

    def note(self, size: int, root: bytes) -> str:
        """Return a signed checkpoint."""
        text = f"{ORIGIN}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = base64.b64encode(self.key_id + self.key.sign(text.encode())).decode()
        return f"{text}\n\N{EM DASH} {ORIGIN} {signature}\n"


@dataclass
class Copy:
    """A copy of the clean evidence."""

    folder: Path

    def change(self, name: str, how: Callable[[Any], object]) -> None:
        """Change a JSON file in place."""
        file = self.folder / name
        document = json.loads(file.read_text())
        how(document)
        file.write_text(json.dumps(document))

    def lines(self, name: str, how: Callable[[list[Any]], list[Any]]) -> None:
        """Replace the lines of a file of JSON lines."""
        file = self.folder / name
        found = how([json.loads(line) for line in file.read_text().splitlines()])
        file.write_text("".join(json.dumps(line) + "\n" for line in found))

    def acts(self, name: str, how: Callable[[list[str]], list[str]]) -> None:
        """Replace the lines that commands wrote."""
        file = self.folder / "acts" / name
        found = how(file.read_text().splitlines() if file.exists() else [])
        file.write_text("".join(line + "\n" for line in found))

    def read(self, name: str) -> Any:
        """Return a JSON file."""
        return json.loads((self.folder / name).read_text())

    def key(self, which: str) -> str:
        """Return the key of an episode: the label ``file`` of its alert, or ``<rule>:<outcome>`` for the first such one."""
        rule, _, outcome = which.partition(":")
        alerts = self.read("alerts.json")
        for key, episode in self.read("trial.json")["episodes"].items():
            if episode["labels"]["file"] == which or (episode["rule"] == rule and alerts[key]["outcome"] == outcome):
                return str(key)
        raise LookupError(which)

    def file(self, which: str) -> str:
        """Return the name of the file into which the commands of this episode write."""
        return str(self.read("trial.json")["episodes"][self.key(which)]["labels"]["file"])

    def starts(self, rule: str) -> list[float]:
        """Return when the commands of a rule started, in order, in seconds of CLOCK_MONOTONIC."""
        files = [one["file"] for one in self.read("trial.json")["episodes"].values() if one["rule"] == rule]
        lines = [
            line
            for file in files
            if (self.folder / file).exists()
            for line in (self.folder / file).read_text().splitlines()
        ]
        return sorted(int(line.rsplit(" ", 2)[1]) / 1e9 for line in lines if " start " in line)

    def records(self) -> list[Record]:
        """Return the entries of the ledger."""
        parts = {}
        for line in (self.folder / "export" / "parts.jsonl").read_text().splitlines():
            part = json.loads(line)
            parts[part["seq"]] = (part["name"], part["data"])
        found = []
        for line in (self.folder / "export" / "entries.jsonl").read_text().splitlines():
            entry = json.loads(line)
            name, data = parts[entry["seq"]]
            found.append(Record(entry["at"], entry["idem"], entry["kind"], name, data, entry["seq"]))
        return found

    def rewrite(self, how: Callable[[list[Record]], list[Record]], *, heads_of: bool = True) -> None:
        """Write the ledger anew so that everything in it holds.

        With ``heads_of`` the checkpoints that were seen during the trial are of the new ledger, else of the old one.
        """
        forger, old = Forger(), self.records()
        new = how(self.records())
        moved = {record.seq: place for place, record in enumerate(new) if record.seq >= 0}
        for record in new:
            _renumber(record.data, moved)
        seen = _leaves(forger, new if heads_of else old)[0]
        self._write(forger, new)
        sizes = {min(line["size"], len(seen)) for line in self._heads()} | {len(seen)}
        roots = roots_of(seen, sizes)
        at = self.read("trial.json")["began"]
        found = [
            {"at": at + size / 1e3, "size": size, "checkpoint": forger.note(size, roots[size])}
            for size in sorted(sizes)
        ]
        (self.folder / "heads.jsonl").write_text("".join(json.dumps(line) + "\n" for line in found))

    def _heads(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "heads.jsonl").read_text().splitlines()]

    def _write(self, forger: Forger, records: list[Record]) -> None:
        export = self.folder / "export"
        for file in (export / "checkpoints").iterdir():
            file.unlink()
        leaves, entries, parts = _leaves(forger, records)
        (export / "entries.jsonl").write_bytes(b"".join(line + b"\n" for line in entries))
        (export / "parts.jsonl").write_bytes(b"".join(line + b"\n" for line in parts))
        (export / "leaves.bin").write_bytes(b"".join(leaves))
        root = roots_of(leaves, {len(leaves)})[len(leaves)]
        (export / "checkpoints" / f"{len(leaves):020}.note").write_text(forger.note(len(leaves), root))
        (self.folder / "vkey.txt").write_text(forger.vkey)
        manifest = {"format": "lumen-proof-export", "version": 1, "origin": ORIGIN, "log": LOG, "height": len(leaves)}
        manifest |= {"head": leaves[-1].hex(), "root": root.hex()}
        counts = {"entries": len(leaves), "parts": len(parts), "erased": 0, "checkpoints": 1, "anchors": 0}
        names = ["entries.jsonl", "parts.jsonl", "leaves.bin", f"checkpoints/{len(leaves):020}.note"]
        files = {}
        for name in names:
            content = (export / name).read_bytes()
            files[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
        (export / "manifest.json").write_bytes(_canonical({**manifest, "counts": counts, "files": files}) + b"\n")


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _renumber(data: dict[str, Any], moved: dict[int, int]) -> None:
    """Let references to decisions follow the entries that moved."""
    if isinstance(data.get("decision_seq"), int):
        data["decision_seq"] = moved.get(data["decision_seq"], data["decision_seq"])
    decision = data.get("decision")
    if isinstance(decision, dict) and isinstance(decision.get("seq"), int):
        decision["seq"] = moved.get(decision["seq"], decision["seq"])


def _leaves(forger: Forger, records: list[Record]) -> tuple[list[bytes], list[bytes], list[bytes]]:
    """Return leaves, lines of entries and lines of parts."""
    leaves: list[bytes] = []
    entries, parts = [], []
    for seq, record in enumerate(records):
        data, salt = _canonical(record.data), hashlib.sha256(f"{seq}".encode()).digest()
        commitment = hmac.new(
            salt, b"lumen/proof/v1/part\n" + record.part.encode() + b"\n" + data, "sha256"
        ).hexdigest()
        entry = {"at": record.at, "bytes": len(data), "idem": record.idem, "key": f"{ORIGIN}+{forger.key_id.hex()}"}
        entry |= {"kind": record.kind, "log": LOG, "parts": {record.part: commitment}}
        entry |= {"prev": leaves[-1].hex() if leaves else LOG, "seq": seq, "v": 1}
        entries.append(_canonical(entry))
        leaves.append(leaf_of(entries[-1]))
        head = f'{{"seq":{seq},"name":"{record.part}","salt":"{salt.hex()}","data":'
        parts.append(head.encode() + data + b"}")
    return leaves, entries, parts
