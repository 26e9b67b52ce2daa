"""Compares ledger and Temporal, looks again at what does not fit, and says what is left."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cli.failure import CommandError
from cli.omission.compare import EPISODE_WITHOUT_ENTRIES, Finding, Recorded, compare, suspects
from cli.omission.sources import has_attempt, list_episodes, look_closely, read_ledger
from cli.output import say
from cli.remote import ledger
from cli.session import visit
from cli.settings import load_client
from lumen.errors import LumenError

_TRIES = 3
_PAUSE = 1.0
_SLACK = timedelta(hours=1)


@dataclass(frozen=True)
class Report:
    """What was compared and what does not fit; ``error`` says why nothing could be compared."""

    first_seq: int = 0
    claims: int = 0
    attempts: int = 0
    episodes: int = 0
    findings: tuple[Finding, ...] = ()
    error: str = ""

    @property
    def omissions(self) -> list[Finding]:
        """What does not fit and is not explained."""
        return [one for one in self.findings if not one.explained]

    @property
    def ok(self) -> bool:
        """Whether everything was compared and fits."""
        return not self.error and not self.omissions

    def document(self) -> dict[str, Any]:
        """Return the report as JSON data."""
        explained = Counter(f"{one.what}: {one.explained}" for one in self.findings if one.explained)
        return {
            "ok": self.ok,
            "error": self.error or None,
            "from_seq": self.first_seq,
            "claims": self.claims,
            "attempts": self.attempts,
            "episodes": self.episodes,
            "omissions": [
                {name: value for name, value in asdict(one).items() if value not in (None, "")}
                for one in self.omissions
            ],
            "explained": dict(explained),
        }


def examine(*, everything: bool = False) -> Report:
    """Compare what Temporal keeps with the ledger, or all of the ledger if ``everything``.

    Both sides go on meanwhile, so what does not fit is looked at again before it is said.
    """
    try:
        report = _examine(everything)
        for _ in range(_TRIES - 1):
            if report.ok:
                break
            time.sleep(_PAUSE)
            report = _examine(everything)
    except (CommandError, LumenError) as error:
        return Report(error=str(error))
    return report


def _examine(everything: bool) -> Report:
    from cli.ledger_source import LedgerSource  # noqa: PLC0415  # needs the cryptography package

    # Temporal first: what has ended there is in the ledger by now.
    executions, retention = visit(list_episodes)
    now = datetime.now(UTC)
    begin = None if everything or not retention else now - retention - _SLACK
    source = LedgerSource(ledger(load_client()))
    recorded: Recorded = read_ledger(source, begin)
    wanted = suspects(recorded, executions)
    runs = [one for one in executions if one.workflow_id in wanted and one.status != "CONTINUED_AS_NEW"]
    chains = visit(lambda client: look_closely(client, runs)) if runs else {}
    keeps = retention or now - datetime.min.replace(tzinfo=UTC)
    found = compare(recorded, executions, chains, now, keeps)
    # A long episode may have written before the part that was read: ask for its entries by their key.
    found = [one for one in found if one.what != EPISODE_WITHOUT_ENTRIES or not has_attempt(source, one.about)]
    claims = sum(map(len, recorded.claims.values()))
    episodes = len({one.workflow_id for one in executions})
    return Report(recorded.first_seq, claims, len(recorded.attempts), episodes, tuple(found))


def tell(report: Report) -> None:
    """Print the report for people."""
    if report.error:
        say(f"the ledger was not compared: {report.error}")
        return
    extent = f"{report.attempts} attempts and {report.claims} claims from entry {report.first_seq} on"
    say(f"ledger: {extent}, {report.episodes} episodes in Temporal")
    for one in report.omissions:
        say(f"OMISSION  {one.what}: {one.about}" + ("" if one.seq is None else f" (entry {one.seq})"))
    for what, count in sorted(
        Counter(f"{one.what}, {one.explained}" for one in report.findings if one.explained).items()
    ):
        say(f"  {count}  {what}")
