"""``lumen proof export``, ``import`` and ``bundle`` with a real proofd, judged by the program of ``lumen proof verifier``."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import FakeService, Lumen
from tests.stack.calling import calls
from tests.stack.processes import Child

KEY = "alertmanager-0aa043e5d176c819"
EPISODE = f"alert-{KEY}/run-1/1"


def entry(idem: str, kind: str, name: str, **content: Any) -> dict[str, Any]:
    """Return an entry with one part, as the core writes them."""
    return {"idem": idem, "kind": kind, "parts": {name: {"type": kind, **content}}}


VOTE = {"actor": "alice@example.com", "channel": "slack", "rank": "slack", "at": "t", "reason": ""}
DECISION, CLAIM, RESULT = "approval_quorum_decision", "action.started", "action.finished"
ENTRIES = [
    entry("rules.loaded/sha256:0", "rules.loaded", "rules", rules_digest="sha256:0", rules=["disk-full"]),
    entry("rules.loaded/sha256:01", "rules.loaded", "rules", rules_digest="sha256:01", rules=[]),
    entry("run-1.1.1/decision/0", DECISION, "approval", alert_key=KEY, voters={"approve": [VOTE], "reject": []}),
    entry(f"{EPISODE}/grow/claim/1", CLAIM, "claim", alert_key=KEY, rules_digest="sha256:0", decision_seq=2),
    entry(f"{EPISODE}/grow/finished/1", RESULT, "result", workflow_id=f"alert-{KEY}", status="succeeded"),
    entry(f"alert-{KEY}0/run-2/1/grow/claim/1", CLAIM, "claim", alert_key=f"{KEY}0"),
    entry("elsewhere/decision/1", DECISION, "approval", alert_key=KEY, decision="reject"),
    entry(f"{EPISODE}/auto_remediation", "auto_remediation", "remediation", alert_key=KEY, decision={"seq": 6}),
    entry(f"alert-{KEY}/override/1", "override", "override", alert_key=KEY),
]


@pytest.fixture
def url(start_proofd: Callable[[], tuple[Child, str]], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a proofd with some entries, which the environment names."""
    address = start_proofd()[1]
    monkeypatch.setenv("PROOFD_URL", address)
    monkeypatch.setenv("PROOFD_TOKEN", "proofd-token")
    for body in ENTRIES:
        headers = {"Authorization": "Bearer proofd-token"}
        calls().post(address + "/append", json=body, headers=headers).raise_for_status()
    return address


def verified(lumen: Lumen, folder: Path, *arguments: str) -> tuple[int, dict[str, Any]]:
    """Return what the program that ``lumen proof verifier`` prints finds, run away from here."""
    program = folder / "verify_lumen_proof.py"
    program.write_text(lumen("proof", "verifier").out)
    done = subprocess.run(
        [sys.executable, "-I", str(program), *arguments, "--json"], capture_output=True, check=False, timeout=60
    )
    return done.returncode, json.loads(done.stdout)


def test_an_export_is_verified_elsewhere(lumen: Lumen, url: str, tmp_path: Path) -> None:
    """All entries as of the newest checkpoint; a second export is the same to the byte; a full directory is refused."""
    ran = lumen("proof", "export", "out")
    assert ran.code == 0, ran.err
    assert f"wrote {len(ENTRIES)} entries" in ran.out
    vkey = lumen("proof", "vkey").out.strip()
    code, found = verified(lumen, tmp_path, "out", "--vkey", vkey, "--strict")
    assert (code, found["height"], found["signed"]) == (0, len(ENTRIES), len(ENTRIES))
    assert lumen("proof", "export", "again", "--json").document["height"] == len(ENTRIES)
    for path in Path("out").rglob("*"):
        if path.is_file() and path.parent.name != "checkpoints":
            assert (
                path.name == "manifest.json"
                or path.read_bytes() == (Path("again") / path.relative_to("out")).read_bytes()
            )
    refused = lumen("proof", "export", "out")
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "not empty" in refused.err


def test_anchors_are_put_in(lumen: Lumen, url: str, tmp_path: Path) -> None:
    """Checkpoints kept elsewhere travel with the export and are compared by whoever verifies it."""
    kept = tmp_path / "kept"
    kept.mkdir()
    (kept / "git.note").write_text(calls().get(url + "/checkpoint").text)
    (kept / "receipt.txt").write_text("pushed")
    assert lumen("proof", "export", "out", "--anchors", "kept").code == 0
    vkey = lumen("proof", "vkey").out.strip()
    code, found = verified(lumen, tmp_path, "out", "--vkey", vkey)
    assert (code, found["counts"]["anchors"]) == (0, 2)
    assert lumen("proof", "export", "other", "--anchors", "nothing").code == 2


