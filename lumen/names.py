"""Every name that Lumen gives to something in Temporal: one place, so that two processes can never disagree."""

from __future__ import annotations

import hashlib

from lumen.display import truncate

TASK_QUEUE = "lumen"
INTAKE_TASK_QUEUE = "lumen-intake"
GUARD_TASK_QUEUE = "lumen-guard"
"""Guards have workers of their own, so that a burst of episodes does not delay them."""
WATCH_TASK_QUEUE = "lumen-watch"
"""Nothing is ever put there: workers poll it to notice that Temporal was away."""

ALERT_WORKFLOW = "AlertWorkflow"
GUARD_WORKFLOW = "GuardWorkflow"
INTAKE_WORKFLOW = "IntakeWorkflow"
FREEZE_WORKFLOW = "FreezeWorkflow"
WAKE_WORKFLOW = "WakeWorkflow"
COMMAND_WORKFLOW = "CommandWorkflow"

FREEZE_ID = "lumen-freeze"

SIGNAL_ALERT = "alert"
SIGNAL_VOTE = "vote"
SIGNAL_OVERRIDE = "override"
SIGNAL_GRANTED = "guard_granted"
SIGNAL_WAKE = "wake"
SIGNAL_CLEAR_COOLDOWN = "clear_cooldown"
UPDATE_VOTE = "vote"
QUERY_STATUS = "status"

GUARD_ACQUIRE = "acquire"
GUARD_RELEASE = "release"
GUARD_CLEAR = "clear"
GUARD_WOULD = "would"

ATTRIBUTE_STATE = "LumenState"
ATTRIBUTE_OUTCOME = "LumenOutcome"
ATTRIBUTE_RULE = "LumenRule"
ATTRIBUTE_ALERT = "LumenAlert"
ATTRIBUTE_SEVERITY = "LumenSeverity"
ATTRIBUTE_TARGET = "LumenTarget"
ATTRIBUTES = (
    ATTRIBUTE_STATE,
    ATTRIBUTE_OUTCOME,
    ATTRIBUTE_RULE,
    ATTRIBUTE_ALERT,
    ATTRIBUTE_SEVERITY,
    ATTRIBUTE_TARGET,
)

NEEDS_HUMAN_ALERT = "LumenNeedsHuman"

_ID_LIMIT = 200
_KEYWORD_LIMIT = 255
_ALERT_PREFIX = "alert-"


def alert_workflow_id(key: str) -> str:
    """Return the workflow id of the episode with this key: the rule that makes one episode one workflow."""
    return _ALERT_PREFIX + key


def key_of_workflow(workflow_id: str) -> str:
    """Return the key of the episode that runs under ``workflow_id``; the inverse of :func:`alert_workflow_id`."""
    return workflow_id.removeprefix(_ALERT_PREFIX)


def target_guard_id(target: str) -> str:
    """Return the workflow id of the guard of one target; a long target is cut and told apart by its SHA-256."""
    return _bounded(f"target-{target}")


def budget_guard_id(rule: str) -> str:
    """Return the workflow id of the guard that counts the concurrent runs of one rule."""
    return _bounded(f"budget-{rule}")


def intake_workflow_id(content_digest: str) -> str:
    """Return the workflow id of an intake; ``content_digest`` is taken over the alerts without their receive time."""
    return f"intake-{content_digest.removeprefix('sha256:')}"


def runner_task_queue(runner: str) -> str:
    """Return the task queue of the workers that may run actions for ``runner``."""
    return f"lumen-runner-{runner}"


def action_key(workflow_id: str, first_run_id: str, attempt: int, action: str) -> str:
    """Return the key of one action of one attempt; unchanged by a reset and by continue-as-new."""
    return f"{workflow_id}/{first_run_id}/{attempt}/{action}"


def attempt_key(workflow_id: str, first_run_id: str, attempt: int) -> str:
    """Return the key of one attempt, the stem of the idempotency keys of its ledger entries."""
    return f"{workflow_id}/{first_run_id}/{attempt}"


def first_run_of(attempt: str) -> str:
    """Return the first run id in the key of an attempt; the inverse of :func:`attempt_key` in its middle."""
    return attempt.rsplit("/", 2)[1] if attempt.count("/") > 1 else ""


def approval_id(first_run_id: str, attempt: int, ask: int) -> str:
    """Return the id of one request for approval: it names the run, the attempt and how often this attempt has asked."""
    return f"{first_run_id}.{attempt}.{ask}"


def keyword(value: str) -> str:
    """Return ``value`` in the size that a keyword search attribute holds everywhere (255 bytes)."""
    return truncate(value, _KEYWORD_LIMIT)


def _bounded(text: str) -> str:
    raw = text.encode("utf-8", "replace")
    if len(raw) <= _ID_LIMIT:
        return text
    return truncate(text, _ID_LIMIT - 17) + "-" + hashlib.sha256(raw).hexdigest()[:16]
