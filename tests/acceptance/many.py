"""Many alerts at once: posted in one body, and followed in the ledger until each has ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from tests.acceptance.steps import eventually
from tests.stack.site import Site

PATIENCE = 240.0


def firing(names: Sequence[str], count: int, **labels: str) -> list[dict[str, Any]]:
    """Return ``count`` different alerts with these names in turn, as Alertmanager would post them."""
    return [
        {
            "status": "firing",
            "labels": {"alertname": names[number % len(names)], "number": str(number), **labels},
            "startsAt": "2026-03-01T12:00:00Z",
        }
        for number in range(count)
    ]


def accepted(site: Site, alerts: list[dict[str, Any]]) -> list[str]:
    """Post ``alerts`` and return their keys."""
    answer = site.webhook(alerts)
    assert answer.status_code == 202, answer.text
    return [one["key"] for one in answer.json()["alerts"]]


def remediations(site: Site, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return what the ledger says of the first attempt of each of ``keys``; it must say it once."""
    parts = [entry["parts"]["remediation"] for entry in site.entries() if entry["kind"] == "auto_remediation"]
    found = [part for part in parts if part["alert_key"] in set(keys)]
    assert len(found) == len({part["alert_key"] for part in found}), "an attempt was recorded twice"
    return {part["alert_key"]: part for part in found}


def until_all_recorded(site: Site, keys: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Wait until the first attempt of each of ``keys`` has ended."""
    eventually(lambda: site.ledger_head()["height"] > len(keys), "the ledger has grown", PATIENCE)
    deadline = time.monotonic() + PATIENCE
    while len(found := remediations(site, keys)) < len(keys):
        if time.monotonic() > deadline:
            stuck = [site.status(key) for key in keys if key not in found]
            states = [(one.get("state"), one.get("state_reason")) for one in stuck]
            raise AssertionError(f"{len(found)} of {len(keys)} ended, the others: {states}\n{site.worker.log[-3000:]}")
        time.sleep(1)
    return found
