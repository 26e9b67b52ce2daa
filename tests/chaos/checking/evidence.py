"""One evidence folder, read whole."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from tests.chaos.checking.acts import Act, Started, pair, parse_action, read_acts
from tests.chaos.checking.export import Export, read_export
from tests.chaos.checking.histories import Run, chains, read_histories
from tests.chaos.checking.ledger import Ledger
from tests.chaos.checking.reading import read_json, read_lines, table
from tests.chaos.checking.report import Report
from tests.chaos.checking.trial import Trial, read_trial

Pass = tuple[str, str, int]


@dataclass
class Evidence:
    """What one trial left behind. ``alerts`` by key; ``sent`` and ``votes`` as they were written."""

    folder: Path
    trial: Trial
    sent: list[dict[str, Any]] = field(default_factory=list)
    votes: list[dict[str, Any]] = field(default_factory=list)
    heads: list[dict[str, Any]] = field(default_factory=list)
    acts: list[Act] = field(default_factory=list)
    alerts: dict[str, Any] = field(default_factory=dict)
    runs: list[Run] = field(default_factory=list)
    export: Export = field(default_factory=Export)

    @property
    def ledger(self) -> Ledger:
        """The entries of the export."""
        return self.export.ledger

    @cached_property
    def starts(self) -> list[Started]:
        """Every start of a command, in the order of time."""
        return pair(self.acts)

    @cached_property
    def by_key(self) -> dict[str, list[Started]]:
        """The starts of each action."""
        found: dict[str, list[Started]] = defaultdict(list)
        for started in self.starts:
            found[started.key].append(started)
        return found

    @cached_property
    def by_pass(self) -> dict[Pass, list[Started]]:
        """The starts of each attempt."""
        found: dict[Pass, list[Started]] = defaultdict(list)
        for started in self.starts:
            action = parse_action(started.key)
            if action:
                found[action.pass_of].append(started)
        return found

    @cached_property
    def chains(self) -> dict[str, dict[str, list[Run]]]:
        """The runs of each workflow id, by the id of their first run."""
        return chains(self.runs)

    @cached_property
    def wall(self) -> float | None:
        """Seconds to add to CLOCK_MONOTONIC to get the time since 1970: as told, else estimated from claims."""
        if self.trial.wall is not None:
            return self.trial.wall
        apart = []
        for key, starts in self.by_key.items():
            times = [claim.at for claim in self.ledger.claims.get(key, []) if claim.at is not None]
            if len(starts) == len(times) == 1:
                apart.append(times[0] - starts[0].at)
        return statistics.median(apart) if apart else None

    @property
    def slack(self) -> float:
        """How wrong :attr:`wall` may be, in seconds."""
        return 0.05 if self.trial.wall is not None else 5.0

    def monotonic(self, wall: float | None) -> float | None:
        """Return a time since 1970 on the clock of the trial, or None if it cannot be told."""
        return None if wall is None or self.wall is None else wall - self.wall

    def forgotten(self, wall: float | None) -> bool:
        """Return whether a put-back explains that Temporal does not know what happened at this time since 1970."""
        return self.trial.forgets(self.monotonic(wall))

    def rule_name(self, alert_key: str) -> str:
        """Return the rule of an episode, or nothing."""
        episode = self.trial.episodes.get(alert_key)
        return episode.rule if episode else ""


def collect(folder: Path, report: Report) -> Evidence:
    """Read everything; what is missing or damaged becomes a finding."""
    document = read_json(folder / "trial.json", report)
    trial = read_trial(document)
    report.seed = trial.seed
    if not trial.rules or not trial.episodes:
        report.add("evidence", "", "trial.json names no rules or no episodes")
    for key, episode in trial.episodes.items():
        if episode.rule not in trial.rules:
            report.add("evidence", key, f"trial.json does not say what its rule {episode.rule!r} is")
    return Evidence(
        folder=folder,
        trial=trial,
        sent=read_lines(folder / "sent.jsonl", report),
        votes=read_lines(folder / "votes.jsonl", report),
        heads=read_lines(folder / "heads.jsonl", report),
        acts=read_acts(folder / "acts", report),
        alerts=table(read_json(folder / "alerts.json", report)),
        runs=read_histories(folder / "histories", report),
        export=read_export(folder / "export", folder / "vkey.txt", report),
    )
