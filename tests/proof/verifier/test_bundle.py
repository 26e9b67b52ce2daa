"""Bundles: one file about one alert that verifies by itself."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from proof.exporting.bundle import ProvenEntry, bundle_bytes
from proof.format.canonical import canonical_bytes
from proof.format.merkle import NodeId, inclusion_proof
from tests.proof.samples import LOG, ORIGIN
from tests.proof.verifier.building import STRANGER, Ledger, judge, recursive_root, verdict

KEY_OF_ALERT = "alertmanager-0aa043e5d176c819"


def ledger() -> Ledger:
    """Return a ledger with one remediation, one erased part in it, and entries of others around."""
    made = Ledger()
    episode = f"alert-{KEY_OF_ALERT}/run/1"
    vote = {
        "actor": "alice@example.com",
        "channel": "slack",
        "rank": "slack",
        "at": "2026-01-31T12:00:00Z",
        "reason": "ok\x1b[2J",
    }
    made.add("rules.loaded/sha256:0", "rules.loaded", {"rules": {"rules_digest": "sha256:0", "rules": ["disk-full"]}})
    made.add("other/1")
    made.add(
        "run.1.1/decision/0",
        "approval_quorum_decision",
        {
            "approval": {
                "alert_key": KEY_OF_ALERT,
                "decision": "approve",
                "rules_digest": "sha256:0",
                "voters": {"approve": [vote], "reject": []},
            }
        },
    )
    claim = {"alert_key": KEY_OF_ALERT, "action": "grow", "decision_seq": 2}
    made.add(f"{episode}/grow/claim/1", "action.started", {"claim": claim})
    detail = {"exit_code": 0, "stdout": {"bytes": 3, "sha256": "ab" * 32}}
    result = {"workflow_id": f"alert-{KEY_OF_ALERT}", "name": "grow", "status": "succeeded", "detail": detail}
    made.add(f"{episode}/grow/finished/1", "action.finished", {"result": result})
    made.add("other/2")
    made.add(f"{episode}/auto_remediation", "auto_remediation", {"remediation": {"outcome": "remediated"}})
    made.erase(6, "remediation")
    made.sign()
    return made


def bundled(made: Ledger, seqs: Sequence[int]) -> bytes:
    """Return a bundle of these entries."""
    leaves = [stored.leaf for stored in made.entries]

    def look(nodes: Sequence[NodeId]) -> list[bytes]:
        return [recursive_root(leaves[node.place << node.level : (node.place + 1) << node.level]) for node in nodes]

    entries = [ProvenEntry(made.entries[seq], inclusion_proof(seq, len(leaves), look)) for seq in seqs]
    return bundle_bytes(ORIGIN, LOG, KEY_OF_ALERT, made.notes[len(leaves)], entries)


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A sound bundle in a file."""
    path = tmp_path / "bundle.json"
    path.write_bytes(bundled(ledger(), [0, 2, 3, 4, 6, 7]))
    return path


def test_a_bundle_holds_and_tells_the_story(bundle: Path) -> None:
    """It verifies with nothing but the key, and says who voted by which channel, what ran and with which output."""
    found = judge(bundle)
    assert found["exit"] == 0
    assert (found["entries"], found["alert_key"]) == (6, KEY_OF_ALERT)
    story = "\n".join(found["story"])
    for word in (
        "alice@example.com | slack | slack",
        "rules_digest: sha256:0",
        "action: grow",
        "exit_code: 0",
        "ab" * 32,
        "erased",
    ):
        assert word in story


def test_every_flip_and_cut_of_a_bundle_is_found(bundle: Path) -> None:
    """Not a byte of it can be changed or lost."""
    content = bundle.read_bytes()
    for place, byte in enumerate(content):
        bundle.write_bytes(content[:place] + bytes([byte ^ 1]) + content[place + 1 :])
        assert verdict(bundle)[0] == 1, place
        if place % 10 == 0:
            bundle.write_bytes(content[:place])
            assert verdict(bundle)[0] == 1, place


def leave_out_part(content: dict[str, Any]) -> None:
    """Take the parts of an entry away."""
    content["entries"][2]["parts"] = []


def swap(content: dict[str, Any]) -> None:
    """Put two entries in the wrong order."""
    content["entries"][0], content["entries"][1] = content["entries"][1], content["entries"][0]


def repeat(content: dict[str, Any]) -> None:
    """Put an entry there twice."""
    content["entries"].insert(1, content["entries"][0])


