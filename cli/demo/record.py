"""The ledger entries of the demo's episode: how each reads, and whether they say what was seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cli.failure import CommandError

_APPROVED = ["approval_quorum_decision", "action.started", "action.finished", "auto_remediation"]
_REJECTED = ["approval_quorum_decision", "auto_remediation"]


def line_of(entry: Mapping[str, Any]) -> str:
    """Return number, kind and the gist of an entry."""
    part = next(iter(entry["parts"].values()), None) or {}
    gist = {
        "approval_quorum_decision": lambda: f"{part['decision']}, by {', '.join(_voters(part, part['decision']))}",
        "action.started": lambda: f"the claim to start {part['action']}, once",
        "action.finished": lambda: f"{part['name']} {part['status']}",
        "auto_remediation": lambda: f"the outcome, {part['outcome']}",
    }.get(entry["kind"])
    return f"{entry['seq']} {entry['kind']}" + (f": {gist()}" if gist else "")


def check(entries: Sequence[Mapping[str, Any]], votes: Mapping[str, str], plan_digest: str, outcome: str) -> None:
    """Compare the entries with what the person has seen: their kinds and order, the voters, the plan and the outcome.

    Raises:
        CommandError: names the first difference.

    """
    decision = "reject" if "reject" in votes.values() else "approve"
    kinds, wanted = [entry["kind"] for entry in entries], _REJECTED if decision == "reject" else _APPROVED
    if kinds != wanted:
        raise CommandError(f"the ledger has {', '.join(kinds) or 'nothing'} of this episode, not {', '.join(wanted)}")
    parts = [next(iter(entry["parts"].values())) for entry in entries]
    cast = {actor: side for side in ("approve", "reject") for actor in _voters(parts[0], side)}
    if (parts[0]["decision"], cast) != (decision, dict(votes)):
        raise CommandError(f"entry {entries[0]['seq']} has another decision or other voters than were asked")
    for entry, part in zip(entries, parts, strict=True):
        if part.get("plan_digest", plan_digest) != plan_digest:
            raise CommandError(f"entry {entry['seq']} is about another plan than the one that was shown")
    if parts[-1]["outcome"] != outcome:
        raise CommandError(f"entry {entries[-1]['seq']} has the outcome {parts[-1]['outcome']}, not {outcome}")


def _voters(part: Mapping[str, Any], side: str) -> list[str]:
    return [vote["actor"] for vote in part["voters"][side]]
