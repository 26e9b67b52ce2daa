"""A whole Lumen with something to see on every page of the console."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lumen.records import rfc3339
from tests.stack.calling import calls
from tests.stack.site import Site, running_site

ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"
TOKENS = {ALICE: "the-token-of-alice", BOB: "the-token-of-bob", CAROL: "the-token-of-carol"}
SCOPES = {ALICE: ["read", "vote", "override"], BOB: ["read", "vote"], CAROL: ["read"]}

TALKS = 'for n in $(seq 1 400); do echo "step $n of 400: moved $((n * 3)) MiB"; sleep 0.5; done'
QUICK = "echo 'filesystem grown: 40 GiB -> 50 GiB'; echo 'inode table: ok'"
FAILS = "echo 'connecting to the primary'; echo 'timeout after 3 attempts: no route to host' >&2; exit 3"


class Programs:
    """Small programs with names that read like real ones."""

    def __init__(self, folder: Path) -> None:
        """Keep where they go."""
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, name: str, script: str, *arguments: str) -> list[str]:
        """Write a program and return the argv that runs it, relative to the folder above the rules."""
        path = self._folder / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return [f"{self._folder.name}/{name}", *arguments]


@contextlib.contextmanager
def stage(folder: Path, **changes: str) -> Iterator[Site]:
    """Run a site with the tokens above and the rules below."""
    folder.mkdir(parents=True, exist_ok=True)
    tokens = folder / "tokens.yaml"
    lines = {
        hashlib.sha256(token.encode()).hexdigest(): {"actor": actor, "scopes": SCOPES[actor]}
        for actor, token in TOKENS.items()
    }
    tokens.write_text(json.dumps(lines))
    with running_site(folder, LUMEN_TOKENS_FILE=str(tokens), **changes) as site:
        add_rules(site)
        yield site


def add_rules(site: Site) -> None:
    """Add one rule for each thing that a page can show."""
    program = Programs(site.folder / "bin")
    grow: dict[str, Any] = {
        "name": "grow filesystem",
        "cmd": program("grow-filesystem", QUICK, "--add", "10G", "--", "{labels.instance}", "{labels.mountpoint}"),
    }
    reconnect = {"name": "reconnect replica", "cmd": program("reconnect-replica", FAILS, "--wait", "30s")}
    rebalance = {"name": "rebalance", "cmd": program("rebalance", TALKS, "--limit", "50MiB/s"), "timeout": 600}
    renew = {"name": "renew", "cmd": program("renew-certificate", "echo renewed for 90 days")}
    add = {"name": "add consumer", "cmd": program("add-consumer", "echo consumer 4 started")}
    rules: dict[str, dict[str, Any]] = {
        "DiskAlmostFull": {
            "target": "{labels.instance}",
            "actions": [grow, {"name": "note it", "proof": True}],
            "runbook_url": "https://runbooks.example.com/disk",
        },
        "ReplicaLagging": {"actions": [reconnect], "mode": "auto"},
        "CacheRebalance": {"actions": [rebalance]},
        "CertificateExpiring": {"actions": [renew], "mode": "auto"},
        "QueueBacklog": {"target": "{labels.instance}", "actions": [add], "mode": "auto"},
    }
    *others, last = rules.items()
    for name, rule in others:
        site.rulebook.add(name, **rule)
    site.add_rule(last[0], **last[1])


def send(site: Site, name: str, summary: str = "", **labels: str) -> str:
    """Send an alert that has fired some minutes ago, and return its key."""
    body = {
        "labels": {"alertname": name, **labels},
        "annotations": {"summary": summary} if summary else {},
        "startsAt": rfc3339(datetime.now(UTC) - timedelta(minutes=4)),
        "status": "firing",
    }
    answer = site.request("POST", "/alert", json=body)
    assert answer.is_success, answer.text
    key: str = answer.json()["key"]
    return key


def vote(site: Site, key: str, actor: str, reason: str) -> None:
    """Approve with a token of one's own."""
    headers = {"Authorization": f"Bearer {TOKENS[actor]}"}
    body = {"decision": "approve", "reason": reason}
    url = f"{site.api_url}/alerts/{key}/votes"
    assert calls().post(url, json=body, headers=headers, timeout=20).is_success


def fill(site: Site) -> dict[str, str]:
    """Send alerts until every page has something to show; return the keys by what they show."""
    full = "The filesystem is 94 % full and grows by 2 GiB an hour"
    keys = {
        "done": send(site, "CertificateExpiring", instance="gw-1", severity="warning"),
        "failed": send(site, "ReplicaLagging", "The replica is 12 minutes behind", instance="db-2", severity="warning"),
        "cools": send(site, "QueueBacklog", instance="mq-1", severity="warning"),
        "runs": send(site, "CacheRebalance", "One shard holds 61 % of the keys", instance="cache-3", severity="info"),
        "critical": send(
            site, "DiskAlmostFull", full, instance="db-1:9100", severity="critical", mountpoint="/var/lib"
        ),
        "warning": send(site, "DiskAlmostFull", full, instance="web-7:9100", severity="warning", mountpoint="/"),
    }
    for name in ("done", "failed", "cools"):
        site.until_outcome(keys[name])
    for name in ("runs", "critical", "warning"):
        site.until_state(keys[name], "awaiting_approval")
    vote(site, keys["runs"], ALICE, "load is low now")
    vote(site, keys["critical"], BOB, "checked the volume group, there is room")
    site.until_state(keys["runs"], "executing")
    return keys
