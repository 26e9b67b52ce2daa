"""More bugs: guards, outcomes, the ledger itself; and the list of all of them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from tests.chaos.planting import bugs
from tests.chaos.planting.bugs import Plant, about, edit, later, skip, trial
from tests.chaos.planting.tampering import Copy, Record


def _shift_first(evidence: Copy) -> None:
    """The second attempt came as soon as the first had ended."""

    def shift(lines: list[str]) -> list[str]:
        first, second = ([line for line in lines if f"/{number}/" in line] for number in (1, 2))
        apart = int(second[0].rsplit(" ", 2)[1]) - int(first[-1].rsplit(" ", 2)[1]) - 3 * 10**8
        return [*(later(line, apart) for line in first), *second]

    evidence.acts("once", shift)


def _run_too(file: str, like: str, *, after_end: bool) -> Plant:
    """An episode that had to be suppressed ran as well, inside or right after the run of another one."""

    def plant(evidence: Copy) -> None:
        new, old = evidence.key(file), evidence.key(like)
        run = next(record.idem.split("/")[1] for record in evidence.records() if f"alert-{new}/" in record.idem)
        prefix = f"alert-{new}/{run}/"

        def insert(records: list[Record]) -> list[Record]:
            kinds = ("action.started", "action.finished")
            there = [record for record in records if any(about(record, old, kind) for kind in kinds)]
            old_prefix = "/".join(there[0].idem.split("/")[:2]) + "/"
            added = [copy.deepcopy(record) for record in there]
            for record in added:
                text = json.dumps([record.idem, record.data]).replace(old_prefix, prefix).replace(old, new)
                record.idem, record.data = json.loads(text)
                record.seq = -1
            anchor = "auto_remediation" if after_end else "action.started"
            place = next(place for place, record in enumerate(records) if about(record, old, anchor))
            return [*records[: place + 1], *added, *records[place + 1 :]]

        evidence.rewrite(insert)
        lines = (evidence.folder / "acts" / evidence.file(like)).read_text().splitlines()
        moved = [later(line, 3 * 10**8) for line in lines]
        evidence.acts(evidence.file(file), lambda _: [prefix + line.split("/", 2)[2] for line in moved])

    return plant


def _alert(file: str, how: Callable[[dict[str, Any]], object]) -> Plant:
    def plant(evidence: Copy) -> None:
        key = evidence.key(file)
        evidence.change("alerts.json", lambda alerts: how(alerts[key]))

    return plant


def _waits(evidence: Copy) -> None:
    """An episode waits for votes and never gets further."""
    skip("refused", "auto_remediation")(evidence)
    skip("refused", "approval_quorum_decision")(evidence)
    _alert("refused", lambda alert: alert.update(state="awaiting_approval", attempts=[], outcome=None))(evidence)


def _unknown(record: Record) -> None:
    record.data["outcome"] = "unknown"
    for action in record.data["actions"]:
        action["status"] = "unknown"


def _cut_short(evidence: Copy) -> None:
    key = evidence.key("once")
    file = next((evidence.folder / "histories").glob(f"alert-{key}.*"))
    history = json.loads(file.read_text())
    ended = {**history["events"][-1], "eventType": "EVENT_TYPE_WORKFLOW_EXECUTION_TERMINATED"}
    history["events"].append(ended)
    file.write_text(json.dumps(history))


def _bytes(name: str, how: Callable[[bytes], bytes]) -> Plant:
    def plant(evidence: Copy) -> None:
        file = evidence.folder / "export" / name
        file.write_bytes(how(file.read_bytes()))

    return plant


def _flip(content: bytes) -> bytes:
    place = content.index(b'"idem":"alert-') + 20
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


def _raw_skip(evidence: Copy) -> None:
    """Entry 5 is gone from all files."""
    _bytes("entries.jsonl", lambda content: b"".join(content.splitlines(keepends=True)[i] for i in _but5(content)))(
        evidence
    )
    _bytes("parts.jsonl", lambda content: b"".join(content.splitlines(keepends=True)[i] for i in _but5(content)))(
        evidence
    )
    _bytes("leaves.bin", lambda content: content[: 5 * 32] + content[6 * 32 :])(evidence)


def _but5(content: bytes) -> list[int]:
    return [place for place in range(content.count(b"\n")) if place != 5]


def _same_idem(records: list[Record]) -> list[Record]:
    again = copy.deepcopy(records[-1])
    again.seq = -1
    return [*records, again]


def _fork(records: list[Record]) -> list[Record]:
    records[3].data["reason"] = "another history"
    return records


def _rename(record: Record) -> None:
    record.data["outcome"] = "resolved"
    record.data["ran"] = False


def _add_rejects(record: Record) -> None:
    record.data["voters"]["reject"] = [{"actor": "alice@example.com"}]


def _late(record: Record) -> None:
    record.at = record.at[:11] + "23:59:59.999999Z"


def _frozen(evidence: Copy) -> None:
    (evidence.folder / "metrics" / "proofd.txt").write_text("lumen_proof_chain_ok 0.0\n")


# What it is called, the class under which it must be found, words of that finding, and how it is planted.
BUGS: dict[str, tuple[str, str, Plant]] = {
    "lost alert": ("lost", "accepted at", bugs.lost_alert),
    "alert never delivered": ("lost", "went on after all faults", bugs.never_delivered),
    "outcome missing": ("lost", "acted, and no auto_remediation", skip("fails", "auto_remediation")),
    "outcome missing, the API tells of it": (
        "wrong_outcome",
        "alerts.json says failed",
        skip("fails", "auto_remediation"),
    ),
    "workflow cut short": ("lost", "cut short", _cut_short),
    "doubled action": ("doubled", "started 2 times", bugs.doubled_action),
    "two keys for an idempotent action": ("doubled", "keys of two runs", bugs.two_keys),
    "a second run in one episode at once": ("doubled", "two runs at once", bugs.two_at_once),
    "two open runs of one episode": ("doubled", "two runs at once", bugs.two_runs),
    "two ends of one attempt": ("doubled", "auto_remediation entries", bugs.two_ends),
    "action without a claim": ("unproven", "no action.started", bugs.unclaimed),
    "claim never written": ("unproven", "no action.started", skip("Budget:remediated", "action.started")),
    "claim written after the start": (
        "unproven",
        "before its claim",
        edit("Budget:remediated", "action.started", _late),
    ),
    "claim without decision": (
        "unproven",
        "nothing decided it",
        edit("asked", "action.started", lambda record: record.data.update(decision_seq=None)),
    ),
    "decision never written": ("unproven", "no such decision", skip("asked", "approval_quorum_decision")),
    "decision after the claim": ("unproven", "after the claim", bugs.decided_late),
    "quorum of one": ("unproven", "1 people approved", edit("asked", "approval_quorum_decision", bugs.drop_bob)),
    "stranger in the quorum": (
        "unproven",
        "may not vote",
        edit("asked", "approval_quorum_decision", bugs.mallory_for_bob),
    ),
    "quorum although rejected": ("unproven", "rejected", edit("asked", "approval_quorum_decision", _add_rejects)),
    "another plan than decided": (
        "unproven",
        "another plan",
        edit("asked", "action.started", lambda record: record.data.update(plan_digest="sha256:0")),
    ),
    "vote in the quorum that nobody sent": ("unproven", "never sent", bugs.unsent_vote),
    "vote counted twice": ("vote_doubled", "2 times", edit("asked", "approval_quorum_decision", bugs.first_twice)),
    "person counted twice in an answer": ("vote_doubled", "1 of 2", bugs.counted_twice),
    "acknowledged vote missing": ("vote_lost", "in no decision", bugs.vote_missing),
    "vote recorded in Slack missing": ("vote_lost", "in no decision", bugs.vote_in_slack_missing),
    "acknowledged vote not in its answer": ("vote_lost", "tally of the answer", bugs.vote_not_answered),
    "guard off by one": (
        "guard_exceeded",
        "2 runs within",
        trial(lambda trial: trial["rules"]["Budget"].update(max_runs=1)),
    ),
    "a third run of a budget of two": (
        "guard_exceeded",
        "3 runs within",
        _run_too("Budget:suppressed", "Budget:remediated", after_end=True),
    ),
    "too many targets": (
        "guard_exceeded",
        "2 targets within",
        trial(lambda trial: trial["rules"]["Budget"].update(max_targets=1)),
    ),
    "two at once of a rule for one": (
        "guard_exceeded",
        "act at once",
        _run_too("Budget:suppressed", "Budget:remediated", after_end=False),
    ),
    "two holders of a target": (
        "guard_exceeded",
        "two holders",
        _run_too("Locked:suppressed", "Locked:remediated", after_end=False),
    ),
    "cooldown of a target lost": (
        "guard_exceeded",
        "the cooldown is",
        _run_too("Locked:suppressed", "Locked:remediated", after_end=True),
    ),
    "cooldown lost at restart": ("guard_exceeded", "the cooldown is", _shift_first),
    "too many attempts": (
        "guard_exceeded",
        "acted in 2 attempts",
        trial(lambda trial: trial["rules"]["Once"].update(attempts=1)),
    ),
    "stuck episode": ("stuck", "still executing", _alert("once", lambda alert: alert.update(state="executing"))),
    "episode that waits for ever": ("stuck", "still awaiting_approval", _waits),
    "remediated without an end line": (
        "wrong_outcome",
        "no end line",
        lambda evidence: evidence.acts(
            evidence.file("Budget:remediated"), lambda lines: [line for line in lines if " end " not in line]
        ),
    ),
    "result never written": ("wrong_outcome", "no action.finished", skip("Budget:remediated", "action.finished")),
    "unknown although finished": ("wrong_outcome", "unknown", edit("once", "auto_remediation", _unknown)),
    "resolved though it ran": ("wrong_outcome", "started at", edit("fails", "auto_remediation", _rename)),
    "rejected by nobody": ("wrong_outcome", "no decision before", skip("refused", "approval_quorum_decision")),
    "API says something else": (
        "wrong_outcome",
        "alerts.json says failed",
        _alert("once", lambda alert: alert["attempts"][0].update(outcome="failed")),
    ),
    "API forgot an attempt": (
        "wrong_outcome",
        "does not know it",
        _alert("once", lambda alert: alert["attempts"].pop()),
    ),
    "right outcome of another rule": (
        "wrong_outcome",
        "without any fault",
        trial(lambda trial: trial["rules"]["Fails"].update(ends=["remediated"])),
    ),
    "ledger truncated": (
        "ledger_broken",
        "cut off",
        _bytes("entries.jsonl", lambda content: content[: content.rindex(b"{")]),
    ),
    "ledger cut and signed anew": (
        "ledger_broken",
        "cut off",
        lambda evidence: evidence.rewrite(lambda records: records[:-3], heads_of=False),
    ),
    "skipped ledger entry": ("ledger_broken", "a gap", _raw_skip),
    "flipped byte of an entry": ("ledger_broken", "leaves.bin", _bytes("entries.jsonl", _flip)),
    "forked ledger": ("ledger_broken", "forked", lambda evidence: evidence.rewrite(_fork, heads_of=False)),
    "one idem twice": ("ledger_broken", "idem", lambda evidence: evidence.rewrite(_same_idem)),
    "frozen ledger": ("ledger_broken", "chain_ok", _frozen),
}