def test_what_a_git_repository_keeps_beside_anchors_is_left_out(lumen: Lumen, url: str, tmp_path: Path) -> None:
    """The anchor directory may be a git repository, with files of git's own."""
    kept = tmp_path / "kept"
    (kept / ".git").mkdir(parents=True)
    (kept / ".gitignore").write_text("*.new")
    (kept / "newest.note").write_text(calls().get(f"{url}/checkpoint").text)
    assert lumen("proof", "export", "out", "--anchors", "kept").code == 0
    assert [path.name for path in (tmp_path / "out" / "anchors").iterdir()] == ["newest.note"]


def test_a_full_disk_is_one_line(lumen: Lumen, url: str, tmp_path: Path) -> None:
    """Neither an export nor a bundle that was cut off looks like a whole one, and the second try is not in its own way."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024, limits[1]))
    try:
        export, bundle = lumen("proof", "export", "out"), lumen("proof", "bundle", KEY)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert (export.code, export.err.count("\n"), bundle.code, bundle.err.count("\n")) == (1, 1, 1, 1)
    assert "no export" in export.err
    assert not (tmp_path / "out" / "manifest.json").exists()
    assert lumen("proof", "bundle", KEY).code == 0


def test_a_bundle_holds_what_is_about_its_alert(lumen: Lumen, url: str, tmp_path: Path) -> None:
    """Its episodes, decisions and rules, found by key and by number; nothing of an alert whose key begins the same."""
    ran = lumen("proof", "bundle", KEY, "--json")
    assert ran.document["entries"] == [0, 2, 3, 4, 6, 7, 8]
    vkey = lumen("proof", "vkey").out.strip()
    code, found = verified(lumen, tmp_path, f"{KEY}.bundle.json", "--vkey", vkey)
    assert (code, found["entries"]) == (0, 7)
    assert "alice@example.com" in "".join(found["story"])
    again = lumen("proof", "bundle", KEY)
    assert (again.code, again.err.count("\n")) == (1, 1)
    assert lumen("proof", "bundle", KEY, "-o", "other.json").code == 0
    unknown = lumen("proof", "bundle", "alertmanager-0000000000000000")
    assert unknown.code == 1
    assert "no entries" in unknown.err


def test_an_export_becomes_a_ledger(lumen: Lumen, url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Taken in by an empty place with the same origin and salt, and by no other; a changed one by none."""
    assert lumen("proof", "export", "out").code == 0
    vkey = lumen("proof", "vkey").out.strip()
    monkeypatch.setenv("PROOF_DSN", f"sqlite:///{tmp_path}/new.db")
    wrong = lumen("proof", "import", "out", "--vkey", vkey)
    assert wrong.code == 1
    assert "first bad seq 0: log" in wrong.err
    monkeypatch.setenv("PROOF_SALT", "tests")
    ran = lumen("proof", "import", "out", "--vkey", vkey, "--json")
    assert ran.document["height"] == len(ENTRIES)
    assert (tmp_path / "checkpoint" / "new.db.note").exists()
    assert lumen("proof", "import", "out", "--vkey", vkey).code == 1
    assert lumen("proof", "import", "out", "--vkey", "nonsense").code == 2
    monkeypatch.setenv("PROOF_DSN", f"sqlite:///{tmp_path}/other.db")
    monkeypatch.setenv("PROOF_CHECKPOINT_FILE", f"{tmp_path}/other.note")
    parts = Path("out/parts.jsonl")
    parts.write_bytes(parts.read_bytes().replace(b"disk-full", b"disk-fulL"))
    changed = lumen("proof", "import", "out", "--vkey", vkey)
    assert (changed.code, changed.err.count("\n")) == (1, 1)
    assert "first bad seq 0: part" in changed.err
    assert not (tmp_path / "other.db").exists()


@pytest.mark.parametrize(
    "answer", [{}, {"origin": 1, "log": 2, "checkpoint": 3, "vkeys": 4}, {"vkeys": ["x"], "checkpoint": "x"}]
)
def test_an_answer_that_cannot_be_used_is_one_line(
    lumen: Lumen, service: FakeService, monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any]
) -> None:
    """Whatever else answers there: no traceback, and no export."""
    monkeypatch.setenv("PROOFD_URL", service.url)
    service.answer(200, answer)
    ran = lumen("proof", "export", "out")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert not Path("out").exists()
