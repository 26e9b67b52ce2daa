"""The guards of several rules and targets together, with holders that die while their action goes on: no limit is exceeded."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from lumen.budget import Spending
from lumen.guard import Answer, Claim, Guard
from tests.lumen.samples import NOW

PER = 600.0
WAIT, ACTION = 300.0, 60.0
LEASE = WAIT + ACTION
COOLDOWN = 45.0
RULES, TARGETS, EPISODES = 2, 2, 6
EPISODE = st.integers(0, EPISODES - 1)


@dataclass
class Episode:
    """One episode: its rule and target never change, its attempts and runs do."""

    number: int
    run: int = 1
    attempt: int = 1
    asked_at: datetime | None = None
    acts: bool = False

    @property
    def name(self) -> str:
        """The workflow id."""
        return f"alert-{self.number}"

    @property
    def holder(self) -> str:
        """The key of the attempt that runs."""
        return f"{self.name}/run-{self.run}/{self.attempt}"

    @property
    def rule(self) -> str:
        """The rule that applies."""
        return f"rule-{self.number % RULES}"

    @property
    def target(self) -> str:
        """What it acts on."""
        return f"target-{self.number // RULES % TARGETS}"


@dataclass(frozen=True)
class Act:
    """Something that runs or ran. ``until`` is when it is surely over, ``ended`` when it was (None: nobody was told)."""

    holder: str
    rule: str
    target: str
    until: datetime
    ended: datetime | None = None
    failed: bool = False


@dataclass
class World:
    """What really happened, kept beside the guards."""

    acts: list[Act] = field(default_factory=list)

    def running(self, now: datetime) -> list[Act]:
        """Return what may run at ``now``: what nobody ended, as long as an action can take."""
        return [act for act in self.acts if act.ended is None and now < act.until]

    def ran(self, rule: str, now: datetime) -> list[Act]:
        """Return what counts for ``rule``: what runs, and what ended within the period."""
        since = now - timedelta(seconds=PER)
        return [act for act in self.acts if act.rule == rule and (act.ended or act.until) > since]


class GuardsMachine(RuleBasedStateMachine):
    """Takes guards in the order of an attempt, acts, ends, dies; the guards look after their leases as their workflow does."""

    @initialize(
        runs=st.integers(0, 3), hosts=st.integers(0, 2), failures=st.integers(0, 2), concurrency=st.integers(0, 2)
    )
    def begin(self, runs: int, hosts: int, failures: int, concurrency: int) -> None:
        """All rules have the same limits; 0 = not limited."""
        self.limits = Spending(runs, hosts, failures, PER)
        self.concurrency = concurrency
        self.now = NOW
        self.guards = {f"target-{number}": Guard() for number in range(TARGETS)}
        self.guards |= {f"rule-{number}": Guard() for number in range(RULES)}
        self.episodes = [Episode(number) for number in range(EPISODES)]
        self.world = World()

    @rule(seconds=st.sampled_from([1, 10, 40, 70, 250, 340]))
    def pass_time(self, seconds: int) -> None:
        """Time passes. What acts ends before its time is over, as a command does that has a timeout."""
        due = [episode for episode in self.episodes if episode.acts]
        for act in [act for act in self.world.acts if act.ended is None and self.now < act.until]:
            for episode in due:
                if episode.holder == act.holder and act.until <= self.now + timedelta(seconds=seconds):
                    self.now = max(self.now, act.until - timedelta(milliseconds=1))
                    self.end(episode.number, failed=True)
                    return
        self.now += timedelta(seconds=seconds)
        self.settle()

    @rule(number=EPISODE)
    def take(self, number: int) -> None:
        """Take the target, then the rule; what is queued for stays queued for."""
        episode = self.episodes[number]
        if episode.acts:
            return
        episode.asked_at = None
        answers = [self.acquire(episode, episode.target)]
        if answers[-1].status == "granted":
            answers.append(self.acquire(episode, episode.rule))
        if answers[-1].status == "granted":
            episode.asked_at = self.now
        elif answers[-1].status != "waiting":
            self.give_up(episode, ran=False)

    @rule(number=EPISODE)
    def act(self, number: int) -> None:
        """Begin, if what was granted was granted not too long ago and nothing failed since."""
        episode = self.episodes[number]
        if episode.acts or episode.asked_at is None or self.now - episode.asked_at > timedelta(seconds=WAIT):
            return
        if self.limits.max_failures and self.acquire(episode, episode.rule).status != "granted":
            self.give_up(episode, ran=False)
            return
        self.check_cooldown(episode)
        until = self.now + timedelta(seconds=ACTION)
        self.world.acts.append(Act(episode.holder, episode.rule, episode.target, until))
        episode.acts = True

    @rule(number=EPISODE, failed=st.booleans())
    def end(self, number: int, failed: bool) -> None:
        """An attempt ends: after it acted, or rejected, resolved, timed out while it asked or waited."""
        episode = self.episodes[number]
        if episode.acts:
            [mine] = [act for act in self.world.acts if act.holder == episode.holder]
            self.world.acts.remove(mine)
            self.world.acts.append(Act(mine.holder, mine.rule, mine.target, mine.until, ended=self.now, failed=failed))
        self.give_up(episode, ran=episode.acts, failed=failed and episode.acts)

    @precondition(lambda self: self.now < NOW + timedelta(hours=3))
    @rule(number=EPISODE)
    def die(self, number: int) -> None:
        """The workflow is terminated; what it began goes on, and the alert begins another run."""
        episode = self.episodes[number]
        episode.run, episode.attempt, episode.asked_at, episode.acts = episode.run + 1, 1, None, False

    @invariant()
    def one_acts_on_a_target(self) -> None:
        """Whatever died, two never act on one target at once."""
        targets = [act.target for act in self.world.running(self.now)]
        assert len(targets) == len(set(targets)), self.world.running(self.now)

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        """Runs, targets and concurrency of every rule stay within its limits, at every moment."""
        for name in {act.rule for act in self.world.acts}:
            ran = self.world.ran(name, self.now)
            assert not self.limits.max_runs or len(ran) <= self.limits.max_runs, ran
            assert not self.limits.max_targets or len({act.target for act in ran}) <= self.limits.max_targets, ran
            at_once = [act for act in self.world.running(self.now) if act.rule == name]
            assert not self.concurrency or len(at_once) <= self.concurrency, at_once

    def acquire(self, episode: Episode, guard: str) -> Answer:
        """Ask one guard as the worker does."""
        if guard == episode.target:
            claim = Claim(episode.holder, episode.name, episode.rule, LEASE, COOLDOWN, renews=True)
        else:
            places = self.concurrency or 1000
            claim = Claim(
                episode.holder,
                episode.name,
                episode.rule,
                LEASE,
                0.0,
                places,
                target=episode.target,
                limits=self.limits,
                renews=True,
            )
        self.guards[guard].promote(self.now)
        return self.guards[guard].acquire(claim, self.now)

    def give_up(self, episode: Episode, *, ran: bool, failed: bool = False) -> None:
        """Release both guards, and come to the next attempt."""
        for name in (episode.target, episode.rule):
            self.guards[name].release(episode.holder, ran=ran, now=self.now, failed=failed)
            self.guards[name].promote(self.now)
        episode.attempt, episode.asked_at, episode.acts = episode.attempt + 1, None, False

    def settle(self) -> None:
        """Let every guard free what dead holders left and forget what is over, as its workflow does when it wakes."""
        alive = {f"{episode.name}/run-{episode.run}" for episode in self.episodes}
        for guard in self.guards.values():
            for place in guard.expired(self.now):
                if place.claim.holder.rpartition("/")[0] in alive:
                    guard.extend(place.claim.holder, self.now)
                else:
                    guard.release(place.claim.holder, ran=True, now=self.now)
            guard.forget_old(self.now)
            guard.promote(self.now)

    def check_cooldown(self, episode: Episode) -> None:
        """Nothing of this rule ended on this target within the cooldown; nor did too much of it fail within the period."""
        now = self.now
        mine = [act for act in self.world.acts if act.rule == episode.rule and act.ended is not None]
        recent = [act for act in mine if act.ended and now < act.ended + timedelta(seconds=COOLDOWN)]
        assert episode.target not in {act.target for act in recent}, recent
        failed = [act for act in mine if act.failed and act.ended and now < act.ended + timedelta(seconds=PER)]
        assert not self.limits.max_failures or len(failed) < self.limits.max_failures, failed


TestGuardsMachine = GuardsMachine.TestCase
TestGuardsMachine.settings = settings(max_examples=200, stateful_step_count=50, deadline=None)


def test_a_lease_begins_anew_when_its_holder_asks_again() -> None:
    """Who asks again shortly before the end of a lease, acts and dies keeps the target until the action is surely over."""
    machine = GuardsMachine()
    machine.begin(0, 0, 0, 0)
    machine.take(0)
    machine.pass_time(340)
    machine.take(0)
    machine.act(0)
    machine.die(0)
    machine.pass_time(40)
    machine.take(1)
    machine.act(1)
    machine.one_acts_on_a_target()
    assert not machine.episodes[1].acts
    machine.pass_time(340)
    machine.take(1)
    machine.act(1)
    assert machine.episodes[1].acts
