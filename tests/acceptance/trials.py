"""Random kills around the start of commands: seeded, with everything that was started judged at the end."""

from __future__ import annotations

import contextlib
import json
import random
import secrets
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from tests.acceptance.steps import appending, eventually, lines, start
from tests.stack.site import PATIENCE, Site

DEFAULT_TRIALS = 1
RULES = ("TrialOnce", "TrialAgain", "TrialUndo", "TrialBudget")
BUDGET = 2
ALERTS_A_RULE = 2
COMMAND_SECONDS = 0.7
TIMEOUT = 3


def fresh_seed() -> int:
    """Return a seed that nobody has used yet."""
    return secrets.randbelow(1_000_000)


@dataclass
class Trials:
    """Trials on one site. The next trial does not wait for the episodes of the last: recoveries are killed as well."""

    site: Site
    seed: int
    usual_delay: float = 0.3
    episodes: dict[str, tuple[str, Path]] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)

    def prepare(self) -> None:
        """Add the rules (idempotent, undone, limited) and measure how long after its alert a command usually starts."""
        run = {"name": "run", "cmd": appending(self._file("{labels.trial}"), COMMAND_SECONDS), "timeout": TIMEOUT}
        undo = {"rollback": {"cmd": run["cmd"], "timeout": TIMEOUT}}
        add, verify = self.site.rulebook.add, {"cmd": ["/bin/false"], "within": 1}
        add("TrialOnce", mode="auto", actions=[run])
        add("TrialAgain", mode="auto", actions=[{**run, "idempotent": True}])
        add("TrialUndo", mode="auto", actions=[run | undo], verify=verify)
        add("TrialBudget", mode="auto", limits={"max_runs": BUDGET, "per": "1h"}, actions=[run])
        self.site.add_rule("TrialNothing", actions=[{"proof": True}])
        delays = []
        for warm in ("warm-1", "warm-2"):
            began = time.monotonic()
            self._post("TrialOnce", warm)
            eventually(lambda warm=warm: bool(lines(self._file(warm))), "a command of the warm-up has started")  # type: ignore[misc]
            delays.append(time.monotonic() - began)
        self.usual_delay = min(delays)

    def run_one(self, number: int) -> None:
        """Post alerts, kill at a random moment from 0.5 s before to 1 s after their commands usually start, restart."""
        chance = random.Random(f"{self.seed}/{number}")  # noqa: S311 - repeatable, not secret
        victims = chance.choice((("worker",), ("temporal",), ("worker", "temporal"), ("temporal", "worker")))
        moment = self.usual_delay + chance.uniform(-0.5, 1.0)
        pause, between = chance.uniform(0.0, 1.5), chance.uniform(0.0, 0.1)
        began = time.monotonic()
        for rule in RULES * ALERTS_A_RULE:
            self._post(rule, f"{number}-{len(self.episodes)}")
        time.sleep(max(0.0, began + moment - time.monotonic()))
        for victim in victims:
            {"worker": self.site.worker, "temporal": self.site.temporal}[victim].kill()
            time.sleep(between)
        time.sleep(pause)
        for victim in sorted(victims):  # Temporal first: a worker answers only when it has its Temporal
            start(self.site, victim)
        self.kills["+".join(sorted(victims))] += 1

    def judge(self) -> None:
        """Wait until every episode has ended and compare what ran, what the ledger has and what Temporal says."""
        wrong = []
        outcomes = {}
        for key in self.episodes:
            try:
                outcomes[key] = self.site.until_outcome(key, PATIENCE)["outcome"]
            except AssertionError as error:
                wrong.append(f"{key}: no outcome: {error}")
        entries = [(entry, json.dumps(entry["parts"])) for entry in self.site.entries()]
        for key, outcome in outcomes.items():
            rule, file = self.episodes[key]
            try:
                self._judge_one(rule, file, outcome, [entry for entry, text in entries if key in text])
            except AssertionError as error:
                wrong.append(f"{rule} {file.name} ({key}): {error}")
        ran = [key for key, one in outcomes.items() if self.episodes[key][0] == "TrialBudget" and one != "suppressed"]
        if self.kills and len(ran) != BUDGET:
            wrong.append(f"{len(ran)} runs of a budget of {BUDGET}: {ran}")
        report = f"seed {self.seed}, kills {dict(self.kills)}, found {dict(self.found)}"
        print(report)
        replay = f"replay with --seed {self.seed} --trials {self.kills.total()}"
        assert not wrong, f"{replay}; {report}\n" + "\n".join(wrong)
        assert self.site.ledger_holds()

    def _judge_one(self, rule: str, file: Path, outcome: str, entries: list[dict[str, Any]]) -> None:
        kinds = Counter(entry["kind"] for entry in entries)
        starts = Counter(lines(file))
        said = [entry["parts"]["remediation"]["outcome"] for entry in entries if entry["kind"] == "auto_remediation"]
        assert said == [outcome], said
        if rule == "TrialAgain":
            assert outcome == "remediated", outcome
            assert len(starts) == 1, starts
        elif rule == "TrialUndo":
            _judge_undone(outcome, starts, kinds)
        elif outcome == "suppressed":
            assert rule == "TrialBudget", rule
            assert (starts, kinds["action.started"]) == ({}, 0), (starts, kinds)
        else:
            assert outcome in {"remediated", "unknown"}, outcome
            assert starts.total() <= 1, starts
            assert kinds["action.started"] == 1, kinds
            assert kinds["action.finished"] == (outcome == "remediated"), kinds
            assert starts.total() == 1 or outcome == "unknown", starts
        self.found[f"{rule} {outcome} after {starts.total()} starts"] += 1

    def _file(self, trial: str) -> Path:
        return self.site.folder / f"trial-{trial}"

    def _post(self, rule: str, trial: str) -> None:
        """Post one alert, again while it is not accepted, as Alertmanager does."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            with contextlib.suppress(AssertionError, httpx.HTTPError):
                key = self.site.post_alert(rule, trial=trial)
                self.episodes[key] = (rule, self._file(trial))
                return
            time.sleep(0.2)
        raise AssertionError(f"the alert of trial {trial} was not accepted (seed {self.seed})")


def _judge_undone(outcome: str, starts: Counter[str], kinds: Counter[str]) -> None:
    """Nothing starts twice; what is known to have run is undone, and a rollback that was cut is `failed`."""
    assert set(starts.values()) <= {1}, starts
    undone = [key for key in starts if key.endswith("/rollback")]
    claims, results = kinds["action.started"], kinds["action.finished"]
    if outcome == "rolled_back":
        assert (len(undone), starts.total(), claims, results) == (1, 2, 2, 2), (starts, kinds)
    elif outcome == "failed":
        assert (claims, results) == (2, 1), kinds
    else:
        assert outcome == "unknown", outcome
        assert (len(undone), claims) == (0, 1), (starts, kinds)
