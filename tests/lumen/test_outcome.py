"""The kinds of outcome: each rule of an episode's life knows which outcomes it is about."""

from __future__ import annotations

from lumen.outcome import EVALUATED_AGAIN, HUMAN_NEEDED, RAN, RETRIED_WHILE_FIRING, ActionStatus, Outcome, State


def test_the_words_of_the_contract() -> None:
    """States, outcomes and results of actions are searched for and counted by these words."""
    assert " ".join(State) == (
        "planning blocked awaiting_approval waiting_ledger executing verifying rolling_back cooling watching closed"
    )
    assert " ".join(Outcome) == (
        "remediated rolled_back failed unknown rejected expired resolved condition_not_met suppressed refused dry_run cancelled"
    )
    assert " ".join(ActionStatus) == "succeeded failed unknown cancelled dry_run"


def test_no_outcome_follows_two_rules() -> None:
    """An outcome is retried while the alert fires, or evaluated again, or neither."""
    assert frozenset() == RETRIED_WHILE_FIRING & EVALUATED_AGAIN


def test_what_may_have_run_counts() -> None:
    """Everything that is retried by itself ran, and so may have an unknown outcome, which only a person can retry."""
    assert frozenset({Outcome.UNKNOWN}) == RAN - RETRIED_WHILE_FIRING
    assert RAN >= RETRIED_WHILE_FIRING


def test_a_human_is_told_of_what_went_wrong() -> None:
    """A result that is unknown, failed, rolled back or refused needs a person."""
    assert {"unknown", "failed", "rolled_back", "refused"} == HUMAN_NEEDED
