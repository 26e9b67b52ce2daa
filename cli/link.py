"""``lumen link``: a link by which one person decides what an episode asks now."""

from __future__ import annotations

import secrets
import time
from typing import Annotated

import typer

from cli.alert.showing import episode_path
from cli.failure import CommandError
from cli.options import Json, Key
from cli.output import print_json, print_raw, remark
from cli.remote import api
from cli.settings import load_client, require
from lumen.ballot import Rank, read_actor
from lumen.errors import BallotError
from lumen.links import ANONYMOUS, Link, link_token, link_url
from lumen.outcome import State
from lumen.standing import Document, part
from rules.reading.values import parse_duration

_LONGEST = 30 * 86400.0  # seconds; no request for approval is open longer


def link(
    key: Key,
    actor: Annotated[str, typer.Option(metavar="EMAIL", help="Who may decide by it; without it, who holds it.")] = "",
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long it counts, such as 2h (LINK_TTL_SEC).")] = "",
    as_json: Json = False,
) -> None:
    """Print a link by which one person can decide, once, what an episode asks now.

    It is signed here with BRIDGE_SECRET, which must be that of the API. Whoever has the link has the vote.

    \b
    Example: lumen link alertmanager-0aa043e5d176c819 --actor alice@example.com
    """
    client = load_client()
    settings = client.settings
    require(settings, bridge_keys="BRIDGE_SECRET")
    seconds = _seconds(ttl) if ttl else settings.link_ttl_sec
    person = _person(actor)
    document = api(client).get(episode_path(key)).body
    approval_id, digest = _asked(document)
    _check_voter(document, person)
    made = Link(key, approval_id, digest, person, int(time.time()) + seconds, secrets.token_urlsafe(16))
    url = link_url(settings.public_base_url, link_token(made, settings.bridge_keys))
    if as_json:
        print_json({"url": url, "actor": person, "approval_id": approval_id, "digest": digest, "expires": made.expires})
    else:
        print_raw(f"{url}\n")


def _seconds(ttl: str) -> int:
    found = parse_duration(ttl)
    if found is None or not 1 <= found <= _LONGEST:
        raise typer.BadParameter(f"{ttl!r}: want a time of at most 30d, such as 900, 15m or 2h", param_hint="--ttl")
    return int(found)


def _person(actor: str) -> str:
    if not actor:
        return ""
    try:
        person = read_actor(actor)
    except BallotError as error:
        raise typer.BadParameter(str(error), param_hint="--actor") from None
    if person == ANONYMOUS:
        raise typer.BadParameter("leave it out for a link that names nobody", param_hint="--actor")
    return person


def _asked(document: Document) -> tuple[str, str]:
    """Return approval id and plan digest of what is asked now; raises :class:`CommandError` if nothing is."""
    if document.get("stale"):
        raise CommandError(
            "no worker answers for this episode now, so what it asks cannot be read: start one, try again"
        )
    approval, plan = part(document, "approval"), part(document, "plan")
    if document.get("state") != State.AWAITING_APPROVAL or not approval.get("id") or not plan.get("digest"):
        raise CommandError(
            f"this episode asks nothing now: its state is {document.get('state')}, so no link can decide in it"
        )
    return str(approval["id"]), str(plan["digest"])


def _check_voter(document: Document, person: str) -> None:
    """Refuse a link whose vote would be refused, as far as the document tells; say on stderr what else it needs."""
    approval = part(document, "approval")
    allow = approval.get("allow")
    if person and isinstance(allow, list) and person not in allow:
        raise CommandError(
            f"{person} may not decide this: there are {', '.join(map(str, allow)) or 'none who may'}. Name one of them, "
            "or change the rule's approval.allow"
        )
    if not person and not approval.get("anonymous"):
        remark("this link names nobody: whoever opens it has to sign in, since the rule allows no vote without a name")
    needed = str(approval.get("min_rank", ""))
    if Rank.named(needed) > Rank.LINK:
        remark(
            f"a link alone is not enough for this request: it wants the rank {needed}, so its holder has to sign in too"
        )
