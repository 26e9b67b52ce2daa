"""Telling a human, beside the episode: over whatever is configured for that, and below the message of the episode."""

from __future__ import annotations

from temporalio import workflow

from lumen.contracts import Notifying
from lumen.showing import HumanNeeded, Note
from workflows import options
from workflows.live import LiveEpisode


def tell_human(live: LiveEpisode, reason: str, text: str) -> None:
    """Tell a human why one is needed; the episode goes on meanwhile and waits for it only before it closes."""
    alert, plan = live.episode.alert, live.episode.plan
    assert alert is not None  # noqa: S101 - there is something to tell
    live.showing.begin()
    live.showing.say(Note.NEEDS_HUMAN, loud=True, reason=reason, text=text)
    needed = HumanNeeded(
        key=live.key,
        workflow_id=live.workflow_id,
        rule=plan.rule if plan else "",
        target=plan.target if plan else "",
        alert=alert.name,
        severity=alert.severity,
        reason=str(reason),
        text=text,
        at=workflow.now(),
        runbook_url=plan.runbook_url if plan else "",
    )
    live.in_background(
        workflow.execute_activity_method(
            Notifying.tell_human, needed, summary=f"tell a human: {reason}", **options.telling()
        )
    )
