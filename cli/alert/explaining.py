"""``lumen alert explain``: which rule an alert falls under and why, what it would do, and what blocks it now."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.alert.blocking import blocking
from cli.alert.showing import episode_path
from cli.alert.watching import utc_now
from cli.completion import complete_key
from cli.options import Json, pairs
from cli.output import print_fields, print_json, print_table, say
from cli.remote import api
from cli.rules.loading import loaded, rank_here
from cli.settings import load_client
from lumen.standing import Document, part

if TYPE_CHECKING:
    from lumen.alert import Alert
    from rules.explaining import Explanation


def explain(
    key: Annotated[
        str,
        typer.Argument(metavar="[KEY]", help="The key of a known episode.", autocompletion=complete_key),
    ] = "",
    label: Annotated[
        list[str] | None, typer.Option("--label", "-l", metavar="K=V", help="Instead of KEY. Repeatable.")
    ] = None,
    annotation: Annotated[
        list[str] | None, typer.Option("--annotation", metavar="K=V", help="Beside -l. Repeatable.")
    ] = None,
    folder: Annotated[str, typer.Option("--rules", metavar="DIR", help="The folder; default: LUMEN_RULES.")] = "",
    as_json: Json = False,
) -> None:
    """Say for each rule whether an alert falls under it and why not, what the first that matches would do, what blocks it.

    With labels it needs no running Lumen. With KEY it asks the API once, and explains by the rules of this machine.

    \b
    Example: lumen alert explain -l alertname=DiskFull -l instance=host1 -l severity=critical
    """
    from rules import explaining  # noqa: PLC0415  # pulls in PromQL, which --help can do without

    labels, annotations = pairs(label, "-l"), pairs(annotation, "--annotation")
    if bool(key) == bool(labels):
        raise typer.BadParameter("say which alert: one KEY, or its labels with -l", param_hint="KEY")
    if key and annotations:
        raise typer.BadParameter("an episode has its own annotations", param_hint="--annotation")
    client = load_client()
    ruleset = loaded(Path(folder or client.settings.rules), rank_here(client), as_json=as_json)
    now = utc_now()
    known = api(client).get(episode_path(key)).body if key else None
    alert = _alert(known, key, now) if known is not None else _of_labels(labels, annotations, now)
    found = explaining.explain(alert, ruleset)
    blocks = blocking(known, found, key, now) if known is not None else None
    if as_json:
        print_json({"key": alert.key, **explaining.document(found), "blocks": blocks, "episode": _episode(known)})
        return
    _print(found, explaining.document(found))
    for line in blocks or ():
        say(f"now: {line}")


def _of_labels(labels: dict[str, str], annotations: dict[str, str], now: datetime) -> Alert:
    from lumen.alert import Alert, fingerprint  # noqa: PLC0415  # beside its use

    given = {name: value for name, value in labels.items() if value}
    return Alert("alertmanager", fingerprint(given), given, now, annotations)


def _alert(known: Document, key: str, now: datetime) -> Alert:
    from lumen.alert import Alert  # noqa: PLC0415  # beside its use

    labels = {str(name): str(value) for name, value in part(known, "labels").items()}
    annotations = {str(name): str(value) for name, value in part(known, "annotations").items()}
    source, _, fingerprint = key.rpartition("-")
    return Alert(source, fingerprint, labels, now, annotations)


def _episode(known: Document | None) -> dict[str, Any] | None:
    names = ("state", "state_reason", "outcome", "rule", "cooldown_until", "stale")
    return None if known is None else {name: known.get(name) for name in names}


def _print(found: Explanation, document: dict[str, Any]) -> None:
    rows = []
    for look in found.looks:
        why = "applies" if look.first else "matches too, but an earlier rule applies" if look.fits else ""
        rows.append(["yes" if look.fits else "no", look.rule, why or "; ".join(str(one) for one in look.misfits)])
    print_table(("matches", "rule", "why"), rows, empty="no rules")
    if found.rule is None:
        say("no rule matches: such an alert is answered with `unmatched` and starts nothing")
    elif document["refused"]:
        say(f"it is refused: {document['refused']}")
    else:
        print_fields(_plan_fields(document["plan"]))


def _plan_fields(plan: dict[str, Any]) -> list[tuple[str, object]]:
    fields = [(name, plan[name]) for name in ("mode", "target", "condition")]
    for action in plan["actions"]:
        fields.append(("action", f"{action['name']}: {action['shown']}"))
        fields += [("rollback", action["rollback"])] if action["rollback"] else []
    fields.append(("verify", plan["verify"]))
    if plan["dry_run"]:
        fields.append(("dry run", "nothing is executed"))
    approval = plan["approval"]
    if approval is None:
        return [*fields, ("asks", "nobody"), ("digest", plan["digest"])]
    fields.append(("asks", f"{approval['approve']} to approve or {approval['reject']} to reject"))
    fields.append(("may vote", f"{', '.join(approval['allow'])} (from rank {approval['min_rank']} on)"))
    fields += [(f"after {level['after']:g} s", ", ".join(level["allow"])) for level in approval["escalate"]]
    fields.append(("barred", ", ".join(approval["barred"])))
    return [*fields, ("digest", plan["digest"])]
