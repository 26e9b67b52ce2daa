"""A storm of alerts against a site, and how it drains."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from tests.stack.site import Site

RULE = "Storm"


def alerts(post: int, count: int) -> list[dict[str, Any]]:
    """Return ``count`` different firing alerts, as Alertmanager would post them."""
    return [
        {
            "status": "firing",
            "labels": {"alertname": RULE, "instance": f"host-{post}-{number}", "severity": "warning"},
            "annotations": {"summary": f"host-{post}-{number} is in the storm", "description": "x" * 200},
            "startsAt": "2026-11-22T10:00:00Z",
            "generatorURL": "http://prometheus.example.com/graph",
        }
        for number in range(count)
    ]


def prepare(site: Site) -> int:
    """Load the rule of a storm and return the height of the ledger before the first alert."""
    _until_height(site, 1)  # the rules at the start
    site.add_rule(RULE, mode="shadow", actions=[{"name": "log", "proof": True}])
    _until_height(site, 2)  # and these
    return recorded(site)


def _until_height(site: Site, height: int) -> None:
    deadline = time.monotonic() + 30
    while recorded(site) < height:
        assert time.monotonic() < deadline, "the rules were not recorded in the ledger"
        time.sleep(0.1)


def send(site: Site, total: int, posts: int) -> float:
    """Send ``total`` alerts in ``posts`` posts one after the other; return the seconds until the last 2xx."""
    began = time.monotonic()
    for post in range(posts):
        answer = site.webhook(alerts(post, total // posts))
        assert answer.status_code == 202, answer.text[:500]
        assert {one["result"] for one in answer.json()["alerts"]} <= {"queued", "started"}
    return time.monotonic() - began


def recorded(site: Site) -> int:
    """Return how many entries the ledger has."""
    height: int = site.ledger_head()["height"]
    return height


def drain(site: Site, before: int, total: int, every: float, seconds: float) -> Iterator[tuple[float, int]]:
    """Yield (seconds since the start, attempts ended) until all ``total`` have; fail when that takes longer than ``seconds``.

    The rule of a storm leaves exactly one entry an episode, so the ledger counts, from the height ``before`` it on.
    """
    began = time.monotonic()
    ended = 0
    while ended < total:
        time.sleep(every)
        ended = min(total, recorded(site) - before)
        elapsed = time.monotonic() - began
        yield elapsed, ended
        assert elapsed < seconds, f"{ended} of {total} after {elapsed:.0f} s\n{site.worker.log[-3000:]}"
