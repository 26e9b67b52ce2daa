"""What a real episode leaves in the ledger can be carried away and checked by somebody who has one key and one file."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.acceptance.steps import appending, eventually, until_recorded, vote_until_taken
from tests.stack.site import Site

ALICE = "alice@example.com"


def verified(site: Site, path: Path, folder: Path) -> dict[str, Any]:
    """Return what the offline verifier says, as an auditor runs it; fail unless it holds."""
    program = folder / "verify_lumen_proof.py"
    program.write_text(site.lumen("proof", "verifier").stdout)
    vkey = site.lumen("proof", "vkey").stdout.strip()
    argv = [sys.executable, "-I", str(program), str(path), "--vkey", vkey, "--strict", "--json", "--max-age", "1h"]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_remediation_is_proven_elsewhere(shared_site: Site, tmp_path: Path) -> None:
    """The bundle holds vote, decision, claim, result, outcome and the rules under their digest; the export all entries."""
    site = shared_site
    site.add_rule("Proven", actions=[{"name": "run", "cmd": appending(site.folder / "proven")}])
    key, other = site.post_alert("Proven"), site.post_alert("Proven", instance="other")
    for one in (key, other):
        site.until_state(one, "awaiting_approval")
        vote_until_taken(site, one, ALICE)
        assert until_recorded(site, one)["outcome"] == "remediated"
    digest = site.status(key)["plan"]["rules_digest"]
    eventually(
        lambda: any(entry["kind"] == "rules.loaded" for entry in site.entries(digest)), "the rules in the ledger"
    )
    bundle = tmp_path / "bundle.json"
    made = site.lumen("proof", "bundle", key, "--output", str(bundle), "--json")
    assert made.returncode == 0, made.stderr
    content = json.loads(bundle.read_bytes())
    kinds = [json.loads(item["entry"])["kind"] for item in content["entries"]]
    wanted = {
        "rules.loaded": 1,
        "approval_quorum_decision": 1,
        "action.started": 1,
        "action.finished": 1,
        "auto_remediation": 1,
    }
    assert {kind: kinds.count(kind) for kind in kinds} == wanted
    found = verified(site, bundle, tmp_path)
    story = "\n".join(found["story"])
    for word in (ALICE, "with this digest", "status: succeeded", "outcome: remediated", "SHA-256"):
        assert word in story, word
    assert "NOT WITH" not in story
    assert other not in story


def test_the_whole_ledger_is_proven_elsewhere(shared_site: Site, tmp_path: Path) -> None:
    """Every entry of the export verifies, and ledger and Temporal tell the same story."""
    site = shared_site
    site.add_rule("Exported", mode="auto", actions=[{"name": "run", "cmd": appending(site.folder / "exported")}])
    until_recorded(site, site.post_alert("Exported"))
    export = tmp_path / "export"
    made = site.lumen("proof", "export", str(export))
    assert made.returncode == 0, made.stderr
    assert verified(site, export, tmp_path)["height"] == len((export / "entries.jsonl").read_bytes().splitlines())
    reconciled = site.lumen("reconcile", "--json")
    assert reconciled.returncode == 0, reconciled.stdout
    assert json.loads(reconciled.stdout)["ledger"]["omissions"] == []
