"""What activities and workflows are sent and answer, one dataclass each way. Recorded in histories: fields only grow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from lumen.alert import Alert
from lumen.ballot import Ballot
from lumen.outcome import ActionStatus, Outcome
from lumen.plan import Plan


@dataclass(frozen=True)
class IntakeStart:
    """The argument of ``IntakeWorkflow``: alerts to hand to their episodes."""

    alerts: tuple[Alert, ...]


class Verdict(StrEnum):
    """What the preparation of an attempt found."""

    GO = "go"
    REFUSED = "refused"
    CONDITION_NOT_MET = "condition_not_met"
    BLOCKED = "blocked"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True)
class PrepareRequest:
    """Plan, condition and guard for one attempt. ``holder`` names the attempt to the guards.

    ``take_guards`` is false on the re-check after the wait: the guards are held already; ``waited`` are then the seconds
    that people took, for the metric. ``ignore_cooldown`` comes from an ``override retry``. ``again``: it was asked before,
    and the answer was lost.
    """

    alert: Alert
    workflow_id: str
    holder: str
    take_guards: bool = True
    ignore_cooldown: bool = False
    waited: float | None = None
    again: bool = False


@dataclass(frozen=True)
class Prepared:
    """``plan`` is absent only when none could be made; ``rule`` then names the rule that should have made it, if any.

    ``waits_for_guard``: blocked in the queue of a guard, which will signal; otherwise a blocked attempt asks again itself.
    ``guards`` are the workflow ids of the guards that may be held or queued for; ``fencing_token`` is that of the target.
    ``shows``: a channel is configured on which people follow episodes, so that ``lumen.showing.ShowRequest`` has an effect.
    ``edition`` counts what workers have learned that changes the commands of a workflow; histories of older workers
    have none, and replay without it. 1: the memo tells what an episode waits for. 2: a vote that names no request must be
    younger than it, and one person votes a bounded number of times. 3: a start that was voided is not undone.
    ``unserved``: runners of the plan that no worker serves right now.
    """

    verdict: Verdict
    plan: Plan | None = None
    reason: str = ""
    waits_for_guard: bool = False
    guards: tuple[str, ...] = ()
    fencing_token: int = 0
    rule: str = ""
    shows: bool = False
    edition: int = 0
    unserved: tuple[str, ...] = ()


@dataclass(frozen=True)
class AdmitRequest:
    """A ballot as it arrived, to be judged on the worker: who is it, and does the plan still stand?

    ``kind`` is ``vote`` or ``override``. ``allow`` and ``min_rank`` bind votes only: an override is its own authority,
    and who may send one is decided by the API's scopes or by who can reach Temporal. ``anonymous``: links without a name
    may vote. ``barred`` are those who would be in ``allow`` if they had not asked for it or owned what it is about.
    """

    ballot: Ballot
    kind: str
    alert: Alert
    workflow_id: str
    allow: tuple[str, ...] = ()
    min_rank: str = "link"
    anonymous: bool = False
    barred: tuple[str, ...] = ()


@dataclass(frozen=True)
class Admission:
    """``ok`` or why not (``refusal`` is a reason of ``BallotError``). ``plan_digest`` is that of today's plan."""

    ok: bool
    actor: str = ""
    channel: str = "signal"
    rank: str = "signal"
    at: datetime | None = None
    refusal: str = ""
    message: str = ""
    plan_digest: str = ""


@dataclass(frozen=True)
class StillFiringRequest:
    """Ask Prometheus whether this alert fires."""

    alert: Alert


@dataclass(frozen=True)
class StillFiring:
    """``firing`` is None when Prometheus is not configured or cannot say."""

    firing: bool | None


@dataclass(frozen=True)
class ExecuteRequest:
    """Run one action of the approved plan. ``key`` is the action's idempotency key, ``tried`` counts its starts from 1.

    ``valid_until``: the decision that allows the action is not valid after it (None in ``auto`` mode).
    """

    alert: Alert
    workflow_id: str
    digest: str
    action: str
    key: str
    tried: int
    attempt: int
    fencing_token: int = 0
    valid_until: datetime | None = None
    decision_seq: int | None = None


