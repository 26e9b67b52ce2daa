"""An operator's desk: a running site with prepared episodes, a shell, and the variables of the manual."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lumen import names
from tests.stack.site import Site
from tests.workflows.test_loop import marking

ACTOR = "alice@example.com"
OTHER = "bob@example.com"
PATIENCE = 60.0
OPEN_GUARDS = 'WorkflowType="GuardWorkflow" AND ExecutionStatus="Running"'

_FENCE = re.compile(r"^```sh\n(.*?)^```", re.DOTALL | re.MULTILINE)
_NUMBERS = itertools.count(1)


def scripts(markdown: str) -> list[str]:
    """Return the ``sh`` blocks of a page."""
    return [block.strip() for block in _FENCE.findall(markdown)]


class Desk:
    """Where an operator sits: a running site with the rules below, the manual's three variables, and a shell."""

    def __init__(self, site: Site) -> None:
        """Take a seat; :meth:`rules` must have been called for the site."""
        self.site = site
        self.output = ""

    @staticmethod
    def rules(site: Site) -> None:
        """Add the rules of the episodes that are prepared here."""
        mark = {"name": "mark", "cmd": marking(site.out)}
        site.rulebook.add("ManualAsks", actions=[mark])
        site.rulebook.add("ManualActs", mode="auto", actions=[mark])
        site.rulebook.add("ManualSleeps", mode="auto", actions=[{"name": "sleep", "cmd": ["/bin/sleep", "60"]}])
        site.rulebook.add("ManualHolds", target="{labels.instance}", actions=[mark])
        site.add_rule("ManualCools", mode="auto", target="{labels.instance}", actions=[mark])

    def alert(self, name: str, **labels: str) -> str:
        """Send an alert that was never sent before and return its key."""
        return self.site.post_alert(name, number=str(next(_NUMBERS)), **labels)

    def asking(self, severity: str = "critical") -> str:
        """Return the key of an episode that waits for votes: two if critical, else one."""
        key = self.alert("ManualAsks", severity=severity)
        self.site.until_state(key, "awaiting_approval")
        return key

    def acted(self) -> str:
        """Return the key of an episode that has acted once and cools."""
        key = self.alert("ManualActs")
        assert self.site.until_outcome(key)["outcome"] == "remediated"
        return key

    def cooling_target(self, host: str = "host1") -> None:
        """See to it that the target cools."""
        guard = names.target_guard_id(host)
        if guard not in self.site.temporal_cli("workflow", "list", "-q", OPEN_GUARDS).stdout or not self.cooling(host):
            key = self.alert("ManualCools", instance=host)
            assert self.site.until_outcome(key)["outcome"] == "remediated"

    def cooling(self, host: str = "host1") -> dict[str, str]:
        """Return what cools on a target, rule by rule."""
        found = self.site.temporal_cli(
            "workflow", "query", "-w", names.target_guard_id(host), "--name", "status", "-o", "json"
        ).stdout
        [status] = json.loads(found)["queryResult"]
        cooling: dict[str, str] = status["cooling"]
        return cooling

    def run(self, script: str, key: str = "no-episode", *, actor: str = ACTOR, fails: bool = False) -> None:
        """Run a block of the manual as an operator would; only its three variables and ``lumen``'s settings are there."""
        tools = str(Path(sys.executable).parent)
        env = {
            **self.site.env,
            "PATH": f"{tools}:{os.environ['PATH']}",  # noqa: TID251 - tests pass PATH on
            "HOME": str(self.site.folder),
            "ADDRESS": self.site.temporal_address,
            "KEY": key,
            "ACTOR": actor,
        }
        done = subprocess.run(
            ["/bin/sh", "-euc", script], env=env, capture_output=True, text=True, check=False, timeout=60
        )
        self.output = done.stdout + done.stderr
        assert (done.returncode != 0) is fails, self.output

    def overrides(self, **wanted: str) -> list[dict[str, Any]]:
        """Return the overrides in the ledger with these values."""
        found = [entry["parts"]["override"] for entry in self.site.entries() if entry["kind"] == "override"]
        return [entry for entry in found if wanted.items() <= entry.items()]

    def frozen(self) -> bool:
        """Return whether ``lumen`` says that everything is frozen."""
        found: bool = json.loads(self.site.lumen("freeze", "status", "--json").stdout)["frozen"]
        return found

    def looks(self, key: str) -> int:
        """Return how often an episode has looked whether it may act."""
        history = self.site.temporal_cli("workflow", "show", "-w", f"alert-{key}", "-o", "json").stdout
        asked = [event.get("activityTaskScheduledEventAttributes", {}) for event in json.loads(history)["events"]]
        return sum(one.get("activityType", {}).get("name") == "prepare" for one in asked)


def until(condition: Callable[[], bool], what: str) -> None:
    """Wait until a condition holds, and fail naming it when it does not."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"never came: {what}")
        time.sleep(0.1)
