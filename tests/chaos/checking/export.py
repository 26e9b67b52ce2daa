"""Verifies what ``lumen proof export`` wrote, step by step as docs/ledger-format.md says, and reads it."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.chaos.checking.ledger import PART_OF, Entry, Ledger
from tests.chaos.checking.notes import Checkpoint, DamagedError, Vkey, parse_checkpoint, parse_vkey, signed_by
from tests.chaos.checking.reading import instant, parsed, table, text, whole
from tests.chaos.checking.report import Report
from tests.chaos.checking.tree import leaf_of, roots_of

STRING = rb'"(?:[^\x00-\x1f"\\]|\\["\\bfnrt]|\\u00(?:0[0-7bef]|1[0-9a-f]))+"'
NUMBER = rb"(?:0|[1-9][0-9]{0,15})"
PART = rb'"[a-z0-9_]+":"[0-9a-f]{64}"'
ENTRY = re.compile(
    rb'\{"at":"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6}Z","bytes":' + NUMBER + rb',"idem":'
    rb""
    + STRING
    + rb',"key":'
    + STRING
    + rb',"kind":'
    + STRING
    + rb',"log":"[0-9a-f]{64}","parts":\{(?:'
    + PART
    + rb"(?:"
    rb"," + PART + rb')*)?\},"prev":"[0-9a-f]{64}","seq":' + NUMBER + rb',"v":1\}'
)
PART_LINE = re.compile(
    rb'\{"seq":(' + NUMBER + rb'),"name":"([a-z0-9_]+)","salt":(null|"[0-9a-f]{64}"),"data":(.*)\}', re.DOTALL
)
MAX_ENTRY = 65_535


@dataclass
class Export:
    """The verified files: the ledger, its leaves, and the trusted keys."""

    ledger: Ledger = field(default_factory=Ledger)
    leaves: list[bytes] = field(default_factory=list)
    keys: list[Vkey] = field(default_factory=list)
    log: str = ""
    checkpoints: list[Checkpoint] = field(default_factory=list)

    @cached_property
    def roots(self) -> dict[int, bytes]:
        """The root at every size."""
        return roots_of(self.leaves, set(range(len(self.leaves) + 1)))


@dataclass
class _Part:
    seq: int
    name: str
    salt: bytes | None
    data: bytes | None


def read_export(folder: Path, vkey_file: Path, report: Report) -> Export:
    """Read and verify; every damage is a finding ``ledger_broken`` with the first number that is wrong."""
    export = Export()
    try:
        export.keys = [parse_vkey(line) for line in vkey_file.read_text(errors="replace").splitlines() if line.strip()]
    except (OSError, DamagedError) as error:
        report.add("evidence", "", f"vkey.txt cannot be used: {error}")
    lines = _lines(folder / "entries.jsonl", report)
    parts = _parts(_lines(folder / "parts.jsonl", report), report)
    _read_entries(lines, parts, export, report)
    _compare_leaves(folder / "leaves.bin", export, report)
    _read_checkpoints(folder, export, report)
    _compare_manifest(folder, export, parts, report)
    return export


def broken(report: Report, where: str, what: str) -> None:
    """Add a finding about the ledger."""
    report.add("ledger_broken", "", f"{where}: {what}")


def _content(file: Path, report: Report) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        broken(report, file.name, f"cannot be read: {error}")
        return b""


def _lines(file: Path, report: Report) -> list[bytes]:
    content = _content(file, report)
    if content and not content.endswith(b"\n"):
        broken(report, file.name, "the last line is cut off")
    return content.split(b"\n")[:-1] if content.endswith(b"\n") else [line for line in content.split(b"\n") if line]


def _parts(lines: list[bytes], report: Report) -> list[_Part]:
    found = []
    for place, line in enumerate(lines, 1):
        match = PART_LINE.fullmatch(line)
        if not match or (match[3] == b"null") != (match[4] == b"null"):
            broken(report, f"parts.jsonl line {place}", "it is no line of a part")
            continue
        salt = None if match[3] == b"null" else bytes.fromhex(match[3][1:-1].decode())
        found.append(_Part(int(match[1]), match[2].decode(), salt, match[4] if salt else None))
    return found


def _read_entries(lines: list[bytes], parts: list[_Part], export: Export, report: Report) -> None:
    """Step 2: form, place, chain, parts. Goes on after an error, since later checks want to see as much as they can."""
    seen: dict[str, int] = {}
    of: dict[int, list[_Part]] = {}
    for part in parts:
        of.setdefault(part.seq, []).append(part)
    if [(part.seq, part.name) for part in parts] != sorted((part.seq, part.name) for part in parts):
        broken(report, "parts.jsonl", "the parts do not stand in their order")
    for place, line in enumerate(lines):
        export.leaves.append(leaf_of(line))
        if len(line) > MAX_ENTRY or not ENTRY.fullmatch(line):
            broken(report, f"entry {place}", "it has not the form of an entry")
            continue
        try:
            entry = parsed(line)
        except ValueError:
            broken(report, f"entry {place}", "it is no JSON")
            continue
        _check_place(entry, place, export, report)
        data = _check_parts(entry, of.pop(entry["seq"], []), report, place)
        idem = text(entry, "idem")
        if idem in seen:
            broken(report, f"entry {place}", f"its idem {idem!r} is that of entry {seen[idem]} too")
        seen.setdefault(idem, place)
        kind = text(entry, "kind")
        content = data.get(PART_OF.get(kind, ""), {})
        export.ledger.entries.append(Entry(place, instant(entry["at"]), kind, idem, content))
    for seq in sorted(of):
        broken(report, f"part of entry {seq}", "there is no such entry: the log was longer once")


def _check_place(entry: dict[str, Any], place: int, export: Export, report: Report) -> None:
    where = f"entry {place}"
    if entry["seq"] != place:
        broken(report, where, f"it says that it is entry {entry['seq']}: a gap, or moved")
    if place == 0:
        export.log = entry["log"]
    if entry["log"] != export.log:
        broken(report, where, "it is of another log")
    before = export.leaves[place - 1].hex() if place else export.log
    if entry["prev"] != before:
        broken(report, where, "its prev is not the leaf of the entry before")
    ids = {f"{key.name}+{key.key_id.hex()}" for key in export.keys}
    if ids and entry["key"] not in ids | {"none"}:
        broken(report, where, f"its key {entry['key']} is none that was given")


def _check_parts(entry: dict[str, Any], parts: list[_Part], report: Report, place: int) -> dict[str, dict[str, Any]]:
    where = f"entry {place}"
    named = table(entry, "parts")
    found: dict[str, dict[str, Any]] = {}
    if sorted(named) != [part.name for part in parts] or list(named) != sorted(named):
        broken(report, where, f"it names the parts {sorted(named)}, there are {[part.name for part in parts]}")
    length, erased = 0, False
    for part in parts:
        if part.salt is None or part.data is None:
            erased = True
            continue
        length += len(part.data)
        message = b"lumen/proof/v1/part\n" + part.name.encode() + b"\n" + part.data
        if hmac.new(part.salt, message, "sha256").hexdigest() != named.get(part.name):
            broken(report, where, f"its part {part.name} is not the one it commits to")
        try:
            found[part.name] = table(parsed(part.data))
        except ValueError:
            broken(report, where, f"its part {part.name} is no JSON")
    if erased:
        broken(report, where, "a part is gone, and nobody erases in a trial")
    elif length != whole(entry, "bytes"):
        broken(report, where, f"its parts have {length} bytes, it says {entry['bytes']}")
    return found


def _compare_leaves(file: Path, export: Export, report: Report) -> None:
    content = _content(file, report)
    found = [content[at : at + 32] for at in range(0, len(content), 32)]
    if len(found) != len(export.leaves):
        broken(
            report,
            "leaves.bin",
            f"{len(found)} leaves and {len(export.leaves)} entries: entries are missing or cut off",
        )
    for place, (there, computed) in enumerate(zip(found, export.leaves, strict=False)):
        if there != computed:
            broken(report, f"entry {place}", "it is not the one whose leaf is in leaves.bin")
            return


def judge_checkpoint(checkpoint: Checkpoint, where: str, export: Export, report: Report) -> None:
    """Check signature, origin and root of a checkpoint against the entries of the export."""
    try:
        key = signed_by(checkpoint, export.keys)
    except DamagedError as error:
        broken(report, where, str(error))
        return
    if key is None or checkpoint.origin != key.name:
        broken(report, where, "it is not signed by the key of vkey.txt")
    if checkpoint.size > len(export.leaves):
        broken(
            report,
            where,
            f"it is over {checkpoint.size} entries, the export has {len(export.leaves)}: the end is cut off",
        )
        return
    if export.roots[checkpoint.size] != checkpoint.root:
        broken(report, where, f"the root at {checkpoint.size} is another one: a changed or forked history")


def _read_checkpoints(folder: Path, export: Export, report: Report) -> None:
    newest = -1
    for file in sorted((folder / "checkpoints").glob("*")):
        where = f"checkpoints/{file.name}"
        try:
            checkpoint = parse_checkpoint(_content(file, report))
        except DamagedError as error:
            broken(report, where, str(error))
            continue
        if file.name != f"{checkpoint.size:020}.note":
            broken(report, where, f"it is over {checkpoint.size} entries")
        judge_checkpoint(checkpoint, where, export, report)
        export.checkpoints.append(checkpoint)
        newest = max(newest, checkpoint.size)
    if newest < len(export.leaves):
        broken(
            report, "checkpoints", f"the newest is over {newest} of {len(export.leaves)} entries: the rest is unsigned"
        )


def _compare_manifest(folder: Path, export: Export, parts: list[_Part], report: Report) -> None:
    content = _content(folder / "manifest.json", report)
    size = len(export.leaves)
    names = sorted(
        p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file() and p.name != "manifest.json"
    )
    anchors = sum(name.startswith("anchors/") for name in names)
    origin = export.checkpoints[-1].origin if export.checkpoints else ""
    computed = {
        "format": "lumen-proof-export",
        "version": 1,
        "origin": origin,
        "log": export.log,
        "height": size,
        "head": export.leaves[-1].hex() if export.leaves else export.log,
        "root": export.roots[size].hex(),
        "counts": {
            "entries": size,
            "parts": len(parts),
            "erased": sum(part.salt is None for part in parts),
            "checkpoints": sum(name.startswith("checkpoints/") for name in names),
            "anchors": anchors,
        },
        "files": {name: _digest(folder / name, report) for name in names},
    }
    expected = json.dumps(computed, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    if content != expected:
        broken(report, "manifest.json", _difference(content, computed))


def _digest(file: Path, report: Report) -> dict[str, Any]:
    content = _content(file, report)
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


def _difference(content: bytes, computed: dict[str, Any]) -> str:
    try:
        there = table(parsed(content))
    except ValueError:
        return "it is no JSON"
    names = sorted(name for name in computed.keys() | there.keys() if there.get(name) != computed.get(name))
    return f"it does not say what is there: {', '.join(names) or 'its form'}"
