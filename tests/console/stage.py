"""A whole Lumen with something to see on every page of the console."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.stack.site import Site, running_site

ALICE, BOB, CAROL = "alice@example.com", "bob@example.com", "carol@example.com"
TOKENS = {ALICE: "the-token-of-alice", BOB: "the-token-of-bob", CAROL: "the-token-of-carol"}
SCOPES = {ALICE: ["read", "vote", "override"], BOB: ["read", "vote"], CAROL: ["read"]}

TALKS = 'for n in $(seq 1 400); do echo "step $n of 400: moved $((n * 3)) MiB"; sleep 0.5; done'
QUICK = "echo 'filesystem grown: 40 GiB -> 50 GiB'; echo 'inode table: ok'"
FAILS = "echo 'connecting to the primary'; echo 'timeout after 3 attempts: no route to host' >&2; exit 3"


def shell(script: str) -> list[str]:
    """Return the argv that runs ``script``."""
    return ["/bin/sh", "-c", script]


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
    grow: dict[str, Any] = {"name": "grow filesystem", "cmd": shell(QUICK)}
    rules: dict[str, dict[str, Any]] = {
        "DiskAlmostFull": {
            "target": "{labels.instance}",
            "actions": [grow, {"name": "note it", "proof": True}],
            "runbook_url": "https://runbooks.example.com/disk",
        },
        "ReplicaLagging": {"actions": [{"name": "reconnect replica", "cmd": shell(FAILS)}], "mode": "auto"},
        "CacheRebalance": {"actions": [{"name": "rebalance", "cmd": shell(TALKS), "timeout": 600}]},
        "CertificateExpiring": {
            "actions": [{"name": "renew", "cmd": shell("echo renewed for 90 days")}],
            "mode": "auto",
        },
        "QueueBacklog": {
            "target": "{labels.instance}",
            "actions": [{"name": "add consumer", "cmd": shell("echo consumer 4 started")}],
            "mode": "auto",
        },
    }
    *others, last = rules.items()
    for name, rule in others:
        site.rulebook.add(name, **rule)
    site.add_rule(last[0], **last[1])


def fill(site: Site) -> dict[str, str]:
    """Send alerts until every page has something to show; return the keys by what they show."""
    keys = {
        "done": site.post_alert("CertificateExpiring", instance="gw-1", severity="warning"),
        "failed": site.post_alert("ReplicaLagging", instance="db-2", severity="warning"),
        "cools": site.post_alert("QueueBacklog", instance="mq-1", severity="warning"),
        "runs": site.post_alert("CacheRebalance", instance="cache-3", severity="info"),
        "critical": site.post_alert("DiskAlmostFull", instance="db-1:9100", severity="critical", mountpoint="/var/lib"),
        "warning": site.post_alert("DiskAlmostFull", instance="web-7:9100", severity="warning", mountpoint="/"),
    }
    for name in ("done", "failed", "cools"):
        site.until_outcome(keys[name])
    for name in ("runs", "critical", "warning"):
        site.until_state(keys[name], "awaiting_approval")
    assert site.vote(keys["runs"], ALICE).is_success
    assert site.vote(keys["critical"], BOB).is_success
    site.until_state(keys["runs"], "executing")
    return keys
