"""Does the export continue every checkpoint that was seen during the trial? (class ``ledger_broken``)"""

from __future__ import annotations

import base64
import re

from tests.chaos.checking.evidence import Evidence
from tests.chaos.checking.export import broken, judge_checkpoint
from tests.chaos.checking.notes import DamagedError, parse_checkpoint
from tests.chaos.checking.reading import number, text, whole
from tests.chaos.checking.report import Report

CHAIN_OK = re.compile(r"^lumen_proof_chain_ok(?:\{[^}]*\})? +([^ \n]+)", re.MULTILINE)


def check_heads(evidence: Evidence, report: Report) -> None:
    """Judge the checkpoints of heads.jsonl and what the ledger said about itself at the end."""
    report.counts["entries"] = len(evidence.export.leaves)
    report.counts["heads"] = len(evidence.heads)
    largest, before = -1, 0.0
    for place, head in enumerate(evidence.heads, 1):
        where = f"heads.jsonl line {place} (at {number(head, 'at')})"
        size = _size(head, where, evidence, report)
        if size is None:
            continue
        at = number(head, "at") or before
        if at >= before and size < largest:
            broken(report, where, f"it is over {size} entries, one seen before was over {largest}")
        largest, before = max(largest, size), max(before, at)
    for file in sorted((evidence.folder / "metrics").glob("*.txt")):
        match = CHAIN_OK.search(file.read_text(errors="replace"))
        if match and match[1] in {"0", "0.0"}:
            broken(
                report, f"metrics/{file.name}", "lumen_proof_chain_ok is 0: the ledger is frozen, or was not verified"
            )


def _size(head: dict[str, object], where: str, evidence: Evidence, report: Report) -> int | None:
    """Judge one line and return the number of entries that it speaks of."""
    note = text(head, "checkpoint")
    if note:
        try:
            checkpoint = parse_checkpoint(note.encode(errors="replace"))
        except DamagedError as error:
            broken(report, where, str(error))
            return None
        judge_checkpoint(checkpoint, where, evidence.export, report)
        return checkpoint.size
    size, root = whole(head, "size"), text(head, "root")
    if size is None or size < 0 or not root:
        report.add("evidence", "", f"{where} holds neither a checkpoint nor size and root")
        return None
    computed = evidence.export.roots.get(size)
    if computed is None:
        broken(
            report,
            where,
            f"it is over {size} entries, the export has {len(evidence.export.leaves)}: the end is cut off",
        )
    elif root not in {computed.hex(), base64.b64encode(computed).decode()}:
        broken(report, where, f"the root at {size} is another one: a changed or forked history")
    return size
