"""What comes next in the life of an episode: the whole table, and laws over whole lives."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.episode import KEPT_ATTEMPTS, Attempt, Episode, Next, next_step
from lumen.outcome import RAN, Outcome
from tests.lumen.samples import NOW, at, attempt, firing, plan, resolved

COOLDOWN = 600
LINGER = 600
STALE = 26 * 3600
RETRIED = ("remediated", "rolled_back", "failed")
EVALUATED_AGAIN = ("condition_not_met", "suppressed")
STOPPED = ("rejected", "expired", "cancelled", "refused", "dry_run", "resolved")
EVENTS = ("nothing", "heard", "refired", "resolved", "prometheus_says_yes", "prometheus_says_no")
# Once the cooldown is over: one row a kind of outcome, one column an event since the attempt ended.
TABLE = {
    RETRIED: ("ask_prometheus", "attempt", "attempt", "watch", "attempt", "watch"),
    ("unknown",): ("ask_prometheus", "attempt", "attempt", "watch", "attempt", "watch"),
    EVALUATED_AGAIN: ("watch", "attempt", "attempt", "watch", "watch", "watch"),
    STOPPED: ("watch", "watch", "attempt", "watch", "watch", "watch"),
}
CELLS = [
    pytest.param(Outcome(outcome), event, step, id=f"{outcome}-{event}")
    for outcomes, steps in TABLE.items()
    for outcome in outcomes
    for event, step in zip(EVENTS, steps, strict=True)
]


def ended(outcome: Outcome, event: str = "nothing", **numbers: float) -> Episode:
    """Return an episode whose first attempt ended at ``NOW`` and to which ``event`` happened since."""
    episode = Episode(plan=plan(**numbers))  # type: ignore[arg-type] # the numbers that the caller chose
    episode.hear(firing(-20), at(-20))
    episode.end_attempt(attempt(outcome))
    if event == "heard":
        episode.hear(firing(60), at(60))
    if event in {"resolved", "refired"}:
        episode.hear(resolved(60), at(60))
    if event == "refired":
        episode.hear(firing(120, "2026-03-01T12:02:00Z"), at(120))
    episode.asked_prometheus = event.startswith("prometheus")
    episode.still_firing = event == "prometheus_says_yes"
    return episode


def test_the_table_knows_every_outcome() -> None:
    """No outcome is missing from the table of these tests."""
    assert sorted(name for outcomes in TABLE for name in outcomes) == sorted(Outcome)


@pytest.mark.parametrize(("outcome", "event", "step"), CELLS)
def test_nothing_runs_while_the_episode_cools(outcome: Outcome, event: str, step: str) -> None:
    """Whatever the outcome and whatever was heard, the episode cools until its cooldown is over, to the second."""
    episode = ended(outcome, event)
    for seconds in (0, 121, COOLDOWN - 1):
        assert next_step(episode, at(seconds)) == Next("cool", until=at(COOLDOWN))
    assert next_step(episode, at(COOLDOWN)).step == step


@pytest.mark.parametrize(("outcome", "event", "step"), CELLS)
def test_after_the_cooldown_the_table_holds(outcome: Outcome, event: str, step: str) -> None:
    """Outcome and news decide; an attempt after `unknown` needs a vote; watching has the right end."""
    found = next_step(ended(outcome, event), at(COOLDOWN))
    heard = {"heard": 60, "refired": 120}.get(event, -20)
    watch_until = at(60 + LINGER) if event == "resolved" else at(heard + STALE)
    expected = Next(step, needs_vote=step == "attempt" and outcome is Outcome.UNKNOWN)
    assert found == (Next("watch", until=watch_until) if step == "watch" else expected)


@pytest.mark.parametrize(("outcome", "event", "step"), [cell for cell in CELLS if cell.values[2] == "watch"])
def test_watching_ends_with_closing(outcome: Outcome, event: str, step: str) -> None:
    """When the time that `watch` gave is over and nothing was heard, the episode closes, and not a moment before."""
    episode = ended(outcome, event)
    until = next_step(episode, at(COOLDOWN)).until
    assert until is not None
    assert next_step(episode, until - timedelta(microseconds=1)) == Next(step, until=until)
    assert next_step(episode, until) == Next("close")


@pytest.mark.parametrize("outcome", list(Outcome))
@given(cooldown=st.integers(0, 3 * COOLDOWN), when=st.integers(-9, 3 * COOLDOWN))
def test_a_resolved_episode_closes_when_cooldown_and_linger_are_over(
    outcome: Outcome, cooldown: int, when: int
) -> None:
    """A resolved alert closes its episode at the later of the cooldown's end and ten minutes after it resolved."""
    episode = ended(outcome, cooldown=cooldown)
    episode.hear(resolved(when), at(when))
    closes = at(max(cooldown, when + LINGER))
    now = at(max(when, 0))
    while (step := next_step(episode, now)).step != "close":
        assert step.step in {"cool", "watch"}
        assert step.until is not None
        assert step.until > now
        now = step.until
    assert now == closes


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("event", EVENTS)
def test_a_persons_retry_comes_at_once(outcome: Outcome, event: str) -> None:
    """`override retry` starts an attempt whatever happened before, in the cooldown and after the alert resolved."""
    episode = ended(outcome, event)
    episode.retry_wanted = True
    for seconds in (0, COOLDOWN, 10 * STALE):
        assert next_step(episode, at(seconds)) == Next("attempt", needs_vote=outcome is Outcome.UNKNOWN)


