"""Planning on the worker, from the worker's own rules: nobody can smuggle a command in through Temporal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from temporalio import activity

from activities.guarding import FreezeSwitch, Guards, GuardVerdict, guards_of
from activities.metrics import WorkerMetrics
from activities.prometheus import Prometheus, PrometheusUnavailableError
from activities.runners import Runners
from lumen.admission import Electorate, objection
from lumen.alert import Alert
from lumen.ballot import Ballot, is_authentic
from lumen.contracts import Planning
from lumen.links import ANONYMOUS
from lumen.messages import Admission, AdmitRequest, Prepared, PrepareRequest, StillFiring, StillFiringRequest, Verdict
from lumen.plan import Plan, Refusal
from rules.kinds import shown_plan
from rules.match import rule_for
from rules.planner import plan_for
from rules.source import RuleSource

EDITION = 3
"""What the workflows may count on that workers before did not have: see :class:`lumen.messages.Prepared`."""


def current_plan(source: RuleSource, alert: Alert) -> Plan | Refusal:
    """Return what today's rules would do about ``alert``."""
    ruleset = source.current
    rule = rule_for(alert, ruleset)
    if rule is None and source.refresh() == "":
        # Whoever accepted the alert may have read a changed folder a moment earlier than this worker.
        ruleset = source.current
        rule = rule_for(alert, ruleset)
    if rule is None:
        return Refusal("", "no rule matches this alert any more", ruleset.digest)
    return plan_for(alert, rule, ruleset)


class LocalPlanning(Planning):
    """What an attempt asks before and between its actions; sub-second and idempotent."""

    def __init__(
        self,
        source: RuleSource,
        prometheus: Prometheus,
        guards: Guards,
        freeze: FreezeSwitch,
        ballot_keys: Mapping[str, str],
        metrics: WorkerMetrics,
        *,
        shows: bool = False,
        runners: Runners | None = None,
    ) -> None:
        """``ballot_keys``: kid to secret of whoever may sign ballots (``BRIDGE_SECRET``).

        ``shows``: a channel is configured on which people follow episodes. ``runners`` tells which are absent.
        """
        self._runners = runners
        self._source = source
        self._prometheus = prometheus
        self._guards = guards
        self._freeze = freeze
        self._keys = ballot_keys
        self._metrics = metrics
        self._shows = shows

    @activity.defn(name="prepare")
    async def prepare(self, request: PrepareRequest) -> Prepared:
        """Plan, freeze, condition, guard: in this order, so that a guard is taken only for what would run."""
        until = self._guards.deadline()
        prepared = await self._prepare(request, until)
        unserved = await self._unserved(prepared)
        if prepared.plan is not None and (request.again or activity.info().attempt > 1):
            # Whoever was asked before may have taken them, and its answer never came.
            prepared = replace(prepared, guards=guards_of(prepared.plan, request))
        return replace(prepared, shows=self._shows, edition=EDITION, unserved=unserved)

    async def _unserved(self, prepared: Prepared) -> tuple[str, ...]:
        plan = prepared.plan
        if self._runners is None or plan is None or prepared.verdict is not Verdict.GO or plan.dry_run:
            return ()
        return await self._runners.unserved(action.runner for action in plan.actions)

    async def _prepare(self, request: PrepareRequest, until: float) -> Prepared:
        plan = current_plan(self._source, request.alert)
        if request.waited is not None:
            self._metrics.approval_wait.observe(request.waited)
        if isinstance(plan, Refusal):
            return Prepared(Verdict.REFUSED, reason=plan.reason, rule=plan.rule)
        shown = shown_plan(plan)
        frozen = await self._freeze.reason(fresh=False)
        if frozen:
            return Prepared(Verdict.BLOCKED, shown, frozen)
        if plan.condition:
            try:
                holds = await self._prometheus.holds(plan.condition)
            except PrometheusUnavailableError as error:
                return Prepared(Verdict.BLOCKED, shown, str(error))
            if not holds:
                return Prepared(Verdict.CONDITION_NOT_MET, shown, f"the condition does not hold: {plan.condition}")
        return _guarded(shown, await self._guard(plan, request, until))

    async def _guard(self, plan: Plan, request: PrepareRequest, until: float) -> GuardVerdict:
        if plan.pretends:
            return await self._guards.read(plan, request) if request.take_guards else GuardVerdict("granted")
        info = activity.info()
        # That of a local activity, in runs from before, is no time of the server's.
        return await self._guards.take(plan, request, None if info.is_local else info.scheduled_time, until)

    @activity.defn(name="admit")
    async def admit(self, request: AdmitRequest) -> Admission:
        """Judge a ballot. A signature that does not hold is a forgery; none at all is a signal of the weakest rank."""
        ballot = request.ballot
        if ballot.auth and not is_authentic(ballot, request.workflow_id, self._keys):
            return self._refuse("forged", "the signature of this vote does not hold: sign in and vote again")
        if not ballot.auth:
            ballot = ballot.unauthenticated()
        actor = self._source.current.policy.principal(ballot.actor)
        refusal = self._not_allowed(request, ballot, actor)
        if refusal is not None:
            return refusal
        self._metrics.approval_events.labels("override" if request.kind == "override" else ballot.decision).inc()
        plan = current_plan(self._source, request.alert)
        return Admission(
            ok=True,
            actor=actor,
            channel=ballot.channel,
            rank=ballot.rank,
            at=_moment(ballot.at),
            plan_digest=plan.digest if isinstance(plan, Plan) else "",
        )

    def _not_allowed(self, request: AdmitRequest, ballot: Ballot, actor: str) -> Admission | None:
        if request.kind != "vote":
            return (
                self._refuse("not_allowed", "an override needs a name: say who you are") if actor == ANONYMOUS else None
            )
        voters = Electorate(
            request.allow, request.min_rank, request.anonymous, request.barred, request.alert.requesters
        )
        wrong = objection(actor, ballot.channel, ballot.rank, voters)
        return None if wrong is None else self._refuse(wrong.reason, wrong.message)

    def _refuse(self, reason: str, message: str) -> Admission:
        self._metrics.approval_events.labels("refused").inc()
        return Admission(ok=False, refusal=reason, message=message)

    @activity.defn(name="still_firing")
    async def still_firing(self, request: StillFiringRequest) -> StillFiring:
        """Ask Prometheus; when it cannot say, nothing is assumed."""
        if not self._prometheus.configured:
            return StillFiring(None)
        try:
            return StillFiring(await self._prometheus.fires(request.alert))
        except PrometheusUnavailableError:
            return StillFiring(None)


def _guarded(plan: Plan, verdict: GuardVerdict) -> Prepared:
    if verdict.status == "waiting":
        return Prepared(Verdict.BLOCKED, plan, verdict.reason, waits_for_guard=True, guards=verdict.guards)
    if verdict.status == "cooling":
        return Prepared(Verdict.SUPPRESSED, plan, verdict.reason, guards=verdict.guards)
    return Prepared(Verdict.GO, plan, guards=verdict.guards, fencing_token=verdict.fencing_token)


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
