"""What people are told about their click: a text in their language, never with markup in it, and for one person only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from api.slack.outcomes import Outcome
from lumen.display import printable
from lumen.wording import Wording

_TEXT_LIMIT = 1000
_REFUSALS = {"closed", "plan_changed", "not_allowed", "rank_too_low", "forged", "used", "expired", "malformed"}


@dataclass(frozen=True)
class Answer:
    """What became of a vote, and the text that says so to whoever cast it."""

    outcome: Outcome
    text: str


def counted(words: Wording, tally: dict[str, Any]) -> Answer:
    """Return the answer to a vote that was counted; ``tally`` is that of ``POST /alerts/{key}/votes``."""
    votes, required = tally.get("votes", {}), tally.get("required", {})
    numbers = {
        "approve": len(votes.get("approve", ())),
        "reject": len(votes.get("reject", ())),
        "approve_needed": required.get("approve", "?"),
        "reject_needed": required.get("reject", "?"),
    }
    said = words(f"slack.answer.counted.{tally.get('decision', 'approve')}")
    status = tally.get("status")
    stands = words(f"slack.answer.status.{status if status in {'approved', 'rejected'} else 'pending'}", **numbers)
    return Answer(Outcome.RECORDED, f"{said} {stands}")


def stored(words: Wording) -> Answer:
    """Return the answer to a vote that is durable and that no worker has counted yet."""
    return Answer(Outcome.STORED, words("slack.answer.stored"))


def refused(words: Wording, reason: str, actor: str) -> Answer:
    """Return the answer to a vote that does not count for a ``reason`` of ``BallotError``."""
    known = reason if reason in _REFUSALS else "other"
    return not_recorded(words, Outcome.REFUSED, f"refused.{known}", actor=printable(actor))


def not_recorded(words: Wording, outcome: Outcome, why: str, **values: object) -> Answer:
    """Return the answer to a vote that was certainly not recorded; ``why`` ends the text id ``slack.answer.…``."""
    return Answer(outcome, words("slack.answer.not_recorded", why=words(f"slack.answer.{why}", **values)))


def unsure(words: Wording, which: str = "unsure") -> Answer:
    """Return the answer to a vote of which nobody can tell now whether it was recorded."""
    return Answer(Outcome.UNSURE, words(f"slack.answer.{which}"))


def ephemeral(text: str) -> dict[str, Any]:
    """Return ``text`` as a message for one person that leaves the message above it alone."""
    shown = text[:_TEXT_LIMIT]
    block = {"type": "section", "text": {"type": "plain_text", "text": shown, "emoji": False}}
    # The text beside the blocks is read as markup where it is shown alone, in a notification.
    plain = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": plain, "blocks": [block]}


def form(words: Wording, kept: str) -> dict[str, Any]:
    """Return the modal that asks for the reason of a rejection; ``kept`` comes back with it."""
    return {
        "type": "modal",
        "callback_id": "lumen.reject",
        "private_metadata": kept,
        "title": _plain(words("slack.answer.form.title")),
        "submit": _plain(words("slack.answer.form.submit")),
        "close": _plain(words("slack.answer.form.close")),
        "blocks": [
            {"type": "section", "text": _plain(words("slack.answer.form.text"))},
            {
                "type": "input",
                "block_id": "reason",
                "label": _plain(words("slack.answer.form.label")),
                "element": {"type": "plain_text_input", "action_id": "reason", "multiline": True, "max_length": 1900},
            },
        ],
    }


def beside_reason(text: str) -> dict[str, Any]:
    """Return the acknowledgement of a form that keeps it open and shows ``text`` at the reason."""
    return {"response_action": "errors", "errors": {"reason": text[:_TEXT_LIMIT]}}


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text, "emoji": False}