class Start(StrEnum):
    """Whether the action was started by this activity."""

    RAN = "ran"
    NOT_DISPATCHED = "not_dispatched"
    LOST = "lost"
    PLAN_CHANGED = "plan_changed"
    CLAIMED_BY_ANOTHER = "claimed_by_another"
    NO_LEDGER = "no_ledger"
    DECISION_LAPSED = "decision_lapsed"
    FROZEN = "frozen"
    LEDGER_REFUSED = "ledger_refused"
    CANNOT_START = "cannot_start"


@dataclass(frozen=True)
class ActionResult:
    """How one action ended; ``detail`` holds exit code, output heads and hashes, HTTP status: JSON, no secrets."""

    name: str
    kind: str
    key: str
    status: ActionStatus
    reason: str = ""
    duration_sec: float = 0.0
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class ExecuteResult:
    """``result`` is present when ``start`` is ``ran``. ``recorded``: ``action.finished`` is in the ledger already.

    ``nonce`` is that of this activity's own claim, as far as it got one.
    """

    start: Start
    reason: str = ""
    result: ActionResult | None = None
    recorded: bool = False
    nonce: str = ""
    proof_refs: tuple[int, ...] = ()


@dataclass(frozen=True)
class RecoverRequest:
    """Find out from the ledger what became of an action whose activity was lost.

    ``wait``: seconds to wait for a result of a start that may still be running. ``nonce``: a claim with this nonce is
    known not to have been started. ``plan_digest``: a claim for another plan is no start of this one.
    """

    key: str
    tried: int
    wait: float
    plan_digest: str
    nonce: str = ""
    reason: str = ""
    run_id: str = ""


class Found(StrEnum):
    """What the ledger says about a start."""

    RESULT = "result"
    UNKNOWN = "unknown"
    OTHER_PLAN = "other_plan"
    NOT_STARTED = "not_started"


@dataclass(frozen=True)
class Recovery:
    """``result`` is present when ``found`` is ``result``. ``not_started`` is certain: a void claim blocks a late start."""

    found: Found
    result: ActionResult | None = None
    proof_refs: tuple[int, ...] = ()


@dataclass(frozen=True)
class LedgerAppend:
    """One entry for the ledger. ``idem`` is its business key; ``parts`` are JSON objects by name.

    ``first_wins``: an entry that is there already under this key stands, whatever its content (after a restore the
    times in it differ); otherwise other content under the same key is an error.
    """

    idem: str
    kind: str
    parts: dict[str, Any]
    first_wins: bool = False


@dataclass(frozen=True)
class LedgerReceipt:
    """Where the entry stands."""

    seq: int
    duplicate: bool = False


@dataclass(frozen=True)
class Ended:
    """An episode closed, for the counters."""

    outcome: Outcome


@dataclass(frozen=True)
class Delivery:
    """Alerts to hand to their episodes, in order."""

    alerts: tuple[Alert, ...]
    started_at: datetime
    last_try: bool = False


@dataclass(frozen=True)
class Delivered:
    """``waiting``: resolves that found no open episode yet and should be tried again."""

    started: int = 0
    updated: int = 0
    resolved: int = 0
    not_open: int = 0
    refused: int = 0
    waiting: tuple[Alert, ...] = ()


@dataclass(frozen=True)
class HolderQuestion:
    """Is this episode still open? A later one under the same workflow id has another first run.

    ``holder`` is the attempt that is asked about; guards of older workers ask about the episode alone.
    """

    workflow_id: str
    first_run_id: str
    holder: str = ""


@dataclass(frozen=True)
class HolderState:
    """Whether the workflow is open, and in this attempt as far as it says."""

    open: bool


@dataclass(frozen=True)
class WakeRequest:
    """Tell every blocked episode to look again."""

    reason: str


@dataclass(frozen=True)
class Done:
    """How many it reached."""

    count: int = 0
