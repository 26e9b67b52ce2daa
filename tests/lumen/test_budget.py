"""The budget of a rule under any sequence of claims, runs, failures and time: its limits are never exceeded."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lumen.budget import Budget, Spending, run_of
from lumen.guard import Answer, Claim, Guard
from tests.lumen.samples import NOW, at

PER = 600.0
TARGETS = st.sampled_from(["host1", "host2", "host3", "host4"])
HOLDERS = st.sampled_from([f"episode-{number}/run/1" for number in range(8)])


def claim(holder: str, target: str = "host1", capacity: int = 100, **limits: int) -> Claim:
    """Return a claim on the guard of a rule with these limits."""
    return Claim(
        holder,
        holder.split("/", maxsplit=1)[0],
        "disk-full",
        200.0,
        0.0,
        capacity,
        target=target,
        limits=Spending(**limits, per=PER),
    )


class BudgetMachine(RuleBasedStateMachine):
    """Runs what was granted and keeps its own account of what ran when, where and how."""

    @initialize(runs=st.integers(0, 4), hosts=st.integers(0, 3), failures=st.integers(0, 3), capacity=st.integers(1, 4))
    def begin(self, runs: int, hosts: int, failures: int, capacity: int) -> None:
        """A rule has its limits; 0 = not limited."""
        self.limits = {"max_runs": runs, "max_targets": hosts, "max_failures": failures}
        self.capacity = capacity
        self.guard = Guard()
        self.now = NOW
        self.ran: list[tuple[float, str, bool]] = []

    @property
    def seconds(self) -> float:
        """Seconds since the beginning."""
        return (self.now - NOW).total_seconds()

    @rule(seconds=st.integers(1, 700))
    def pass_time(self, seconds: int) -> None:
        """Time passes; old runs are forgotten, and who waits is looked at, as the workflow does."""
        self.now += timedelta(seconds=seconds)
        if self.guard.forget_old(self.now):
            self.guard.promote(self.now)

    @rule(holder=HOLDERS, host=TARGETS)
    def acquire(self, holder: str, host: str) -> None:
        """Somebody asks; what is answered fits to what ran."""
        held = [place for place in self.guard.places if place.claim.holder == holder]
        # A holder keeps the target it asked for, as an attempt does.
        target = held[0].claim.target if held else host
        answer = self.guard.acquire(claim(holder, target, self.capacity, **self.limits), self.now)
        if answer.status == "spent":
            assert answer.until is not None
            assert self.now < answer.until <= self.now + timedelta(seconds=PER)
            assert answer.what in {"runs", "targets", "failures"}
            assert holder not in {known.holder for known in self.guard.waiting}

    @rule(holder=HOLDERS, ran=st.booleans(), failed=st.booleans())
    def release(self, holder: str, ran: bool, failed: bool) -> None:
        """An attempt ends."""
        for place in self.guard.places:
            if place.claim.holder == holder and ran:
                self.ran.append((self.seconds, place.claim.target, failed))
        self.guard.release(holder, ran=ran, now=self.now, failed=failed)
        self.guard.promote(self.now)

    @invariant()
    def no_limit_is_exceeded(self) -> None:
        """What ran within the period and what holds a place now stay within the limits together."""
        alive = [(target, failed) for when, target, failed in self.ran if when > self.seconds - PER]
        held = [place.claim.target for place in self.guard.places]
        if self.limits["max_runs"]:
            assert len(alive) + len(held) <= self.limits["max_runs"]
        if self.limits["max_targets"]:
            assert len({target for target, _ in alive} | set(held)) <= self.limits["max_targets"]

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        """Who waits does so for a place or for a run that is under way."""
        assert not self.guard.waiting or self.guard.places

    @invariant()
    def a_guard_with_runs_is_not_idle(self) -> None:
        """It must not end while something counts, and wakes when that is over."""
        if self.guard.budget.runs:
            assert not self.guard.idle
            assert self.guard.next_deadline() is not None


TestBudgetMachine = BudgetMachine.TestCase
TestBudgetMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def ended(guard: Guard, holder: str, when: int, *, failed: bool = False) -> None:
    """Let ``holder`` end after a run."""
    guard.release(holder, ran=True, now=at(when), failed=failed)
    guard.promote(at(when))


def test_a_run_that_is_under_way_is_waited_for() -> None:
    """It may still be rejected; only what ran uses the budget up, and then the answer says until when."""
    guard = Guard()
    assert guard.acquire(claim("a/r/1", max_runs=1), at(0)).status == "granted"
    assert guard.acquire(claim("b/r/1", max_runs=1), at(1)) == Answer("waiting", behind="a/r/1")
    ended(guard, "a/r/1", 5)
    assert guard.waiting == []
    assert guard.acquire(claim("b/r/1", max_runs=1), at(6)) == Answer("spent", until=at(605), what="runs")
    assert guard.acquire(claim("b/r/1", max_runs=1), at(605)).status == "granted"


def test_a_run_that_did_not_happen_is_given_to_the_next() -> None:
    """A rejected attempt uses nothing up."""
    guard = Guard()
    guard.acquire(claim("a/r/1", max_runs=1), at(0))
    guard.acquire(claim("b/r/1", max_runs=1), at(1))
    guard.release("a/r/1", ran=False, now=at(2))
    assert [told.holder for told in guard.promote(at(2))] == ["b/r/1"]


def test_a_target_that_was_acted_on_may_be_acted_on_again() -> None:
    """The limit counts distinct targets."""
    guard = Guard()
    for number, target in enumerate(("host1", "host2")):
        guard.acquire(claim(f"{number}/r/1", target, max_targets=2), at(number))
        ended(guard, f"{number}/r/1", number)
    assert guard.acquire(claim("c/r/1", "host3", max_targets=2), at(9)) == Answer(
        "spent", until=at(600), what="targets"
    )
    assert guard.acquire(claim("d/r/1", "host2", max_targets=2), at(9)).status == "granted"


def test_the_breaker_stops_also_who_holds_a_place() -> None:
    """What failed while people voted stops what they decided; a human closes the breaker."""
    guard = Guard()
    waiting = claim("w/r/1", max_failures=2)
    assert guard.acquire(waiting, at(0)).status == "granted"
    for number in range(2):
        guard.acquire(claim(f"{number}/r/1", max_failures=2), at(number))
        ended(guard, f"{number}/r/1", number + 10, failed=True)
    assert guard.acquire(waiting, at(20)) == Answer("spent", until=at(610), what="failures")
    assert guard.clear("") == ["disk-full"]
    assert guard.acquire(waiting, at(21)).status == "granted"


def test_success_does_not_trip_the_breaker() -> None:
    """Only failures count."""
    budget = Budget()
    for number in range(5):
        budget.note(run_of("disk-full", "host1", Spending(max_failures=2, per=PER), at(number), failed=number == 3))
    assert budget.tripped(Spending(max_failures=2, per=PER), at(6)) is None
    assert budget.tripped(Spending(max_failures=1, per=PER), at(6)) is not None


def test_clearing_another_rule_clears_nothing() -> None:
    """A name that is not this guard's leaves it as it is."""
    guard = Guard()
    guard.acquire(claim("a/r/1", max_runs=1), at(0))
    ended(guard, "a/r/1", 1)
    assert guard.clear("host-down") == []
    assert guard.acquire(claim("b/r/1", max_runs=1), at(2)).status == "spent"
