"""The guard of a target under any sequence of claims, releases, dead holders and time."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from lumen.guard import Answer, Claim, Guard
from tests.lumen.samples import NOW, at

HOLDERS = st.sampled_from([f"episode-{number}/1" for number in range(6)])
RULES = st.sampled_from(["disk-full", "host-down"])
COOLDOWNS = {"disk-full": 300.0, "host-down": 0.0}
LEASE = 200.0


class GuardMachine(RuleBasedStateMachine):
    """Does with a guard what its workflow does, keeps its own account of it, and looks at it after every step."""

    @initialize(capacity=st.integers(0, 3))
    def begin(self, capacity: int) -> None:
        """A guard has the same number of places for all who ask; zero places would be one."""
        self.guard = Guard()
        self.now = NOW
        self.capacity = capacity
        self.arrived: list[str] = []
        self.cooling: dict[str, datetime] = {}
        self.tokens: dict[str, int] = {}
        self.last_token = 0

    @rule(seconds=st.integers(1, 250))
    def pass_time(self, seconds: int) -> None:
        """Time passes and nothing else happens."""
        self.now += timedelta(seconds=seconds)

    @rule(holder=HOLDERS, name=RULES, ignore_cooldown=st.booleans())
    def acquire(self, holder: str, name: str, ignore_cooldown: bool) -> None:
        """Somebody asks, for the first time or again."""
        claim = Claim(
            holder, holder.split("/", maxsplit=1)[0], name, LEASE, COOLDOWNS[name], self.capacity, ignore_cooldown
        )
        answer = self.guard.acquire(claim, self.now)
        if holder in self.tokens:
            assert answer == Answer("granted", token=self.tokens[holder])
        elif self.cools(claim):
            assert answer == Answer("cooling", until=self.cooling[name])
            self.forget(holder)
        else:
            if holder not in self.arrived:
                self.arrived.append(holder)
            self.take_in_grants()
            expected = self.tokens.get(holder, 0)
            assert (answer.status, answer.token) == ("granted" if expected else "waiting", expected)
            assert answer.behind == ("" if expected else self.guard.places[0].claim.holder)
        if answer.status == "granted":
            assert [place.claim for place in self.guard.places if place.claim.holder == holder] == [claim]

    @rule(holder=HOLDERS, ran=st.booleans())
    def release(self, holder: str, ran: bool) -> None:
        """Somebody gives back a place, leaves the queue, or has neither."""
        self.let_go(holder, ran=ran)

    @rule(alive=st.booleans())
    def look_at_expired(self, alive: bool) -> None:
        """Leases that are over are extended for holders that are alive; a dead holder's rule cools."""
        expired = self.guard.expired(self.now)
        assert {place.token for place in self.guard.places if place.lease_until <= self.now} == {
            p.token for p in expired
        }
        for place in expired:
            if alive:
                self.guard.extend(place.claim.holder, self.now)
            else:
                self.let_go(place.claim.holder, ran=True)
        assert self.guard.expired(self.now) == []

    @rule(name=RULES | st.just(""))
    def clear(self, name: str) -> None:
        """A person ends the cooldown of one rule or of all."""
        before = set(self.guard.cooling)
        assert set(self.guard.clear(name)) == {cooled for cooled in before if name in {"", cooled}}
        self.cooling = {cooled: until for cooled, until in self.cooling.items() if name not in {"", cooled}}
        self.promote()

    @rule()
    def forget_cooled(self) -> None:
        """Cooldowns that are over are dropped, and only those."""
        assert not self.guard.forget_old(self.now)
        assert self.guard.cooling == {name: until for name, until in self.cooling.items() if until > self.now}

    @invariant()
    def never_more_holders_than_places(self) -> None:
        """Each holder has one place, no holder also waits, and there are never more holders than places."""
        held = [place.claim.holder for place in self.guard.places]
        waiting = [claim.holder for claim in self.guard.waiting]
        assert len(held) <= max(1, self.capacity)
        assert len(set(held + waiting)) == len(held + waiting)
        assert {place.claim.holder: place.token for place in self.guard.places} == self.tokens

    @invariant()
    def nobody_waits_for_nothing(self) -> None:
        """Who waits came in the order of the queue, and waits only while every place is taken."""
        waiting = [claim.holder for claim in self.guard.waiting]
        assert waiting == self.arrived
        assert not waiting or len(self.guard.places) == max(1, self.capacity)

    @invariant()
    def wakes_at_the_next_lapse(self) -> None:
        """The next deadline is the first lease or cooldown to end; a guard is idle when it has nothing at all."""
        ends = [place.lease_until for place in self.guard.places] + list(self.guard.cooling.values())
        assert self.guard.next_deadline() == (min(ends) if ends else None)
        assert self.guard.idle == (not ends and not self.guard.waiting)

    def cools(self, claim: Claim) -> bool:
        """Whether this claim must not get a place now."""
        return not claim.ignore_cooldown and self.cooling.get(claim.rule, self.now) > self.now

    def let_go(self, holder: str, *, ran: bool) -> None:
        """Release as the workflow does, and keep account of what cools."""
        rules = [place.claim.rule for place in self.guard.places if place.claim.holder == holder]
        if rules and ran and COOLDOWNS[rules[0]]:
            until = self.now + timedelta(seconds=COOLDOWNS[rules[0]])
            self.cooling[rules[0]] = max(until, self.cooling.get(rules[0], until))
        self.guard.release(holder, ran=ran, now=self.now)
        self.forget(holder)
        self.promote()

    def forget(self, holder: str) -> None:
        """Strike a holder from the account."""
        self.tokens.pop(holder, None)
        self.arrived = [other for other in self.arrived if other != holder]

    def promote(self) -> None:
        """Promote as the workflow does after every release: who is told holds a place or waits for nothing."""
        told = self.guard.promote(self.now)
        held = {place.claim.holder for place in self.guard.places}
        for claim in told:
            if claim.holder not in held:
                assert self.cools(claim)
                self.forget(claim.holder)
        self.take_in_grants()
        assert {claim.holder for claim in told} & set(self.arrived) == set()

    def take_in_grants(self) -> None:
        """Check every new place: its token is new and higher, its holder was first in the queue, its rule does not cool."""
        for place in self.guard.places:
            if place.token <= self.last_token:
                continue
            assert place.claim.holder == self.arrived.pop(0)
            assert not self.cools(place.claim)
            assert place.token == self.last_token + 1
            assert (place.granted_at, place.lease_until) == (self.now, self.now + timedelta(seconds=LEASE))
            self.last_token = place.token
            self.tokens[place.claim.holder] = place.token


