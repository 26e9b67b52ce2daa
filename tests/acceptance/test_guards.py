"""A lock holds whatever is killed: real processes, SIGKILL, and commands that tell whether they were alone."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.many import accepted, firing, until_all_recorded
from tests.acceptance.steps import lines, until_started
from tests.acceptance.trials import fresh_seed
from tests.stack.processes import Child, LumenChild, free_port, lumen_command
from tests.stack.site import Site

CONTENDERS = 100
KILLS = 2

# The lock of the kernel is free as soon as its holder is dead, however it died: who finds it taken was not alone.
ALONE = """
exec 9>> "$1.lock"
/usr/bin/flock -n 9 || echo "overlap $LUMEN_IDEMPOTENCY_KEY" >> "$1"
read now _ < /proc/uptime
echo "begin $LUMEN_IDEMPOTENCY_KEY $now" >> "$1"
/bin/sleep 0.02
read now _ < /proc/uptime
echo "end $LUMEN_IDEMPOTENCY_KEY $now" >> "$1"
"""


@pytest.fixture
def second_worker(shared_site: Site) -> Iterator[Child]:
    """A second worker of the site."""
    port = free_port()
    env = {**shared_site.env, "LUMEN_WORKER_ADDR": f"127.0.0.1:{port}"}
    child = LumenChild("worker-2", lumen_command("worker"), env, shared_site.folder)
    try:
        yield child
    finally:
        child.kill()


@pytest.mark.timeout(400)
def test_a_hundred_contenders_for_one_target(
    shared_site: Site, second_worker: Child, request: pytest.FixtureRequest
) -> None:
    """Two rules, one target, two workers that are killed now and then: never two commands at once, and every episode ends."""
    site = shared_site
    seed = request.config.getoption("--seed", None)
    seed = fresh_seed() if seed is None else seed
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    out = site.folder / "contended"
    action = {"name": "alone", "cmd": ["/bin/sh", "-c", ALONE, "sh", str(out)], "timeout": 2}
    rule = {"mode": "auto", "cooldown": 0, "target": "{labels.instance}", "actions": [action]}
    site.rulebook.add("ContendsOne", **rule)
    site.add_rule("ContendsTwo", **rule)
    second_worker.start()
    began = time.monotonic()
    keys = accepted(site, firing(["ContendsOne", "ContendsTwo"], CONTENDERS, instance="contended"))
    for number in range(KILLS):
        until_started(out, 25 + 40 * number)
        time.sleep(chance.uniform(0.0, 0.5))
        victim = chance.choice([site.worker, second_worker])
        victim.kill()
        victim.start()
    found = until_all_recorded(site, keys)
    report = f"seed {seed}, {time.monotonic() - began:.0f} s, {Counter(part['outcome'] for part in found.values())}"
    print(report)
    judge(out, keys, found, report)
    assert site.ledger_holds()


def judge(out: Path, keys: Sequence[str], found: dict[str, dict[str, Any]], report: str) -> None:
    """Check that no two commands overlapped, that each started once, and that only those that were killed are unknown."""
    told = [line.split() for line in lines(out)]
    assert not [line for line in told if line[0] == "overlap"], report
    cut, before, open_key = set(), 0.0, ""
    for what, key, when in told:
        # Lines are in the order in which they were written, so that any overlap shows whatever the clock says.
        assert float(when) >= before, report
        before = float(when)
        if what == "begin":
            cut |= {open_key} - {""}
            open_key = key
        else:
            assert key == open_key, (key, open_key, report)
            open_key = ""
    cut |= {open_key} - {""}
    begun = [key for what, key, _ in told if what == "begin"]
    assert len(begun) == len(set(begun)), report
    assert len(cut) <= KILLS, (cut, report)
    outcomes = {key: found[key]["outcome"] for key in keys}
    assert set(outcomes.values()) <= {"remediated", "unknown"}, report
    ran = {key.split("/")[0].removeprefix("alert-") for key in begun}
    # A worker may be lost between the claim and the program, or before the result is recorded: nobody knows then.
    assert {key for key, outcome in outcomes.items() if outcome == "remediated"} <= ran, report
    assert list(outcomes.values()).count("unknown") <= KILLS, report
