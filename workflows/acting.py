"""Claim, act, result: the actions of an approved plan, each started at most once a try whatever is killed when."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import Any

from temporalio import workflow

from lumen.messages import ActionResult, ExecuteRequest, ExecuteResult, Found, Recovery, Start
from lumen.outcome import ActionStatus, Outcome, State
from lumen.plan import Plan, PlannedAction
from lumen.records import finished_entry
from lumen.showing import Note
from workflows import ledger, starting
from workflows.live import AskAgainError, AttemptEndedError, LiveEpisode, LookAgainError
from workflows.starting import Authority
from workflows.verifying import is_done

BEGAN_EDITION = 3
"""From this edition of the workers on only what began, or may have, is undone; before, a start that was voided counted too."""

MAX_LOST = 5
"""How often an idempotent action is started again after its worker was lost."""

_KEPT_END = 500
_FROZEN_LOOK = 60.0
_LAST_FROZEN_LOOK = 300.0
_LONGEST_PAUSE = 60.0
_LONGEST_PAUSE_AFTER_A_START = 600.0
_NEVER_BEGUN = "cancelled before it started"
_DONE = "its check says that it is done"


@dataclass
class Actions:
    """The actions of one attempt, over every request of the attempt.

    ``tried`` counts the starts of each action; ``began`` names those of which a start began or may have begun, and
    ``started`` is whether there is any; ``cut_short`` is whether a cancel kept an action from its next try; ``idle`` counts
    the starts in a row that did not begin, ``frozen`` those that a freeze stopped. A history is bounded, so each look is
    later than the one before.
    """

    live: LiveEpisode
    tried: dict[str, int] = field(default_factory=dict)
    began: set[str] = field(default_factory=set)
    started: bool = False
    cut_short: bool = False
    idle: int = 0
    frozen: int = 0

    async def run(self, plan: Plan, authority: Authority) -> Outcome:
        """Run the plan's actions in order, up to the first that does not succeed; return what that makes of the attempt.

        Raises:
            AskAgainError: nothing began, and what was decided does not stand any more.
            LookAgainError: nothing began yet, and time has passed.
            AttemptEndedError: the ledger refused an entry, or the rules changed in the middle.

        """
        self.live.results = []
        for action in plan.actions:
            result = await self._run_action(plan, action, authority)
            self._note(result)
            self.live.showing.say(Note.ACTION, name=result.name, status=result.status, reason=result.reason)
            if result.status is not ActionStatus.SUCCEEDED:
                return Outcome.CANCELLED if self.cut_short else _OUTCOMES[result.status]
            if self.live.cancel_wanted:
                return Outcome.CANCELLED
        return Outcome.REMEDIATED

    def dry_run(self, plan: Plan) -> Outcome:
        """Pretend: every action is listed as not run."""
        self.live.results = [self._ended(action, ActionStatus.DRY_RUN, "") for action in plan.actions]
        return Outcome.DRY_RUN

    async def _run_action(self, plan: Plan, action: PlannedAction, authority: Authority) -> ActionResult:
        lost = failures = 0
        last: ActionResult | None = None
        while True:
            if self.live.cancel_wanted:
                self.cut_short = True
                return last or self._ended(action, ActionStatus.CANCELLED, _NEVER_BEGUN)
            if action.check and self._may_have_run(action) and await is_done(self.live, plan, action):
                self.started = True
                return self._ended(action, ActionStatus.SUCCEEDED, _DONE)
            tried = self.tried.get(action.name, 0) + 1
            executed = await self._execute(plan, action, tried, authority)
            if executed.start is not Start.RAN and await self._not_claimed(executed):
                continue
            self.tried[action.name] = tried
            self.frozen = 0
            found, result = await self._result_of(plan, action, tried, executed)
            if result is not None:
                self.idle = 0
                failures += 1
                if not _again(action, result, failures):
                    return result
                last = result
                await self._pause(action.backoff, f"backoff of {action.name}")
            elif found is Found.NOT_STARTED:
                await self._look_again_if_nothing_began(action, executed)
            else:
                lost += 1
                if found is Found.OTHER_PLAN or not action.idempotent or lost > MAX_LOST:
                    if action.check and found is not Found.OTHER_PLAN and await is_done(self.live, plan, action):
                        return self._ended(action, ActionStatus.SUCCEEDED, _DONE)
                    return self._unknown(action, found, executed.reason)
                last = self._unknown(action, found, executed.reason)

    def _may_have_run(self, action: PlannedAction) -> bool:
        """Whether an earlier start of it, in this attempt or one before, may have done something."""
        if action.name in self.began:
            return True
        results = [result for attempt in self.live.episode.attempts for result in attempt.results]
        return any(known["name"] == action.name and known["status"] == ActionStatus.UNKNOWN for known in results)

    async def undo(self, plan: Plan, authority: Authority) -> list[ActionResult]:
        """Run the rollbacks of the actions that began, the last one first; return the result of each."""
        undone = []
        for action in reversed(plan.actions):
            if action.undo is not None and action.name in self.began:
                result = await self._run_action(plan, action.undo, authority)
                self._note(result)
                undone.append(result)
        return undone

    def undoable(self, plan: Plan) -> bool:
        """Whether anything that began has a rollback."""
        return any(action.undo is not None and action.name in self.began for action in plan.actions)

    async def _execute(self, plan: Plan, action: PlannedAction, tried: int, authority: Authority) -> ExecuteResult:
        live = self.live
        # A decision is valid until its action starts; what has begun goes on to its end.
        authority = replace(authority, valid_until=None) if self.started else authority
        within = starting.start_within(authority, self.idle)
        state = State.ROLLING_BACK if live.undoing else State.EXECUTING
        live.enter(state, starting.start_text(live, action, authority))
        assert live.episode.alert is not None  # noqa: S101 - a plan exists, so an alert does
        request = ExecuteRequest(
            alert=live.episode.alert,
            workflow_id=live.workflow_id,
            digest=plan.digest,
            action=action.name,
            key=starting.action_key(live, action),
            tried=tried,
            attempt=live.attempt,
            valid_until=authority.valid_until,
            decision_seq=authority.decision_seq,
            fencing_token=authority.fencing_token,
        )
        return await starting.execute(live, request, action, within)

    async def _not_claimed(self, executed: ExecuteResult) -> bool:
        """Handle the answers that mean for certain that nothing was claimed; return whether this was one of them."""
        if executed.start in {Start.LEDGER_REFUSED, Start.CANNOT_START}:
            raise AttemptEndedError(Outcome.FAILED, executed.reason)
        if executed.start in {Start.PLAN_CHANGED, Start.DECISION_LAPSED}:
            if self.started:
                raise AttemptEndedError(
                    Outcome.FAILED, f"{executed.reason}; what came before it in this attempt did run"
                )
            raise AskAgainError(plan_refused=executed.start is Start.PLAN_CHANGED)
        if executed.start is Start.FROZEN:
            self.live.enter(State.BLOCKED, executed.reason)
            await self._until_woken(min(_FROZEN_LOOK * 2.0 ** min(self.frozen, 10), _LAST_FROZEN_LOOK))
            self.frozen += 1
        elif executed.start is Start.NOT_DISPATCHED:
            self.idle += 1
        else:
            return False
        if not self.started:
            raise LookAgainError
        return True

    async def _result_of(
        self, plan: Plan, action: PlannedAction, tried: int, executed: ExecuteResult
    ) -> tuple[Found, ActionResult | None]:
        """Return the result of a start: its own where it came back, else what the ledger has of it."""
        if self.live.edition < BEGAN_EDITION:
            self.began.add(action.name)
        if executed.start is Start.RAN and executed.result is not None:
            self._has_begun(action)
            self._note(executed.result)
            await self._record(executed, tried)
            return Found.RESULT, executed.result
        # A result found is a result like any other: after a reset the retries that followed it are found in their turn.
        recovered: Recovery = await starting.recover(self.live, action, plan, tried, executed)
        if recovered.found is not Found.NOT_STARTED:
            self._has_begun(action)
        if recovered.result is not None:
            self._note(recovered.result)
        return recovered.found, recovered.result

    def _has_begun(self, action: PlannedAction) -> None:
        self.began.add(action.name)
        self.started = True

    async def _record(self, executed: ExecuteResult, tried: int) -> None:
        self.live.note_proofs(executed.proof_refs)
        if not executed.recorded and executed.result is not None:
            await ledger.append(
                self.live, finished_entry(executed.result, tried, executed.nonce, self.live.workflow_id)
            )

    async def _look_again_if_nothing_began(self, action: PlannedAction, executed: ExecuteResult) -> None:
        """Wait a little after a start that did not begin; time has passed, so what was true then is looked at again."""
        self.idle += 1
        # Before anything began people may change their minds; afterwards only the history counts how often it is tried.
        longest = _LONGEST_PAUSE_AFTER_A_START if self.started else _LONGEST_PAUSE
        await self._pause(min(2.0 ** min(self.idle, 10), longest), f"{action.name} did not start: {executed.reason}")
        if not self.started and not self.live.cancel_wanted:
            raise LookAgainError

    async def _pause(self, seconds: float, summary: str) -> None:
        try:
            await workflow.wait_condition(
                lambda: self.live.cancel_wanted, timeout=seconds, timeout_summary=summary[:200]
            )
        except TimeoutError:
            return

    async def _until_woken(self, seconds: float) -> None:
        woken = self.live.woken
        try:
            await workflow.wait_condition(lambda: self.live.woken != woken or self.live.cancel_wanted, timeout=seconds)
        except TimeoutError:
            return

    def _note(self, result: ActionResult) -> None:
        """Show the newest result of an action, and keep it whatever comes next."""
        others = [known for known in self.live.results if known.name != result.name]
        self.live.results = [*others, result]

    def _ended(self, action: PlannedAction, status: ActionStatus, reason: str) -> ActionResult:
        return ActionResult(action.name, action.kind, starting.action_key(self.live, action), status, reason)

    def _unknown(self, action: PlannedAction, found: Found, reason: str) -> ActionResult:
        what = "it was started and its result is not known"
        if found is Found.OTHER_PLAN:
            what = "another version of it was started in this attempt before"
        text = f"{what} ({reason}); look at {action.name} before you let it run again"
        return self._ended(action, ActionStatus.UNKNOWN, text)


_OUTCOMES = {
    ActionStatus.FAILED: Outcome.FAILED,
    ActionStatus.UNKNOWN: Outcome.UNKNOWN,
    ActionStatus.CANCELLED: Outcome.CANCELLED,
    ActionStatus.DRY_RUN: Outcome.DRY_RUN,
}


def _again(action: PlannedAction, result: ActionResult, failures: int) -> bool:
    return result.status is ActionStatus.FAILED and action.idempotent and failures < action.attempts


def kept(result: ActionResult) -> dict[str, Any]:
    """Return a result as an episode remembers it: the ledger has all of it, the history both ends of each output."""
    body = asdict(result)
    for stream in ("stdout", "stderr"):
        captured = body["detail"].get(stream)
        if isinstance(captured, dict):
            body["detail"][stream] = _both_ends(captured)
    return body


def _both_ends(captured: dict[str, Any]) -> dict[str, Any]:
    head, tail = captured["head"], captured["tail"]
    if len(head) + len(tail) <= 2 * _KEPT_END:
        return captured
    # What was captured whole stands in the head alone, so its end is the end of the head.
    end = tail if captured["truncated"] else head + tail
    return {**captured, "head": head[:_KEPT_END], "tail": end[-_KEPT_END:], "truncated": True}
