"""``lumen alert``: send one, list them, show one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import quote

import typer

from cli.failure import FAILED
from cli.options import Json, pairs
from cli.output import complain, print_fields, print_json, print_table, say
from cli.remote import api
from cli.settings import load_client
from lumen.outcome import Outcome, State

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Send, list and show alerts.")

_UNANSWERED = {
    "unmatched": "no rule matches this alert, so nothing was started (see LUMEN_RULES and `lumen rules check`)",
    "not_open": "there is no open episode of this alert to resolve",
}
_COLUMNS = ("key", "state", "outcome", "rule", "alert", "severity", "target", "started_at")


@app.command()
def send(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The alert name, such as DiskFull.")],
    label: Annotated[list[str] | None, typer.Option("--label", "-l", metavar="K=V", help="Repeatable.")] = None,
    annotation: Annotated[list[str] | None, typer.Option("--annotation", metavar="K=V", help="Repeatable.")] = None,
    resolved: Annotated[bool, typer.Option("--resolved", help="Say that it is over.")] = False,
    as_json: Json = False,
) -> None:
    """Send one alert and print its key; exit code 1, and no key, when it started nothing.

    \b
    Example: lumen alert send DiskFull -l instance=host1 -l severity=critical --annotation summary=full
    """
    labels = pairs(label, "-l")
    if labels.get("alertname", name) != name:
        raise typer.BadParameter("NAME and -l alertname=… differ: leave the label out", param_hint="-l")
    body = {
        "labels": {**labels, "alertname": name},
        "annotations": pairs(annotation, "--annotation"),
        "startsAt": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "status": "resolved" if resolved else "firing",
    }
    answer = api(load_client(), sends_alerts=True).post("/alert", body).body
    note = _UNANSWERED.get(str(answer.get("result")))
    if as_json:
        print_json(answer)
    elif not note:
        say(str(answer.get("key", "")))
    if note:
        complain(note)
        raise typer.Exit(FAILED)


@app.command("list")
def list_alerts(
    state: Annotated[State | None, typer.Option(help="Only episodes in this state.")] = None,
    outcome: Annotated[Outcome | None, typer.Option(help="Only episodes whose last attempt ended so.")] = None,
    rule: Annotated[str, typer.Option(metavar="NAME", help="Only episodes of this rule.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=500, help="At most so many.")] = 50,
    as_json: Json = False,
) -> None:
    """List episodes, newest first.

    \b
    Example: lumen alert list --state awaiting_approval
    """
    wanted = {"state": state or "", "outcome": outcome or "", "rule": rule, "limit": str(limit)}
    query = {name: str(value) for name, value in wanted.items() if value}
    answer = api(load_client()).get("/alerts", query).body
    if as_json:
        print_json(answer)
        return
    rows = [[_cell(row, column) for column in _COLUMNS] for row in answer.get("alerts", [])]
    print_table([column.removesuffix("_at") for column in _COLUMNS], rows, empty="no episodes")
    if answer.get("next"):
        say("there are more: raise --limit, or narrow with --state, --outcome or --rule")


def _cell(row: dict[str, Any], column: str) -> object:
    """Return one cell; a run that was cut short has no state any more, whatever it was in when it ended."""
    status = str(row.get("status", "running")).lower()
    if column == "state" and status not in {"running", "completed"}:
        return status
    return row.get(column)


@app.command()
def show(key: Annotated[str, typer.Argument(metavar="KEY")], as_json: Json = False) -> None:
    """Show one episode: labels, plan, votes, attempts, ledger entries.

    \b
    Example: lumen alert show alertmanager-0aa043e5d176c819
    """
    document = api(load_client()).get(f"/alerts/{quote(key, safe='')}").body
    if as_json:
        print_json(document)
    else:
        print_fields(_fields(document))


def _fields(document: dict[str, Any]) -> Iterator[tuple[str, object]]:
    for name in (
        "key",
        "status",
        "state",
        "state_reason",
        "outcome",
        "rule",
        "mode",
        "dry_run",
        "target",
        "starts_at",
        "repeats",
    ):
        yield name, document.get(name)
    if document.get("stale"):
        yield "stale", "no worker answers now: this is what is known without one"
    for name in ("labels", "annotations"):
        for label, value in sorted(_object(document.get(name)).items()):
            yield name.removesuffix("s"), f"{label}={value}"
    plan = _object(document.get("plan"))
    yield "plan", plan.get("digest")
    yield "condition", plan.get("condition")
    for action in plan.get("actions") or ():
        yield "action", _action(_object(action))
    yield from _approval(_object(document.get("approval")))
    for attempt in document.get("attempts") or ():
        found = _object(attempt)
        yield "attempt", " ".join(str(found[name]) for name in ("n", "outcome", "reason") if found.get(name))
    yield "cools until", document.get("cooldown_until")
    yield "ledger", " ".join(str(seq) for seq in document.get("proof_ref") or ())
    yield "workflow", document.get("workflow_id")
    yield "run", document.get("run_id")


def _approval(approval: dict[str, Any]) -> Iterator[tuple[str, object]]:
    if not approval:
        return
    required = _object(approval.get("required"))
    yield "approval", approval.get("id")
    yield "wants", f"{required.get('approve')} to approve or {required.get('reject')} to reject"
    yield "expires", approval.get("expires_at")
    for side, votes in _object(approval.get("votes")).items():
        for vote in votes or ():
            yield side, vote_line(vote)


def vote_line(vote: object) -> str:
    """Return one vote as a line: who, by which channel, when, why."""
    if not isinstance(vote, dict):
        return str(vote)
    return " ".join(str(vote[name]) for name in ("actor", "channel", "at", "reason") if vote.get(name))


def _action(action: dict[str, Any]) -> str:
    return f"{action.get('name', '')}: {action.get('shown') or json.dumps(action.get('spec'), ensure_ascii=False)}"


def _object(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
