"""``lumen rules backtest``: what rules would have done about the alerts of the past."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import Json
from cli.output import print_json, print_table, say
from cli.remote import ledger
from cli.rules.loading import loaded, rank_here
from cli.rules.past import Collected, from_file, from_ledger
from cli.settings import load_client

if TYPE_CHECKING:
    from rules.backtest import Change, Count, Report

_SHOWN = 20
_LEDGER = "ledger"


def backtest(
    file: Annotated[
        Path | None,
        typer.Argument(metavar="[FILE]", help="JSON lines: notifications of Alertmanager, or alerts."),
    ] = None,
    source: Annotated[str, typer.Option("--from", metavar="ledger", help="Alerts of the ledger instead.")] = "",
    folder: Annotated[
        str, typer.Option("--rules", metavar="DIR", help="The rules to look at; default: LUMEN_RULES.")
    ] = "",
    against: Annotated[
        str, typer.Option("--against", metavar="DIR", help="The rules to compare with; default: LUMEN_RULES.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Say which past alerts each rule would take and what it would do, and what is otherwise under the current rules.

    Conditions are not asked and people are not either. Nothing is sent or run.

    \b
    Example: lumen rules backtest --from ledger --rules new-rules/
    """
    if (file is None) == (not source) or source not in {"", _LEDGER}:
        raise typer.BadParameter("say which alerts: a FILE, or --from ledger", param_hint="FILE")
    from rules import backtest as backtesting  # noqa: PLC0415  # pulls in PromQL, which --help can do without

    client = load_client()
    rank = rank_here(client)
    after = loaded(Path(folder or client.settings.rules), rank, as_json=as_json)
    before = loaded(Path(against or client.settings.rules), rank, as_json=as_json)
    if file is None:
        from cli.ledger_source import LedgerSource  # noqa: PLC0415  # needs the cryptography package

        collected = from_ledger(LedgerSource(ledger(client)))
    else:
        collected = from_file(file)
    report = backtesting.backtest(collected.found.values(), before, after)
    if as_json:
        left_out = {"repeats": collected.repeats, "resolved": collected.resolved, "erased": collected.erased}
        print_json({**backtesting.document(report), "left_out": left_out})
        return
    _print(report, collected)


def _print(report: Report, collected: Collected) -> None:
    rows = [_row(name or "(no rule)", count) for name, count in report.rules.items()]
    print_table(("rule", "before", "after", "changed", "does"), rows, empty="no rules")
    for change in report.changes[:_SHOWN]:
        for line in _lines(change):
            say(line)
    if len(report.changes) > _SHOWN:
        say(f"… and {len(report.changes) - _SHOWN} more; --json has all")
    left_out = f"{collected.repeats} repeats and {collected.resolved} resolved are left out"
    erased = f", {collected.erased} are erased" if collected.erased else ""
    say(f"{report.episodes} episodes, {len(report.changes)} treated otherwise; {left_out}{erased}")


def _row(name: str, count: Count) -> list[object]:
    does = ", ".join(f"{mode} {number}" for mode, number in sorted(count.modes.items()) if mode != "unmatched")
    return [name, count.before, count.after, count.changed, does]


def _lines(change: Change) -> list[str]:
    alert = change.alert
    labels = ", ".join(f"{name}={value}" for name, value in sorted(alert.labels.items()) if name != "alertname")
    lines = [f"{alert.name} {alert.starts_at} {labels}".strip()]
    lines += [f"  {what}: {was} -> {now}" for what, was, now in change.changes]
    return [*lines, f"  why: {change.why}"] if change.why else lines
