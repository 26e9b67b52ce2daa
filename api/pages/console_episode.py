"""The page of one episode, and deciding on it."""

from __future__ import annotations

import asyncio
import time
import uuid
from typing import Any

from fastapi import APIRouter, Request, Response

from api.ballots import Choice, Voice, cast_override_of, cast_vote
from api.edge import Edge, Key, TheEdge
from api.errors import UnknownEpisodeError
from api.ledger_view import Line
from api.pages import asking, story
from api.pages.console import banner
from api.pages.framing import PageRoute, TheReader, back_to, frame, reason_in, refusal, why_no_override
from api.pages.live import answer
from api.pages.moments import Clock
from api.pages.overview import TheOverview, known
from api.pages.rendering import ThePages
from api.pages.visitors import Visitor, read_form
from api.ports import Description, Running
from api.routes.alerts import document_of
from api.tokens import Scope
from lumen.errors import LumenError
from lumen.outcome import State
from lumen.standing import Document, over
from lumen.wording import Wording

router = APIRouter(route_class=PageRoute)

_SECONDS = 2.2
_ALL_SECONDS = 2.6
_LEAST_SECONDS = 0.2
_REFRESH = 10
_SHOWN_ENTRIES = 50
_RUNS = frozenset({State.EXECUTING, State.VERIFYING, State.ROLLING_BACK})
_TOLD = ("state_reason", "dry_run", "stale", "requested_by", "repeats", "status", "rule", "mode", "target")
_CHANNEL = "console"
_ONCE_LIMIT = 40


@router.get("/episodes/{key}")
async def episode(
    request: Request, edge: TheEdge, pages: ThePages, overview: TheOverview, visitor: TheReader, key: Key
) -> Response:
    """Show one episode: what it asks, what it has done, what of that is in the ledger."""
    began = time.monotonic()
    document, freeze = await asyncio.gather(_document(edge, key), overview.freeze.get())
    left = max(_LEAST_SECONDS, _ALL_SECONDS - (time.monotonic() - began))
    running, lines = await asyncio.gather(_running(edge, key, document, left), _lines(edge, document, left))
    clock = Clock(Wording(edge.site.lang), edge.now())
    once = f"{int(edge.now().timestamp() * 1000):x}"
    shown = _shown(edge, key, document or {}, visitor, clock)
    values = {
        **frame(request, visitor, "episodes", refresh=0 if shown["ask"] or shown["overrides"] else _REFRESH),
        **banner(freeze, clock),
        **shown,
        "known": document is not None,
        "now": story.running(running, document or {}, clock),
        "entries": [(line, clock.when(line.at)) for line in reversed(lines)],
        "older_entries": max(0, len(_seqs(document or {})) - len(lines)),
        "once": once,
    }
    found = answer(request, pages, "episode.html", values, clock.now, (visitor.form_token, once))
    if document is None:
        found.status_code = 503
    return found


async def _document(edge: Edge, key: str) -> Document | None:
    try:
        async with asyncio.timeout(_SECONDS):
            return await document_of(edge.episodes, key)
    except UnknownEpisodeError:
        raise
    except (LumenError, TimeoutError):
        return None


async def _running(edge: Edge, key: str, document: Document | None, seconds: float) -> tuple[Running, ...]:
    if document is None or over(document) or document.get("state") not in _RUNS:
        return ()
    found: Description | None = await known(edge.episodes.describe(key), seconds)
    return found.running if found else ()


async def _lines(edge: Edge, document: Document | None, seconds: float) -> list[Line]:
    seqs = _seqs(document or {})[-_SHOWN_ENTRIES:]
    if not seqs or edge.surroundings is None:
        return [Line(seq, "unchecked") for seq in seqs]
    return await edge.surroundings.ledger.lines(seqs, seconds)


def _seqs(document: Document) -> list[int]:
    found = document.get("proof_ref")
    return sorted({seq for seq in found if isinstance(seq, int)}) if isinstance(found, list) else []


