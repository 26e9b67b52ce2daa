"""What the acceptance tests do again and again: commands that leave traces, votes that insist, waits that end."""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx

from tests.stack.processes import Child
from tests.stack.site import PATIENCE, Site

PROCESSES = ("api", "worker", "proofd", "temporal")


def appending(path: Path, seconds: float = 0.0, exit_code: int = 0) -> list[str]:
    """Return the argv of a command that appends its key to ``path`` (O_APPEND), stays, and ends with ``exit_code``."""
    script = 'echo "$LUMEN_IDEMPOTENCY_KEY" >> "$1"; /bin/sleep "$2"; exit "$3"'
    return ["/bin/sh", "-c", script, "sh", str(path), f"{seconds:g}", str(exit_code)]


def succeeding_at(path: Path, start: int, seconds: float = 0.0) -> list[str]:
    """Return the argv of a command that appends its key; before its start number ``start`` it stays and then fails."""
    script = 'echo "$LUMEN_IDEMPOTENCY_KEY" >> "$1"; [ $(wc -l < "$1") -ge "$2" ] && exit 0; /bin/sleep "$3"; exit 1'
    return ["/bin/sh", "-c", script, "sh", str(path), str(start), f"{seconds:g}"]


def lines(path: Path) -> list[str]:
    """Return what commands appended to ``path``."""
    return path.read_text().splitlines() if path.exists() else []


def eventually(condition: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Wait until ``condition`` holds; fail with ``what`` was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what}"
        time.sleep(0.02)


def until_started(path: Path, count: int = 1) -> None:
    """Wait until the command that appends to ``path`` has started so often."""
    eventually(lambda: len(lines(path)) >= count, f"{count} starts in {path.name}")


def process(site: Site, name: str) -> Child:
    """Return one of the site's processes."""
    return {"api": site.api, "worker": site.worker, "proofd": site.proofd, "temporal": site.temporal}[name]


def start(site: Site, name: str) -> None:
    """Start one of the site's processes again and wait until it answers."""
    {
        "api": site.start_api,
        "worker": site.start_worker,
        "proofd": site.start_proofd,
        "temporal": site.start_temporal,
    }[name]()


def vote_until_taken(site: Site, key: str, actor: str, seconds: float = PATIENCE) -> httpx.Response:
    """Vote as a client that repeats itself until it is told that the vote counts (200) or that all is decided (409)."""
    deadline = time.monotonic() + seconds
    answer = "nothing"
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            response = site.vote(key, actor)
            answer = f"{response.status_code} {response.text}"
            if response.status_code in {httpx.codes.OK, httpx.codes.CONFLICT}:
                return response
        time.sleep(0.2)
    raise AssertionError(f"the vote of {actor} was not taken, last answer: {answer}")


def kinds(site: Site, key: str) -> Counter[str]:
    """Return how many entries of each kind the ledger has about one episode."""
    return Counter(entry["kind"] for entry in site.entries(key))


def remediation(site: Site, key: str) -> dict[str, Any]:
    """Return the ``auto_remediation`` of an episode of which the ledger must have exactly one."""
    found = [entry for entry in site.entries(key) if entry["kind"] == "auto_remediation"]
    assert len(found) == 1, found
    part: dict[str, Any] = found[0]["parts"]["remediation"]
    return part


def until_recorded(site: Site, key: str, seconds: float = PATIENCE) -> dict[str, Any]:
    """Wait until an attempt has ended; check that the ledger says the same of it, once; return the status."""
    document = site.until_outcome(key, seconds)
    assert remediation(site, key)["outcome"] == document["outcome"]
    return document


def results(site: Site, key: str) -> list[tuple[int, str]]:
    """Return try and status of each recorded result."""
    found = [entry["parts"]["result"] for entry in site.entries(key) if entry["kind"] == "action.finished"]
    return [(result["tried"], result["status"]) for result in found]