@pytest.mark.parametrize(("outcome", "event", "step"), CELLS)
def test_a_cleared_cooldown_is_over(outcome: Outcome, event: str, step: str) -> None:
    """After a person cleared the cooldown the episode does at once what it would have done later."""
    episode = ended(outcome, event)
    episode.cooldown_cleared = True
    assert next_step(episode, at(130)).step == step


@pytest.mark.parametrize("outcome", sorted(RAN))
@pytest.mark.parametrize("event", ["heard", "refired", "prometheus_says_yes"])
def test_the_last_attempt_is_followed_by_a_human(outcome: Outcome, event: str) -> None:
    """When the attempts are used up and the alert still fires, that is said once; then the episode only watches."""
    episode = ended(outcome, event, attempts=1)
    assert next_step(episode, at(COOLDOWN)) == Next("exhausted")
    episode.said_exhausted = True
    episode.asked_prometheus = False
    heard = {"heard": 60, "refired": 120}.get(event, -20)
    assert next_step(episode, at(COOLDOWN)) == Next("watch", until=at(heard + STALE))
    assert next_step(episode, at(heard + STALE)) == Next("close")


def test_prometheus_is_not_asked_again_when_a_human_was_told() -> None:
    """After the last attempt was said to be the last, an alert that was not heard again is not asked about."""
    episode = ended(Outcome.FAILED, attempts=1)
    episode.said_exhausted = True
    assert next_step(episode, at(COOLDOWN)).step == "watch"


def test_an_episode_without_a_plan_has_the_default_limits() -> None:
    """An attempt that was refused before a plan was made cools 10 minutes, may run once and closes after 26 hours."""
    episode = Episode()
    episode.end_attempt(attempt(Outcome.FAILED))
    assert next_step(episode, at(599)) == Next("cool", until=at(600))
    episode.asked_prometheus = True
    assert next_step(episode, at(600)) == Next("watch", until=at(STALE))
    episode.still_firing = True
    assert next_step(episode, at(600)) == Next("exhausted")


