"""Runs a small real site once, without faults, and collects an evidence folder from it."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

from tests.stack.calling import calls
from tests.stack.site import API_TOKEN, WEBHOOK_TOKEN, Site

PEOPLE = [f"{name}@example.com" for name in ("alice", "bob", "carol")]
ALICE, BOB, CAROL = PEOPLE
MALLORY = "mallory@example.com"
COOLDOWN = 2
ACT = """\
import os, sys, time
def tell(word):
    file = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(file, f"{os.environ['LUMEN_IDEMPOTENCY_KEY']} {word} {time.monotonic_ns()} {os.getpid()}\\n".encode())
    os.close(file)
tell("start")
time.sleep(0.05)
if open(sys.argv[1]).read().count(" start ") > int(sys.argv[2]):
    tell("end")
else:
    sys.exit(1)
"""


class Collector:
    """Sends, votes and writes down what was said, as the harness of the trials does."""

    def __init__(self, site: Site, folder: Path) -> None:
        """Make an empty evidence folder with the verifier key in it."""
        self.site, self.folder = site, folder
        self.rules: dict[str, dict[str, Any]] = {}
        self.episodes: dict[str, dict[str, Any]] = {}
        (folder / "acts").mkdir(parents=True)
        self.script = folder.parent / "act.py"
        self.script.write_text(ACT)
        (folder / "vkey.txt").write_text(site.lumen("proof", "vkey").stdout)
        self.began = time.monotonic()

    def rule(self, name: str, *, actions: int = 1, fails: int = 0, again: bool = False, ends: str, **more: Any) -> None:
        """Add a rule whose commands write lines; the first ``fails`` of them fail."""
        argv = [sys.executable, "-I", "-S", str(self.script), f"{self.folder}/acts/{{labels.file}}", str(fails)]
        retry = {"idempotent": True, "retry": {"attempts": 2, "backoff": 1}} if again else {}
        steps = [{"name": f"step {number}", "cmd": argv, **retry} for number in range(1, actions + 1)]
        rule = {"mode": "auto", "cooldown": COOLDOWN, "limits": {"attempts": 2}, "actions": steps, **more}
        self.site.rulebook.add(name, **rule)
        approval, limits = rule.get("approval", {}), rule["limits"]
        self.rules[name] = {
            "mode": rule["mode"],
            "idempotent": again,
            "actions": actions,
            "approve": approval.get("approve", 1),
            "reject": approval.get("reject", 1),
            "allow": approval.get("allow", PEOPLE),
            "max_runs": limits.get("max_runs"),
            "per_seconds": 3600 if "max_runs" in limits else None,
            "concurrency": limits.get("concurrency"),
            "max_targets": None,
            "cooldown_seconds": COOLDOWN,
            "attempts": limits.get("attempts", 3),
            "target_label": "host" if "target" in rule else None,
            "ends": ends.split(),
        }

    def send(self, rule: str, *files: str, status: str = "firing", hand: bool = False, **labels: str) -> list[str]:
        """Send one alert for each file, through the webhook or by hand, and return the keys."""
        alerts: list[dict[str, Any]] = [
            {"status": status, "labels": {"alertname": rule, "file": file, **labels}, "annotations": {}}
            for file in files
        ]
        began = time.monotonic()
        path, body = ("/alert", alerts[0]) if hand else ("/webhook", {"version": "4", "alerts": alerts})
        headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
        answer = calls().post(self.site.api_url + path, json=body, headers=headers, timeout=30)
        document = answer.json()
        told = [document] if hand else document["alerts"]
        for alert, one in zip(alerts, told, strict=True):
            alert["fingerprint"] = one["fingerprint"]
            episode = {
                "rule": rule,
                "labels": alert["labels"],
                "file": f"acts/{alert['labels']['file']}",
                "fired": began,
            }
            known = self.episodes.setdefault(one["key"], {**episode, "resolved": None})
            known["resolved"] = began if status == "resolved" else known["resolved"]
        line = {"at": began, "until": time.monotonic(), "from": "am1", "to": "api1", "status": answer.status_code}
        self._line("sent.jsonl", {**line, "alerts": alerts, "answer": {"alerts": told}})
        return [one["key"] for one in told]

    def vote(self, key: str, actor: str, decision: str) -> int:
        """Vote, write it down, and return the status."""
        began = time.monotonic()
        reason = f"ballot at {began}"
        body = {"decision": decision, "actor": actor, "reason": reason}
        headers = {"Authorization": f"Bearer {API_TOKEN}"}
        url = f"{self.site.api_url}/alerts/{key}/votes"
        answer = calls().post(url, json=body, headers=headers, timeout=30)
        line = {"at": began, "until": time.monotonic(), "key": key, "id": None, "status": answer.status_code}
        self._line("votes.jsonl", {**line, **body, "answer": answer.json()})
        return answer.status_code

    def head(self) -> None:
        """Keep the checkpoint that the ledger shows now."""
        note = calls().get(f"{self.site.proofd_url}/checkpoint", timeout=10).text
        self._line("heads.jsonl", {"at": time.monotonic(), "size": int(note.split("\n")[1]), "checkpoint": note})

    def finish(self) -> None:
        """Write everything that is collected at the end."""
        self.head()
        trial = {"seed": 7, "began": self.began, "ended": time.monotonic(), "faults": [], "put_back": None}
        trial |= {"clock": {"wall": time.time(), "monotonic": time.monotonic()}}
        trial |= {"episodes": self.episodes, "rules": self.rules, "voters_outside": [MALLORY]}
        self._json("trial.json", trial)
        self._json("alerts.json", {key: self.site.status(key) for key in self.episodes})
        done = self.site.lumen("proof", "export", str(self.folder / "export"))
        assert done.returncode == 0, done.stderr
        (self.folder / "metrics").mkdir()
        metrics = calls().get(f"{self.site.proofd_url}/metrics", timeout=10).text
        (self.folder / "metrics" / "proofd.txt").write_text(metrics)
        (self.folder / "histories").mkdir()
        for row in json.loads(self.site.temporal_cli("workflow", "list", "--output", "json").stdout):
            workflow, run = row["execution"]["workflowId"], row["execution"]["runId"]
            shown = self.site.temporal_cli("workflow", "show", "-w", workflow, "-r", run, "--output", "json")
            name = f"{workflow.replace('/', '_').replace(':', '_')}.{run}.json"
            (self.folder / "histories" / name).write_text(shown.stdout)

    def _line(self, name: str, value: dict[str, Any]) -> None:
        with (self.folder / name).open("a") as file:
            file.write(json.dumps(value) + "\n")

    def _json(self, name: str, value: Any) -> None:
        (self.folder / name).write_text(json.dumps(value))


def collect_clean(site: Site, folder: Path) -> None:
    """Let alerts be remediated, asked for, rejected, suppressed, repeated and retried, and collect the evidence."""
    collector = Collector(site, folder)
    two = {"approve": 2, "reject": 1, "allow": [ALICE, BOB]}
    collector.rule("Once", ends="remediated")
    collector.rule("Fails", fails=9, ends="failed")
    collector.rule("Again", fails=1, again=True, ends="remediated")
    collector.rule("Asked", actions=2, mode="approve", approval=two, ends="remediated rejected")
    collector.rule("Budget", limits={"max_runs": 2, "per": "1h", "concurrency": 1}, ends="remediated suppressed")
    collector.rule("Locked", target="{labels.host}", ends="remediated suppressed")
    site.add_rule("NobodySendsThisEither", actions=[{"proof": True}])
    collector.head()
    (once,) = collector.send("Once", "once", hand=True)
    asked, refused = collector.send("Asked", "asked", "refused")
    keys = [*collector.send("Fails", "fails"), *collector.send("Again", "again"), once]
    keys += collector.send("Budget", "b1", "b2", "b3")
    keys += collector.send("Locked", "l1", "l2", host="host-1")
    for key in (asked, refused):
        site.until_state(key, "awaiting_approval")
    ballots = [
        (asked, ALICE, "approve"),
        (asked, ALICE, "approve"),
        (asked, MALLORY, "approve"),
        (asked, BOB, "approve"),
    ]
    ballots += [(refused, BOB, "approve"), (refused, BOB, "reject")]
    said = [collector.vote(*ballot) for ballot in ballots]
    assert said == [200, 200, 403, 200, 200, 200], said
    for key in (*keys, asked, refused):
        site.until_state(key, "watching")
    collector.head()
    collector.send("Once", "once")
    site.until(once, lambda document: len(document["attempts"]) == 2)
    collector.send("Asked", "asked", status="resolved")
    for key in (*keys, asked, refused):
        site.until_state(key, "watching")
    collector.finish()