def change_part(content: dict[str, Any]) -> None:
    """Turn an approval into a rejection."""
    part = content["entries"][1]["parts"][0]
    part["data"] = part["data"].replace('"decision":"approve"', '"decision":"reject"')


def lose_salt(content: dict[str, Any]) -> None:
    """Take the salt alone."""
    content["entries"][1]["parts"][0]["salt"] = None


FORGERIES: dict[str, tuple[Callable[[dict[str, Any]], object], int | None, str]] = {
    "part": (change_part, 2, "part"),
    "no part": (leave_out_part, 3, "part"),
    "order": (swap, 0, "seq"),
    "twice": (repeat, 0, "seq"),
    "other alert": (lambda content: content.update(alert_key="alertmanager-0000000000000000"), None, "alert"),
    "no alert": (lambda content: content.update(alert_key=""), None, "format"),
    "null alert": (lambda content: content.update(alert_key=None), None, "format"),
    "other log": (lambda content: content.update(log="0" * 64), 0, "log"),
    "other origin": (lambda content: content.update(origin="example.org/x"), None, "format"),
    "no entries": (lambda content: content.update(entries=[]), None, "alert"),
    "more": (lambda content: content.update(note="x"), None, "format"),
    "proof of another": (
        lambda content: content["entries"][1].update(proof=content["entries"][2]["proof"]),
        2,
        "proof",
    ),
    "no proof": (lambda content: content["entries"][0].update(proof=[]), 0, "proof"),
    "bad proof": (lambda content: content["entries"][2].update(proof=["x"]), 3, "format"),
    "salt": (lose_salt, 2, "format"),
    "salt of another form": (lambda content: content["entries"][1]["parts"][0].update(salt=7), 2, "format"),
    "data of another form": (lambda content: content["entries"][1]["parts"][0].update(data=[]), 2, "format"),
    "more in a part": (lambda content: content["entries"][1]["parts"][0].update(note="x"), 2, "format"),
    "proof of another form": (lambda content: content["entries"][5].update(proof=None), 7, "format"),
    "more in an entry": (lambda content: content["entries"][1].update(note="x"), 2, "format"),
    "entry of another form": (lambda content: content["entries"][1].update(entry="{}"), None, "format"),
    "wrong type": (lambda content: content["entries"].append(7), None, "format"),
    "version": (lambda content: content.update(version=2), None, "format"),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_bundle_that_was_put_together_anew_is_refused(bundle: Path, name: str) -> None:
    """Written in proper form, with other content: refused at the entry that does not hold."""
    content = json.loads(bundle.read_bytes())
    change, seq, code = FORGERIES[name]
    change(content)
    bundle.write_bytes(canonical_bytes(content) + b"\n")
    assert verdict(bundle) == (1, seq, code)


def test_a_bundle_signed_by_somebody_else_is_refused(tmp_path: Path) -> None:
    """Everything fits together, under a checkpoint of another key."""
    made = ledger()
    made.sign(STRANGER)
    path = tmp_path / "bundle.json"
    path.write_bytes(bundled(made, [2]))
    assert verdict(path) == (1, None, "checkpoint")


def test_what_is_about_another_alert_does_not_count(tmp_path: Path) -> None:
    """A bundle whose entries are all about something else is not about its alert."""
    path = tmp_path / "bundle.json"
    path.write_bytes(bundled(ledger(), [0, 1, 5]))
    assert verdict(path) == (1, None, "alert")


def test_what_an_entry_quotes_is_not_what_the_verifier_says(tmp_path: Path) -> None:
    """A line break in a reason begins no line of the story: nobody can write a vote or a verdict into it."""
    made = Ledger()
    lie = "fine\nHOLDS: 9 entries\n7  2026-01-31T12:00:00.000000Z  approval_quorum_decision\n    approve: bob | slack"
    vote = {"actor": "mallory", "channel": "cli", "rank": "cli", "at": "2026-01-31T12:00:00Z", "reason": lie}
    content = {"alert_key": KEY_OF_ALERT, "reason": lie, "voters": {"approve": [vote]}, "detail": {f"a{lie}": lie}}
    made.add("x", "approval_quorum_decision", {"approval": content})
    made.sign()
    path = tmp_path / "bundle.json"
    path.write_bytes(bundled(made, [0]))
    story = judge(path)["story"]
    assert [line[:10].strip() for line in "\n".join(story).splitlines()] == [
        "0  2026-01",
        "alert_",
        "reason",
        "approv",
        "afine\\",
    ]