@dataclass
class Life:
    """An episode driven as its workflow drives it, with news at chosen times and chosen ends of its attempts."""

    episode: Episode
    news: list[tuple[int, str]]
    ends: list[Outcome]
    says: list[bool]
    now: datetime = NOW
    attempts: list[tuple[Attempt, str]] = field(default_factory=list)
    unasked: int = 0

    def until_closed(self) -> None:
        """Go from step to step until the episode closes; an attempt takes a minute."""
        step = Next("attempt")
        for _ in range(400):
            self.take(step)
            step = next_step(self.episode, self.now)
            if step.step == "close":
                return
        pytest.fail("the episode never closes")

    def take(self, step: Next) -> None:
        """Carry out one step."""
        if step.step == "attempt":
            self.run_attempt()
        elif step.step == "ask_prometheus":
            self.episode.asked_prometheus = True
            self.episode.still_firing = self.says.pop() if self.says else False
        elif step.step == "exhausted":
            assert not self.episode.said_exhausted
            self.episode.said_exhausted = True
        else:
            assert step.until is not None
            assert step.until > self.now
            self.pass_time(step.until)

    def run_attempt(self) -> None:
        """Let an attempt begin now, hear what comes meanwhile, and end it."""
        why = "retry" if self.episode.retry_wanted else "clear" if self.episode.cooldown_cleared else ""
        started, outcome = self.now, self.ends.pop() if self.ends else Outcome.REMEDIATED
        over = self.now + timedelta(minutes=1)
        while self.now < over:
            self.pass_time(over)
        last = Attempt(self.episode.attempts_ended + 1, outcome, started, self.now)
        self.attempts.append((last, why))
        self.unasked += int(outcome in RAN and why != "retry")
        self.episode.end_attempt(last)

    def pass_time(self, until: datetime) -> None:
        """Go on to ``until`` or to the next news, whichever is first."""
        if not self.news or at(self.news[0][0]) > until:
            self.now = until
            return
        seconds, what = self.news.pop(0)
        self.now = max(self.now, at(seconds))
        if what == "retry":
            self.episode.retry_wanted = True
        elif what == "clear":
            self.episode.cooldown_cleared = True
        elif what == "resolved":
            self.episode.hear(resolved(seconds), self.now)
        else:
            self.episode.hear(firing(seconds, self.now.isoformat()), self.now)


def lives(*more: str) -> st.SearchStrategy[Life]:
    """Return whole lives: up to 30 news within two days (``more`` than notifications), ends of attempts, answers."""
    moments = st.lists(st.integers(0, 48 * 3600), max_size=30, unique=True).map(sorted)
    whats = st.lists(st.sampled_from(["firing", "resolved", *more]), min_size=30, max_size=30)
    return st.builds(
        lambda times, kinds, ends, says, attempts, cooldown: Life(
            Episode(alert=firing(-1), plan=plan(cooldown=cooldown, attempts=attempts), last_heard=at(-1)),
            list(zip(times, kinds, strict=False)),
            ends,
            says,
        ),
        moments,
        whats,
        st.lists(st.sampled_from(list(Outcome)), max_size=12),
        st.lists(st.booleans(), max_size=4),
        st.integers(1, 4),
        st.sampled_from([0.0, 60.0, 600.0, 7200.0]),
    )


@given(lives("retry", "clear"))
def test_every_episode_closes(life: Life) -> None:
    """Whatever is heard and however attempts end, an episode closes: when long resolved, or after silence."""
    life.until_closed()
    episode = life.episode
    assert episode.last_heard is not None
    assert life.now <= at(48 * 3600 + STALE + 40 * (7200 + 60))
    if episode.resolved_at is None:
        assert life.now >= episode.last_heard + timedelta(seconds=STALE)
    else:
        assert life.now >= episode.resolved_at + timedelta(seconds=LINGER)


@given(lives("retry", "clear"))
def test_no_attempt_begins_before_the_cooldown_is_over(life: Life) -> None:
    """Between two attempts lies the cooldown, unless a person cleared it or asked for a retry."""
    life.until_closed()
    cooldown = timedelta(seconds=life.episode.plan.cooldown) if life.episode.plan else timedelta()
    for (before, _), (after, why) in zip(life.attempts, life.attempts[1:], strict=False):
        assert why or after.started_at >= before.ended_at + cooldown


@given(lives("clear"))
def test_no_more_attempts_run_than_the_limit_says(life: Life) -> None:
    """Without a person's retry at most `limits.attempts` attempts of an episode run anything, flaps or not."""
    life.until_closed()
    assert life.episode.plan is not None
    assert life.unasked == life.episode.ran <= life.episode.plan.limits.attempts


@given(st.lists(st.sampled_from(list(Outcome)), min_size=1, max_size=70))
def test_ended_attempts_are_counted_and_the_last_fifty_kept(outcomes: list[Outcome]) -> None:
    """The state keeps the last attempts only, the counters know all, and the outcome is that of the last."""
    episode = Episode()
    assert episode.outcome is None
    for number, outcome in enumerate(outcomes, 1):
        episode.end_attempt(attempt(outcome, number))
    assert episode.attempts_ended == len(outcomes)
    assert episode.ran == sum(outcome in RAN for outcome in outcomes)
    assert [kept.n for kept in episode.attempts] == list(range(1, len(outcomes) + 1))[-KEPT_ATTEMPTS:]
    assert episode.outcome is outcomes[-1]
