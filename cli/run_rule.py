"""``lumen run``: a person starts a rule. The same votes, the same proof as for an alert."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from cli.alert.showing import episode_path, watch_episode
from cli.alert.standing import what_next
from cli.alert.watching import utc_now
from cli.failure import CommandError
from cli.options import Json, Watch, pairs
from cli.output import print_json, remark, say
from cli.remote import Remote, api
from cli.settings import load_client
from lumen.outcome import State
from lumen.standing import Document, over

_PATIENCE = 3.0
_PAUSE = 0.2


def run_rule(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The name of the rule (lumen rules check).")],
    target: Annotated[str, typer.Option(metavar="TARGET", help="What it acts on, such as host1:9100.")] = "",
    label: Annotated[list[str] | None, typer.Option("--label", "-l", metavar="K=V", help="Repeatable.")] = None,
    annotation: Annotated[list[str] | None, typer.Option("--annotation", metavar="K=V", help="Repeatable.")] = None,
    actor: Annotated[str, typer.Option(metavar="EMAIL", help="Who asks.")] = "",
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why; kept with the request.")] = "",
    watch: Watch = False,
    as_json: Json = False,
) -> None:
    """Ask for a rule to run, as if its alert had come; print the key. It asks for the same votes and leaves the same proof.

    The rule's conditions hold as for any alert. A token that belongs to a person asks as that person.

    \b
    Example: lumen run disk-full --target host1:9100 -l vg=data --actor alice@example.com --reason "before the release"
    """
    given = {
        "rule": rule,
        "target": target,
        "labels": pairs(label, "-l"),
        "annotations": pairs(annotation, "--annotation"),
        "reason": reason,
        "actor": actor,
    }
    remote = api(load_client())
    answer = remote.post("/runs", {name: value for name, value in given.items() if value}).body
    key = str(answer.get("key", ""))
    if as_json:
        print_json(answer)
    else:
        say(key)
    if watch:
        watch_episode(remote, key, as_json=as_json)
    elif not as_json:
        _say_what_next(remote, key, answer)


def _say_what_next(remote: Remote, key: str, answer: dict[str, Any]) -> None:
    """Say on stderr what happens now: stdout is the key alone, so that it can be taken from there."""
    try:
        document = _planned(remote, key)
    except CommandError:
        # Accepted it is; that this token may not read, or that the API went away, changes nothing about it.
        remark(f"accepted; see: lumen alert show {key}")
        return
    if answer.get("result") == "updated":
        remark(_repeated(document))
    for line in what_next(document, key, utc_now()):
        remark(line)


def _planned(remote: Remote, key: str) -> Document:
    """Return the document once its worker has looked at the request, or what is known after a few seconds."""
    until = time.monotonic() + _PATIENCE
    while True:
        document = remote.get(episode_path(key)).body
        if document.get("state") != State.PLANNING or over(document) or time.monotonic() > until:
            return document
        time.sleep(_PAUSE)


def _repeated(document: Document) -> str:
    if document.get("state") == State.COOLING:
        return "the same request is open already and cools: this was counted and starts nothing"
    return "the same request is open already: this was counted with it"