def _shown(edge: Edge, key: str, document: Document, visitor: Visitor, clock: Clock) -> dict[str, Any]:
    labels = document.get("labels") if isinstance(document.get("labels"), dict) else {}
    annotations = document.get("annotations") if isinstance(document.get("annotations"), dict) else {}
    plan = document.get("plan") if isinstance(document.get("plan"), dict) else {}
    return {
        "key": key,
        "document": {name: document.get(name) for name in _TOLD} | {"outcome": asking.outcome_of(document)},
        "severity": str((labels or {}).get("severity") or ""),
        "title": str((labels or {}).get("alertname") or document.get("rule") or key),
        "summary": str((annotations or {}).get("summary") or (annotations or {}).get("description") or ""),
        "labels": sorted((labels or {}).items()),
        "annotations": sorted((annotations or {}).items()),
        "state": asking.state_of(document),
        "ask": asking.asked(document, visitor, edge.rules().policy.principal, clock),
        "voted": asking.counted(document, clock),
        "actions": asking.actions(document),
        "condition": str((plan or {}).get("condition") or ""),
        "overrides": asking.overrides(document, visitor),
        "attempts": story.attempts(document, clock),
        "began": clock.when(document.get("starts_at")),
        "cools": clock.when(document.get("cooldown_until")),
        "runbook": story.web_link((plan or {}).get("runbook_url")),
        "temporal": story.temporal_link(edge.site, document),
    }


@router.post("/episodes/{key}/vote")
async def vote(request: Request, edge: TheEdge, visitor: TheReader, key: Key) -> Response:
    """Cast the visitor's vote on what the form showed, and on nothing else."""
    fields = await read_form(request, edge, visitor)
    return back_to(f"/episodes/{key}", await _vote(edge, key, visitor, fields))


async def _vote(edge: Edge, key: str, visitor: Visitor, fields: dict[str, str]) -> str:
    if Scope.VOTE not in visitor.scopes or not visitor.actor:
        return "scope"
    asked, digest = fields.get("approval_id", ""), fields.get("digest", "")
    if not asked or not digest:
        return "malformed"
    choice = Choice(fields.get("decision", ""), reason_in(fields), asked, digest)
    voice = Voice(visitor.actor, _CHANNEL, visitor.rank, _id(visitor, fields, asked))
    try:
        status, _content = await cast_vote(edge, key, choice, voice)
    except LumenError as error:
        return refusal(error)
    return "voted" if status == 200 else "recorded"


@router.post("/episodes/{key}/override")
async def override(request: Request, edge: TheEdge, visitor: TheReader, key: Key) -> Response:
    """Send the visitor's override, which needs a reason."""
    fields = await read_form(request, edge, visitor)
    return back_to(f"/episodes/{key}", await _override(edge, key, visitor, fields))


async def _override(edge: Edge, key: str, visitor: Visitor, fields: dict[str, str]) -> str:
    if why_no_override(visitor):
        return "scope"
    if not reason_in(fields):
        return "reason_missing"
    choice = Choice(fields.get("decision", ""), reason_in(fields), digest=fields.get("digest", ""))
    voice = Voice(visitor.actor, _CHANNEL, visitor.rank, _id(visitor, fields, "override"))
    try:
        told = await cast_override_of(edge, key, choice, voice)
    except LumenError as error:
        return refusal(error)
    return "override" if told["takes_effect"] else "override_idle"


def _id(visitor: Visitor, fields: dict[str, str], what: str) -> str:
    """Return the id of a ballot: the same when the same page is sent twice, so that this counts once."""
    once = fields.get("once", "")
    if not once or len(once) > _ONCE_LIMIT:
        return str(uuid.uuid4())
    said = "\n".join((what, visitor.actor, once, fields.get("decision", ""), reason_in(fields)))
    return str(uuid.uuid5(uuid.NAMESPACE_OID, said))
