"""Entries that are each in the log, put together into a bundle that says something that they do not."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.proof.verifier.building import Ledger, judge, verdict
from tests.proof.verifier.test_bundle import KEY_OF_ALERT, bundled

OTHER = "alertmanager-0000000000000000"
TEXT = '{"rules":[]}'
DIGEST = "sha256:" + hashlib.sha256(TEXT.encode()).hexdigest()
MINE, THEIRS = f"alert-{KEY_OF_ALERT}/run", f"alert-{OTHER}/run"
Added = tuple[str, str, dict[str, Any]]


def decision(key: str = KEY_OF_ALERT, run: str = "run") -> Added:
    """Return a decision about an alert, under the rules of ``DIGEST``."""
    content = {"alert_key": key, "decision": "approve", "rules_digest": DIGEST}
    return f"{run}.1/decision/0", "approval_quorum_decision", {"approval": content}


def claim(seq: Any, key: str = KEY_OF_ALERT, **more: Any) -> Added:
    """Return a claim that names a decision by its number."""
    content = {"alert_key": key, "workflow_id": f"alert-{key}", "decision_seq": seq, **more}
    return f"alert-{key}/run/1/grow/claim/1", "action.started", {"claim": content}


def rules(text: Any = TEXT, digest: str = DIGEST, idem: str = "", **more: Any) -> Added:
    """Return the entry of a rule set."""
    content = {"rules_digest": digest, "text": text, "hidden": False, **more}
    return f"rules.loaded/{idem or digest}", "rules.loaded", {"rules": content}


def write(path: Path, *added: Added, erased: int | None = None) -> Path:
    """Write a bundle of all these entries; ``erased``: the entry whose only part is gone."""
    ledger = Ledger()
    for idem, kind, parts in added:
        ledger.add(idem, kind, parts)
    if erased is not None:
        ledger.erase(erased, next(iter(added[erased][2])))
    ledger.sign()
    file = path / "bundle.json"
    file.write_bytes(bundled(ledger, range(len(ledger.entries))))
    return file


HONEST: dict[str, tuple[list[Added], int | None]] = {
    "all": ([rules(), decision(), claim(1)], None),
    "no decision": ([claim(None)], None),
    "hidden text": ([rules("", hidden=True), decision()], None),
    "first version": (
        [("rules.loaded/" + DIGEST, "rules.loaded", {"rules": {"rules_digest": DIGEST}}), decision()],
        None,
    ),
    "rules erased": ([rules(), decision()], 0),
    "decision erased": ([decision(), claim(0)], 0),
    "decision erased, known by its run": ([decision(), claim(None)], 0),
    "claim erased": ([decision(), claim(0)], 1),
    "rules elsewhere": ([decision(), claim(0)], None),
}


@pytest.mark.parametrize("name", HONEST)
def test_what_belongs_together_holds(tmp_path: Path, name: str) -> None:
    """What an honest ledger gives holds, with parts that are gone and with rules of every form."""
    added, erased = HONEST[name]
    assert judge(write(tmp_path, *added, erased=erased))["exit"] == 0


FALSE: dict[str, tuple[list[Added], int | None, int, str]] = {
    "decision about another alert": ([decision(OTHER), claim(0)], None, 0, "alert"),
    "claim of another alert": ([decision(), claim(0, OTHER)], None, 1, "alert"),
    "another workflow": ([decision(), claim(0, workflow_id=f"alert-{OTHER}")], None, 1, "alert"),
    "another alert in the key": (
        [decision(), (f"{THEIRS}/x", "action.finished", {"result": {"alert_key": KEY_OF_ALERT}})],
        None,
        1,
        "alert",
    ),
    "about nothing": ([decision(), ("x", "override", {"override": {"decision": "freeze"}})], None, 1, "alert"),
    "erased claim of another alert": ([decision(), claim(0, OTHER)], 1, 1, "alert"),
    "erased decision of another run": ([decision(run="else"), claim(None)], 0, 0, "alert"),
    "decision that is not here": ([decision(), claim(7)], None, 1, "decision"),
    "decision that is none": ([claim(None), (f"{MINE}/y", *claim(0)[1:])], None, 1, "decision"),
    "decision after the claim": ([claim(1), decision()], None, 0, "decision"),
    "decision that is no number": ([decision(), claim(False)], None, 1, "decision"),
    "decision that is a list": ([decision(), claim([0])], None, 1, "decision"),
    "text of other rules": ([rules("{}"), decision()], None, 0, "rules"),
    "no text": ([rules(None), decision()], None, 0, "rules"),
    "rules under another key": ([rules(idem="sha256:0"), decision()], None, 0, "rules"),
    "rules that nothing names": ([rules("{}", "sha256:" + hashlib.sha256(b"{}").hexdigest()), decision()], None, 0, "rules"),
    "erasure of what is here": ([decision(), ("part.erased/0/approval", "part.erased", {})], None, 1, "alert"),
}  # fmt: skip


@pytest.mark.parametrize("name", FALSE)
def test_what_does_not_belong_together_is_found(tmp_path: Path, name: str) -> None:
    """Every entry is in the log and fits its commitments; the bundle as a whole says what is not so."""
    added, erased, seq, code = FALSE[name]
    assert verdict(write(tmp_path, *added, erased=erased)) == (1, seq, code)
