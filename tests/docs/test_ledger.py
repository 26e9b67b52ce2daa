"""The program in docs/ledger.md verifies real ledgers, and the page names every field of every kind."""

from __future__ import annotations

import re
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lumen import records
from lumen.alert import Alert
from lumen.episode import Attempt
from lumen.messages import ActionResult, ExecuteRequest, LedgerAppend
from lumen.outcome import ActionStatus, Outcome
from lumen.plan import Approval, Limits, Mode, Plan, PlannedAction
from lumen.quorum import Tally
from proof.format.kinds import KINDS
from tests.proof.samples import append, draft, open_ledger

_PAGE = (Path(__file__).parents[2] / "docs" / "ledger.md").read_text(encoding="utf-8")
_NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    """Return the file of a ledger with three entries, which is closed."""
    path = tmp_path / "proof.db"
    store = open_ledger(path)
    for number in range(3):
        append(store, draft(f"key-{number}", approval={"actor": "a@example.com", "n": number}, other={"ü": number}))
    store.close()
    return path


def verify(path: Path) -> subprocess.CompletedProcess[str]:
    """Run the program of the page on the ledger in ``path``."""
    program = re.findall(r"```python\n(.*?)```", _PAGE, re.DOTALL)[0]
    return subprocess.run(
        [sys.executable, "-I", "-c", program, str(path)], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_program_of_the_page_accepts_a_sound_ledger(ledger: Path) -> None:
    """A sound ledger gives its height and its head."""
    db = sqlite3.connect(ledger)
    height, head = db.execute("SELECT height, leaf FROM head").fetchone()
    db.close()
    found = verify(ledger)
    assert (found.stdout, found.returncode) == (f"{height} {head}\n", 0), found.stderr


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE part SET data = CAST(replace(data, 'a@', 'b@') AS BLOB) WHERE seq = 1 AND name = 'approval'",
        "UPDATE entry SET body = CAST(replace(body, 'key-1', 'key-9') AS BLOB) WHERE seq = 1",
        "DELETE FROM entry WHERE seq = 1",
        "DELETE FROM entry WHERE seq = 2",
        "DELETE FROM part WHERE seq = 1",
        "UPDATE entry SET leaf = zeroblob(32) WHERE seq = 2",
    ],
)
def test_the_program_of_the_page_refuses_a_changed_ledger(ledger: Path, change: str) -> None:
    """Whatever is changed without making the later hashes anew is seen."""
    db = sqlite3.connect(ledger)
    for (trigger,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {trigger}")
    assert db.execute(change).rowcount
    db.commit()
    db.close()
    found = verify(ledger)
    assert found.returncode == 1
    assert "AssertionError" in found.stderr


def test_the_page_has_every_kind() -> None:
    """Every kind that proofd takes is on the page."""
    assert [kind for kind in sorted(KINDS) if f"`{kind}`" not in _PAGE] == []


def entries() -> list[LedgerAppend]:
    """Return one entry of each kind that the core writes."""
    alert = Alert("alertmanager", "0aa043e5d176c819", {"alertname": "X"}, _NOW)
    action = PlannedAction("greet", "cmd", {"argv": ["/bin/true"]})
    plan = Plan("X", Mode.APPROVE, False, "t", "", "", (action,), Approval(), 0.0, Limits()).sealed("sha256:0")
    request = ExecuteRequest(alert, "alert-x", plan.digest, "greet", "alert-x/r/1/greet", tried=1, attempt=1)
    result = ActionResult("greet", "cmd", "alert-x/r/1/greet", ActionStatus.SUCCEEDED)
    attempt = Attempt(1, Outcome.REMEDIATED, _NOW, _NOW)
    overridden = dict.fromkeys(("decision", "actor", "channel", "rank", "reason", "state"), "")
    return [
        records.claim_entry(request, action, plan, "n", "r"),
        records.finished_entry(result, 1, "n", "alert-x"),
        records.void_entry("k", 1, "", "r"),
        records.decision_entry(alert, plan, Tally("approved", (), ()), "r.1.1", _NOW, []),
        records.override_entry("alert-x", "x", overridden, _NOW),
        records.rules_entry("sha256:0", []),
        records.remediation_entry(
            workflow_id="alert-x", first_run_id="r", alert=alert, plan=plan, rule="r", attempt=attempt, decision=None
        ),
    ]


@pytest.mark.parametrize("entry", entries(), ids=lambda entry: str(entry.kind))
def test_the_page_lists_the_fields_of_each_kind(entry: LedgerAppend) -> None:
    """The section of a kind lists exactly the fields of its one part, in the order in which they are written."""
    section = _PAGE.split(f"### `{entry.kind}`")[1].split("\n#", maxsplit=1)[0]
    listed = [re.split(r",\s+", text) for text in re.findall(r"`(type, [^`]*)`", section)]
    ((name, part),) = _parts(entry)
    assert f"`{name}`" in section
    assert list(part) in listed


def _parts(entry: LedgerAppend) -> list[tuple[str, dict[str, Any]]]:
    return list(entry.parts.items())
