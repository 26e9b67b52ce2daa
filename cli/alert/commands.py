"""The commands of ``lumen alert``."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from cli.alert.explaining import explain
from cli.alert.listing import MORE, Listing, list_changes, list_lines
from cli.alert.plain import plain_fields
from cli.alert.rows import COLUMNS, plain_cell
from cli.alert.showing import episode_path, show_lines, watch_episode
from cli.alert.watching import Pace, follow, utc_now, watched
from cli.failure import FAILED
from cli.options import Json, Key, Watch, pairs
from cli.output import complain, print_fields, print_json, print_table, say
from cli.remote import api
from cli.settings import load_client
from cli.terminal import print_lines, terminal
from lumen.outcome import Outcome, State
from lumen.standing import items

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Send, list, show, explain and watch alerts.")

_UNANSWERED = {
    "unmatched": "no rule matches this alert, so nothing was started (see LUMEN_RULES and `lumen rules check`)",
    "not_open": "there is no open episode of this alert to resolve",
}


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
    watch: Watch = False,
    as_json: Json = False,
) -> None:
    """List episodes, newest first. At a terminal it says who still has to vote and how long that may take.

    \b
    Example: lumen alert list --state awaiting_approval
    """
    wanted = {"state": state or "", "outcome": outcome or "", "rule": rule, "limit": str(limit)}
    remote = api(load_client())
    query = {name: str(value) for name, value in wanted.items() if value}
    listing = Listing(remote, query)
    if watch:
        with watched(list_lines, list_changes, as_json=as_json) as view:
            follow(listing.ask, view, lambda _: False, Pace())
        return
    if as_json:
        print_json(remote.get("/alerts", query).body)
        return
    size = terminal()
    if size is not None:
        print_lines(list_lines(listing.ask(), utc_now(), size.columns))
        return
    answer = remote.get("/alerts", query).body
    rows = [[plain_cell(row, column) for column in COLUMNS] for row in items(answer, "alerts")]
    print_table([column.removesuffix("_at") for column in COLUMNS], rows, empty="no episodes")
    if answer.get("next"):
        say(MORE)


@app.command()
def show(key: Key, watch: Watch = False, as_json: Json = False) -> None:
    """Show one episode: whose turn it is, the plan, votes, attempts with what they printed, ledger entries.

    \b
    Example: lumen alert show alertmanager-0aa043e5d176c819
    """
    remote = api(load_client())
    if watch:
        watch_episode(remote, key, as_json=as_json)
        return
    document = remote.get(episode_path(key)).body
    size = terminal()
    if as_json:
        print_json(document)
    elif size is None:
        print_fields(plain_fields(document))
    else:
        print_lines(show_lines(document, utc_now(), size.columns))


app.command()(explain)
