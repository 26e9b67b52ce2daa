"""Votes and overrides on their way from a request to an episode: who speaks, on what, signed by this API."""

from __future__ import annotations

import uuid
from dataclasses import asdict, dataclass, field
from typing import Any

from api.edge import Edge
from api.errors import EpisodeClosedError, NoWorkerError
from api.problems import Problem
from api.tokens import Caller
from lumen import names
from lumen.ballot import Ballot, read_override, read_vote, sign
from lumen.outcome import State
from lumen.overriding import effect_of
from lumen.records import rfc3339

_PENDING = "recorded; no worker has counted it yet"


@dataclass(frozen=True)
class Voice:
    """Who speaks and how that is known. ``rank`` names a :class:`lumen.ballot.Rank`.

    ``id`` makes a repetition of the same request harmless; ``jti`` is that of a link, which counts once. ``at`` is when
    the person decided, where the channel tells it; "" = now.
    """

    actor: str
    channel: str
    rank: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    jti: str = ""
    at: str = ""


@dataclass(frozen=True)
class Choice:
    """What was decided on which request; without ``approval_id`` and ``digest`` it means whatever is asked now."""

    decision: str
    reason: str = ""
    approval_id: str = ""
    digest: str = ""


async def cast_vote(edge: Edge, key: str, choice: Choice, voice: Voice) -> tuple[int, dict[str, Any]]:
    """Cast a vote and return status and content of the answer: 200 with the tally, 202 uncounted.

    Raises:
        BallotError, EpisodeClosedError, UnknownEpisodeError, UnreachableError: the vote was not recorded.

    """
    return await cast_ballot(edge, key, asdict(choice) | asdict(voice) | {"at": voice.at or rfc3339(edge.now())})


async def cast_body(edge: Edge, key: str, body: dict[str, Any], caller: Caller) -> tuple[int, dict[str, Any]]:
    """Cast the vote in the ``body`` of a request by token; as :func:`cast_vote`."""
    return await cast_ballot(edge, key, _draft(edge, body, caller))


async def cast_ballot(edge: Edge, key: str, draft: dict[str, Any]) -> tuple[int, dict[str, Any]]:
    """Cast the vote whose fields are in ``draft``; as :func:`cast_vote`."""
    ballot = read_vote(draft)
    worker_answers = True
    if not ballot.approval_id or not ballot.digest:
        worker_answers, shown = await _what_is_asked(edge, key)
        ballot = read_vote(asdict(ballot) | {name: value for name, value in shown.items() if not getattr(ballot, name)})
    ballot = sign(ballot, names.alert_workflow_id(key), edge.bridge_keys)
    answer = await _update_or_signal(edge, key, ballot, worker_answers=worker_answers)
    edge.metrics.vote(ballot.decision)
    return answer


async def cast_override(edge: Edge, key: str, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """Send the override in ``body`` and return the content of the answer; raises as :func:`cast_vote`.

    ``takes_effect`` and ``effect`` say what it does in the ``state`` that was seen just before it was sent.
    """
    return await _send_override(edge, key, _draft(edge, body, caller))


async def cast_override_of(edge: Edge, key: str, choice: Choice, voice: Voice) -> dict[str, Any]:
    """Send the override that a person chose on a page; as :func:`cast_override`."""
    return await _send_override(edge, key, asdict(choice) | asdict(voice) | {"at": voice.at or rfc3339(edge.now())})


async def _send_override(edge: Edge, key: str, draft: dict[str, Any]) -> dict[str, Any]:
    ballot = read_override(draft)
    workflow_id = names.alert_workflow_id(key)
    state = await _state(edge, key)
    await edge.episodes.send(key, names.SIGNAL_OVERRIDE, sign(ballot, workflow_id, edge.bridge_keys))
    edge.metrics.override(ballot.decision)
    effect = effect_of(ballot.decision, state)
    told = {"state": state, "takes_effect": effect.works, "effect": effect.text}
    return {"status": "sent", "workflow_id": workflow_id, **told}


async def _state(edge: Edge, key: str) -> str | None:
    """Return the state of an episode, None where nobody can tell it now."""
    try:
        state = (await edge.episodes.status(key)).get("state")
    except NoWorkerError:
        return None
    return state if isinstance(state, str) else None


def _draft(edge: Edge, body: dict[str, Any], caller: Caller) -> dict[str, Any]:
    """Return the fields of a ballot; who speaks, by which channel and when is never taken from the body alone."""
    channel = "token" if caller.bound else "signal"
    return {
        **{name: body.get(name) for name in ("decision", "reason", "approval_id", "digest")},
        "actor": actor_of(body.get("actor"), caller),
        "id": str(uuid.uuid4()),
        "channel": channel,
        "rank": channel,
        "at": rfc3339(edge.now()),
    }


def actor_of(named: object, caller: Caller) -> object:
    """Return who speaks: the person of a bound token, which may speak as nobody else, or whom the body names.

    Raises:
        Problem: 403, the body names another person than the token's.

    """
    if not caller.bound:
        return named
    if named is not None and not (isinstance(named, str) and named.lower() == caller.actor):
        raise Problem(
            403, "this token belongs to another person than the one that the body names", reason="not_allowed"
        )
    return caller.actor


async def _what_is_asked(edge: Edge, key: str) -> tuple[bool, dict[str, str]]:
    """Return whether a worker answers, and approval id and plan digest of what the episode asks now."""
    try:
        document = await edge.episodes.status(key)
    except NoWorkerError:
        found = await edge.episodes.describe(key)
        if not found.open:
            raise EpisodeClosedError("this episode is over: nothing can be decided in it any more") from None
        _require_asking(found.row["state"])
        return False, {}
    _require_asking(document.get("state"))
    approval, plan = document.get("approval"), document.get("plan")
    if not isinstance(approval, dict) or not isinstance(plan, dict):
        raise _not_asking(document.get("state"))
    return True, {"approval_id": str(approval.get("id", "")), "digest": str(plan.get("digest", ""))}


def _require_asking(state: object) -> None:
    if state is not None and state != State.AWAITING_APPROVAL:
        raise _not_asking(state)


def _not_asking(state: object) -> EpisodeClosedError:
    return EpisodeClosedError(f"this episode does not wait for votes now; its state is {state}")


async def _update_or_signal(
    edge: Edge, key: str, ballot: Ballot, *, worker_answers: bool
) -> tuple[int, dict[str, Any]]:
    if worker_answers:
        try:
            return 200, await edge.episodes.vote(key, ballot)
        except NoWorkerError:
            pass
    # The same ballot with the same id: should the update be counted after all, the episode counts it once.
    await edge.episodes.send(key, names.SIGNAL_VOTE, ballot)
    return 202, {"status": "pending", "decision": ballot.decision, "id": ballot.id, "detail": _PENDING}
