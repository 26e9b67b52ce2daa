"""``lumen doctor`` as a command: one line a finding, its fix below, a sum at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import typer

from cli import core_logs
from cli.doctor.examine import Result, examine
from cli.doctor.finding import Status
from cli.failure import FAILED
from cli.output import print_json, say
from cli.settings import environment


def doctor(*, as_json: bool) -> None:
    """Look at everything, print it, and end with exit code 1 if something fails."""
    core_logs.silence()
    results = examine(environment())
    if as_json:
        print_json(
            [
                {"check": one.check, "status": one.finding.status, "found": one.finding.found, "fix": one.finding.fix}
                for one in results
            ]
        )
    else:
        _print(results)
    if any(one.finding.status is Status.FAIL for one in results):
        raise typer.Exit(FAILED)


def _print(results: Sequence[Result]) -> None:
    width = max(len(one.check) for one in results)
    for one in results:
        say(f"{one.finding.status:<4}  {one.check:<{width}}  {one.finding.found}")
        if one.finding.fix:
            say(f"      {'':<{width}}  fix: {one.finding.fix}")
    counts = Counter(one.finding.status for one in results)
    told = ", ".join(f"{counts[status]} {status}" for status in Status if counts[status])
    bad = list(dict.fromkeys(one.check for one in results if one.finding.status is Status.FAIL))
    say(f"{told}{': look at ' + ', '.join(bad) if bad else ''}")
