"""One interaction with Slack, by whatever way it came: whose it is, what it asks for, and what Slack gets as an answer."""

from __future__ import annotations

import asyncio
import logging
import time
from datetime import datetime
from typing import Any

from api.edge import Edge
from api.errors import PayloadError
from api.slack import answers
from api.slack.answers import Answer
from api.slack.clicks import Origin, Press, Submission
from api.slack.desk import SlackDesk
from api.slack.errors import ForeignError, SlackRefusedError, SlackUnreachableError
from api.slack.home import Home
from api.slack.outcomes import Outcome
from api.slack.payload import clicker_of, kept_in_form, origin_of, read_press, read_submission
from api.slack.voting import Wish, vote
from lumen.ballot import Decision

_EXPIRED = {"expired_trigger_id", "trigger_expired", "exchanged_trigger_id", "invalid_trigger_id", "trigger_exchanged"}
_log = logging.getLogger("lumen.slack")


async def interact(edge: Edge, desk: SlackDesk, payload: Any, sent: datetime | None = None) -> dict[str, Any] | None:
    """Do what ``payload`` asks for and return what Slack gets beside its acknowledgement, usually nothing.

    ``sent`` is the time that Slack signed, None where the connection itself proves that this is no replay.

    Raises:
        ForeignError: of another workspace or app; nothing was done.
        PayloadError: not an interaction that Slack sends; nothing was done.

    """
    deadline = time.monotonic() + desk.pace.whole
    try:
        return await _interact(edge, desk, payload, sent, deadline)
    except ForeignError:
        edge.metrics.interaction(Outcome.UNAUTHORIZED)
        raise
    except PayloadError:
        edge.metrics.interaction(Outcome.MALFORMED)
        raise
    except Exception:
        edge.metrics.interaction(Outcome.FAILED)
        raise


async def _interact(
    edge: Edge, desk: SlackDesk, payload: Any, sent: datetime | None, deadline: float
) -> dict[str, Any] | None:
    origin = origin_of(payload)
    kind = payload.get("type")
    found: Press | Submission | None = None
    if kind == "block_actions":
        found = read_press(payload)
    elif kind == "view_submission":
        found = read_submission(payload)
    else:
        clicker_of(payload)
    try:
        home = await _at_home(desk, origin)
    except (SlackRefusedError, SlackUnreachableError) as error:
        _log.warning("a click is not taken, because Slack does not say whose it is: %s", error)
        edge.metrics.interaction(Outcome.SLACK_UNREACHABLE)
        if found is None:
            return None
        return _answered(desk, found, answers.not_recorded(desk.words, Outcome.SLACK_UNREACHABLE, "slack"))
    if found is None:
        edge.metrics.interaction(Outcome.IGNORED)
        return None
    if isinstance(found, Press) and found.decision is Decision.REJECT:
        edge.metrics.interaction(await _open_form(desk, found, deadline))
        return None
    if isinstance(found, Submission) and not found.reason:
        edge.metrics.interaction(Outcome.INVALID)
        return answers.beside_reason(desk.words("slack.answer.form.empty"))
    answer = await vote(edge, desk, _wish(found, sent or edge.now()), home.team, deadline)
    edge.metrics.interaction(answer.outcome)
    return _answered(desk, found, answer)


async def _at_home(desk: SlackDesk, origin: Origin) -> Home:
    try:
        async with asyncio.timeout(desk.pace.person):
            home = await desk.home.find()
    except TimeoutError:
        raise SlackUnreachableError("auth.test takes too long") from None
    if origin.team != home.team or (home.app and origin.app != home.app):
        raise ForeignError("this interaction is of another workspace or app than the tokens of Lumen")
    return home


def _wish(found: Press | Submission, sent: datetime) -> Wish:
    if isinstance(found, Press):
        return Wish(found.decision, found.subject, found.stamp, found.at, found.clicker)
    # A form has no time of its own. What Slack signed is exact to a second and the same in every replay, and a form
    # cannot have been sent before it was opened.
    at = max(sent, found.opened)
    return Wish(Decision.REJECT, found.subject, found.view, at, found.clicker, found.reason)


def _answered(desk: SlackDesk, found: Press | Submission, answer: Answer) -> dict[str, Any] | None:
    """Say ``answer`` where the person looks: in the form while it is open and the vote failed, else below the message."""
    if isinstance(found, Submission) and answer.outcome not in {Outcome.RECORDED, Outcome.STORED, Outcome.UNSURE}:
        return answers.beside_reason(answer.text)
    desk.tell(found.clicker, answer.text)
    return None


async def _open_form(desk: SlackDesk, press: Press, deadline: float) -> Outcome:
    """Open the form before anything else is asked of anybody: the id that allows it lives for 3 seconds."""
    seconds = min(desk.pace.form, max(0.1, deadline - time.monotonic()))
    view = answers.form(desk.words, kept_in_form(press))
    try:
        await desk.calls.call("views.open", seconds, trigger_id=press.trigger, view=view)
    except SlackRefusedError as error:
        _log.warning("the form for a reason was not opened: %s", error)
        late = error.code in _EXPIRED
        desk.tell(press.clicker, desk.words(f"slack.answer.form.{'expired' if late else 'failed'}"))
        return Outcome.INVALID if late else Outcome.SLACK_UNREACHABLE
    except SlackUnreachableError as error:
        _log.warning("the form for a reason was not opened: %s", error)
        desk.tell(press.clicker, desk.words("slack.answer.form.failed"))
        return Outcome.SLACK_UNREACHABLE
    return Outcome.ASKED
