"""Look at a ledger whose chain may be broken: keep a copy as evidence, judge the copy, say what to do. Nothing is repaired.

    python controls/recover_chain.py --ledger var/proof.db --vkey "$(cat ledger.vkey)" --keep /srv/evidence
    python controls/recover_chain.py --ledger var/proof.db --vkey KEY --keep /srv/evidence --against anchors/…42.note

The ledger (a file of SQLite) is opened for reading only and never written. Its files are copied into a new folder below
--keep, with their SHA-256, readable by their owner and writable by nobody. The copy is written out as an export, and the
offline verifier of Lumen, which shares no code with the service, says whether it holds. A copy of a ledger that holds is
taken away again, unless --always asks for it.

This is a program for a person or a runbook. It cannot be the remedy of an alert about the ledger itself: what is executed
is proved there first.

Prints one JSON object. Exit codes: 0 it holds; 1 it does not: the copy is kept; 2 wrong usage, or nothing can be read;
3 it holds as far as it is signed, but not to its end. Standard library only, beside the verifier.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, BinaryIO, Self

HOLDS, BROKEN, UNREADABLE, UNSIGNED = 0, 1, 2, 3
_BLOCK = 1024 * 1024
_PATIENCE = 3600.0
_NEXT = {
    HOLDS: "nothing to do",
    BROKEN: "stop proofd, keep the copy, find who could write there, and put the newest copy that holds back: docs/ledger.md",
    UNREADABLE: "keep the copy; SQLite cannot read the file: put the newest copy that holds back: docs/ledger.md",
    UNSIGNED: "look again with --against the last signed checkpoint; if it holds then, start proofd: it signs the rest",
}


class Unusable(Exception):  # noqa: N818 - it is an outcome of this program
    """The program cannot do what it was asked; the text says why and what to do."""


def main(argv: list[str] | None = None) -> int:
    """Run the program and return its exit code."""
    options = _parser().parse_args(argv)
    try:
        kept = _keep(Path(options.ledger), Path(options.keep))
        code, said = _judge(kept, options)
    except (Unusable, OSError) as error:
        print(json.dumps({"verdict": UNREADABLE, "error": str(error)}))
        return UNREADABLE
    told = {"verdict": code, "said": said, "next": _NEXT.get(code, said)}
    if code == HOLDS and not options.always:
        shutil.rmtree(kept)
    else:
        _seal(kept)
        told["kept"] = str(kept)
    print(json.dumps(told))
    return code


def _keep(ledger: Path, folder: Path) -> Path:
    """Copy the files of ``ledger`` as they are at one moment, and return the new folder."""
    if not ledger.is_file():
        raise Unusable(f"there is no file {ledger}: --ledger names the database of proofd, as PROOF_DSN does")
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    kept = folder / f"ledger-{stamp}"
    kept.mkdir(mode=0o700, parents=True)
    with _unmoved(ledger):
        for suffix in ("", "-wal"):
            path = ledger.with_name(ledger.name + suffix)
            if path.exists():
                _copy(path, kept / f"proof.db{suffix}")
    return kept


@contextmanager
def _unmoved(ledger: Path) -> Iterator[None]:
    """Keep the write-ahead log, if there is one, from being moved into the file or begun anew while both are copied."""
    if not ledger.with_name(f"{ledger.name}-wal").exists():
        yield  # nobody has it open, and to open it would leave files beside it
        return
    with closing(sqlite3.connect(f"{ledger.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)) as reading:
        with suppress(sqlite3.Error):  # damaged: whatever there is, is copied
            reading.execute("BEGIN")
            reading.execute("SELECT count(*) FROM sqlite_master").fetchone()
        yield


def _copy(source: Path, target: Path) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with source.open("rb") as reading, os.fdopen(descriptor, "wb") as writing:
        shutil.copyfileobj(reading, writing, _BLOCK)
        writing.flush()
        os.fsync(writing.fileno())


def _judge(kept: Path, options: argparse.Namespace) -> tuple[int, str]:
    """Write the copy out as an export, let the offline verifier judge it, and return its exit code and last words."""
    work = kept / "work"
    work.mkdir(mode=0o700)
    try:
        for path in kept.glob("proof.db*"):
            shutil.copyfile(path, work / path.name)  # reading a database in WAL mode writes beside it
        try:
            _export(work / "proof.db", work / "export")
        except sqlite3.Error as error:
            return BROKEN, f"SQLite cannot read the ledger: {error}"
        command = [sys.executable, "-I", options.verifier, str(work / "export"), "--vkey", options.vkey]
        command += ["--against", options.against] if options.against else []
        ended = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    finally:
        shutil.rmtree(work)
    said = (ended.stdout.strip() or ended.stderr.strip()).splitlines()
    return ended.returncode, " ".join(said[-3:])


def _export(database: Path, folder: Path) -> None:
    """Write the rows as they are: entries, leaves, parts, checkpoints, and a manifest that tells the truth about the files."""
    folder.mkdir(mode=0o700)
    (folder / "checkpoints").mkdir(mode=0o700)
    facts: dict[str, dict[str, Any]] = {}
    counts = {"entries": 0, "parts": 0, "erased": 0, "checkpoints": 0, "anchors": 0}
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=rw", uri=True)) as db:
        db.text_factory = bytes
        origin, log = (_text(value) for value in db.execute("SELECT origin, log FROM head WHERE id = 1").fetchone())
        leaves: list[bytes] = []
        with _File(folder, "entries.jsonl", facts) as entries, _File(folder, "leaves.bin", facts) as hashes:
            for leaf, body in db.execute("SELECT leaf, body FROM entry ORDER BY seq"):
                entries.write(bytes(body) + b"\n")
                hashes.write(bytes(leaf))
                leaves.append(bytes(leaf))
                counts["entries"] += 1
        with _File(folder, "parts.jsonl", facts) as parts:
            for line, erased in _part_lines(db):
                parts.write(line)
                counts["parts"] += 1
                counts["erased"] += int(erased)
        for size, note in db.execute("SELECT size, note FROM checkpoint ORDER BY size"):
            with _File(folder, f"checkpoints/{size:020d}.note", facts) as file:
                file.write(bytes(note))
            counts["checkpoints"] += 1
    manifest = {
        "format": "lumen-proof-export",
        "version": 1,
        "origin": origin,
        "log": log,
        "height": len(leaves),
        "head": leaves[-1].hex() if leaves else log,
        "root": _root(leaves).hex(),
        "counts": counts,
        "files": facts,
    }
    text = json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    (folder / "manifest.json").write_text(text + "\n", encoding="utf-8")


def _part_lines(db: sqlite3.Connection) -> Iterator[tuple[bytes, bool]]:
    for seq, name, salt, data in db.execute("SELECT seq, name, salt, data FROM part ORDER BY seq, name"):
        head = b'{"seq":%d,"name":"%b","salt":' % (seq, name)
        if salt is None or data is None:
            yield head + b'null,"data":null}\n', True
        else:
            yield head + b'"%b","data":%b}\n' % (bytes(salt).hex().encode(), bytes(data)), False


class _File:
    """A file of the export that knows its own length and hash."""

    def __init__(self, folder: Path, name: str, facts: dict[str, dict[str, Any]]) -> None:
        self._path, self._name, self._facts = folder / name, name, facts
        self._digest, self._size = hashlib.sha256(), 0
        self._file: BinaryIO

    def __enter__(self) -> Self:
        self._file = self._path.open("xb")
        return self

    def write(self, block: bytes) -> None:
        self._digest.update(block)
        self._size += len(block)
        self._file.write(block)

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._facts[self._name] = {"bytes": self._size, "sha256": self._digest.hexdigest()}


def _root(leaves: list[bytes]) -> bytes:
    """Return the Merkle tree hash of RFC 6962, section 2.1, over leaf hashes."""
    stack: list[tuple[int, bytes]] = []
    for leaf in leaves:
        node = (0, leaf)
        while stack and stack[-1][0] == node[0]:
            node = (node[0] + 1, hashlib.sha256(b"\x01" + stack.pop()[1] + node[1]).digest())
        stack.append(node)
    if not stack:
        return hashlib.sha256(b"").digest()
    root = stack.pop()[1]
    while stack:
        root = hashlib.sha256(b"\x01" + stack.pop()[1] + root).digest()
    return root


def _seal(kept: Path) -> None:
    """Write down the hashes of the copy, and let nobody write to it by mistake."""
    lines = []
    for path in sorted(kept.iterdir()):
        with path.open("rb") as file:
            lines.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {path.name}\n")
        path.chmod(0o400)
    (kept / "SHA256SUMS").write_text("".join(lines), encoding="ascii")
    (kept / "SHA256SUMS").chmod(0o400)
    kept.chmod(0o500)


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="recover_chain.py", description="Keep and judge a ledger that may be broken.", allow_abbrev=False
    )
    parser.add_argument("--ledger", default="var/proof.db", help="the database of proofd (var/proof.db)")
    parser.add_argument("--vkey", required=True, help="the ledger's public key, as `lumen proof vkey` printed it once")
    parser.add_argument("--keep", required=True, help="folder for copies of damaged ledgers, best on another disk")
    parser.add_argument("--against", help="a checkpoint that was kept elsewhere")
    parser.add_argument("--always", action="store_true", help="keep the copy also when the ledger holds")
    parser.add_argument("--verifier", default=_verifier(), help="verify_lumen_proof.py, if another one shall judge")
    return parser


def _verifier() -> str:
    return str(files("proof").joinpath("verify_lumen_proof.py"))


if __name__ == "__main__":
    sys.exit(main())