TestGuardMachine = GuardMachine.TestCase
TestGuardMachine.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


def claim(holder: str, name: str = "disk-full", cooldown: float = 300.0) -> Claim:
    """Return a claim of one holder."""
    return Claim(holder, holder, name, LEASE, cooldown)


def test_the_place_goes_to_who_waited_longest() -> None:
    """Three holders of one place get it one after the other, with growing tokens."""
    guard = Guard()
    answers = [guard.acquire(claim(name, cooldown=0), NOW) for name in ("a", "b", "c")]
    assert [(answer.status, answer.token, answer.behind) for answer in answers] == [
        ("granted", 1, ""),
        ("waiting", 0, "a"),
        ("waiting", 0, "a"),
    ]
    guard.release("a", ran=True, now=at(1))
    assert [told.holder for told in guard.promote(at(1))] == ["b"]
    assert guard.acquire(claim("b", cooldown=0), at(2)).token == 2
    assert guard.acquire(claim("c", cooldown=0), at(2)) == Answer("waiting", behind="b")


def test_a_rule_that_ran_cools_and_one_that_did_not_run_does_not() -> None:
    """Only a release after something ran starts the cooldown, of this rule alone, and it ends on time."""
    guard = Guard()
    guard.acquire(claim("a"), NOW)
    guard.release("a", ran=False, now=at(1))
    assert guard.acquire(claim("a"), at(1)).status == "granted"
    guard.release("a", ran=True, now=at(2))
    assert guard.acquire(claim("b"), at(301)) == Answer("cooling", until=at(302))
    assert guard.acquire(claim("c", "host-down"), at(3)).status == "granted"
    guard.release("c", ran=False, now=at(4))
    assert guard.acquire(claim("b"), at(302)).status == "granted"


def test_a_cooldown_is_never_shortened() -> None:
    """A rule that cools for long does not cool for less because another attempt of it had a shorter cooldown."""
    guard = Guard()
    guard.acquire(claim("a"), NOW)
    guard.release("a", ran=True, now=NOW)
    guard.acquire(replace(claim("b", cooldown=10.0), ignore_cooldown=True), at(1))
    guard.release("b", ran=True, now=at(1))
    assert guard.cooling == {"disk-full": at(300)}


def test_who_waits_for_a_rule_that_began_to_cool_is_told() -> None:
    """A claim that can only wait for a cooldown leaves the queue and is told, and the next one gets the place."""
    guard = Guard()
    for holder, name in (("a", "disk-full"), ("b", "disk-full"), ("c", "host-down")):
        guard.acquire(claim(holder, name), NOW)
    guard.release("a", ran=True, now=at(1))
    assert [told.holder for told in guard.promote(at(1))] == ["b", "c"]
    assert [place.claim.holder for place in guard.places] == ["c"]
    assert guard.acquire(claim("b"), at(2)).status == "cooling"


def test_what_a_holder_asked_for_last_is_what_cools() -> None:
    """When another rule comes to apply while an episode waits or holds, that rule cools after it ran, and the token stays."""
    guard = Guard()
    guard.acquire(claim("a", cooldown=0), NOW)
    guard.acquire(claim("b"), NOW)
    guard.acquire(claim("b", "host-down"), NOW)
    guard.release("a", ran=True, now=at(1))
    guard.promote(at(1))
    assert [place.claim.rule for place in guard.places] == ["host-down"]
    assert guard.acquire(claim("b", "memory-low"), at(2)) == Answer("granted", token=2)
    guard.release("b", ran=True, now=at(3))
    assert guard.cooling == {"memory-low": at(303)}


def test_a_claim_that_may_ignore_the_cooldown_does_so_also_when_it_asked_before_without() -> None:
    """A person's retry gets the place of an episode that queued without that right."""
    guard = Guard(cooling={"disk-full": at(100)})
    guard.waiting.append(claim("a"))
    assert guard.acquire(replace(claim("a"), ignore_cooldown=True), NOW).status == "granted"


def test_a_lease_is_over_at_its_end_and_not_before() -> None:
    """The end of a lease belongs to those who wait, and an extension counts from the moment it is given."""
    guard = Guard()
    guard.acquire(claim("a"), NOW)
    assert guard.expired(at(LEASE - 0.001)) == []
    assert [place.claim.holder for place in guard.expired(at(LEASE))] == ["a"]
    guard.extend("a", at(LEASE))
    assert guard.next_deadline() == at(2 * LEASE)


def test_who_waits_and_asks_for_a_rule_that_cools_leaves_the_queue() -> None:
    """A claim that is told to come back after a cooldown keeps no place in the queue meanwhile."""
    guard = Guard(cooling={"host-down": at(100)})
    for holder in ("a", "b"):
        guard.acquire(claim(holder), NOW)
    assert guard.acquire(claim("b", "host-down"), NOW).status == "cooling"
    assert guard.waiting == []
