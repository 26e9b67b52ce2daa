"""``lumen approve``, ``lumen reject`` and ``lumen override``."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from cli.alert.plain import vote_line
from cli.alert.showing import episode_path
from cli.options import Actor, Json, Key, Reason, RequiredReason
from cli.output import print_json, say
from cli.remote import Answer, api
from cli.settings import load_client
from lumen.ballot import OverrideDecision


def approve(key: Key, actor: Actor = "", reason: Reason = "", as_json: Json = False) -> None:
    """Vote for what an episode asks to do.

    A token that belongs to a person votes as that person; --actor is for the token of `lumen up`.

    \b
    Example: lumen approve alertmanager-0aa043e5d176c819 --actor alice@example.com
    """
    _vote(key, "approve", actor, reason, as_json=as_json)


def reject(key: Key, actor: Actor = "", reason: Reason = "", as_json: Json = False) -> None:
    """Vote against what an episode asks to do.

    \b
    Example: lumen reject alertmanager-0aa043e5d176c819 --actor alice@example.com --reason "wrong host"
    """
    _vote(key, "reject", actor, reason, as_json=as_json)


def override(
    key: Key,
    decision: Annotated[OverrideDecision, typer.Argument(metavar="DECISION", help="approve, reject, cancel or retry.")],
    reason: RequiredReason,
    actor: Actor = "",
    as_json: Json = False,
) -> None:
    """Decide past the quorum; goes into the ledger as an override, and says what it changes.

    \b
    Example: lumen override alertmanager-0aa043e5d176c819 cancel --actor alice@example.com --reason "maintenance"
    """
    body = _body(str(decision), actor, reason)
    answer = api(load_client()).post(f"{episode_path(key)}/override", body)
    if as_json:
        print_json(answer.body)
    else:
        say(f"override {decision} sent to {key}: {answer.body.get('effect') or 'recorded'}")
        say(f"see: lumen alert show {key}")


def _vote(key: str, decision: str, actor: str, reason: str, *, as_json: bool) -> None:
    answer = api(load_client()).post(f"{episode_path(key)}/votes", _body(decision, actor, reason))
    if as_json:
        print_json(answer.body)
        return
    for line in _tally(answer):
        say(line)


def _body(decision: str, actor: str, reason: str) -> dict[str, Any]:
    # Without an actor the field is left out: the token says who it is, or the API says that it cannot tell.
    return {"decision": decision, "reason": reason} | ({"actor": actor} if actor else {})


def _tally(answer: Answer) -> list[str]:
    """Return the standing after a vote as lines for a person."""
    body = answer.body
    if answer.status == 202:
        return ["recorded; no worker has counted it yet: see `lumen alert show`"]
    votes, required = body.get("votes") or {}, body.get("required") or {}
    sides = [f"{len(votes.get(side) or ())} of {required.get(side, '?')} to {side}" for side in ("approve", "reject")]
    lines = [f"{body.get('status', '?')}: {', '.join(sides)}"]
    lines += [f"  {side} {vote_line(vote)}" for side in ("approve", "reject") for vote in votes.get(side) or ()]
    return lines
