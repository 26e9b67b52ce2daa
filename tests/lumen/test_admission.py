"""Whose vote counts."""

from __future__ import annotations

import pytest

from lumen.admission import Electorate, objection

VOTERS = Electorate(
    allow=("alice@example.com",),
    min_rank="link",
    barred=("bob@example.com",),
    requesters=("erin@example.com", "carol@example.com"),
)


@pytest.mark.parametrize(
    ("actor", "channel", "rank", "reason", "said"),
    [
        ("alice@example.com", "link", "link", "", ""),
        ("alice@example.com", "slack", "oidc", "", ""),
        ("alice@example.com", "token", "token", "rank_too_low", "votes of rank link and up; this one came as token"),
        ("alice@example.com", "signal", "nonsense", "rank_too_low", "came as nonsense"),
        ("bob@example.com", "link", "link", "not_allowed", "owns what this is about"),
        ("carol@example.com", "link", "link", "not_allowed", "asked for this"),
        ("dave@example.com", "link", "link", "not_allowed", "may not decide about this rule"),
        ("anonymous", "link", "link", "not_allowed", "has no name"),
    ],
)
def test_a_vote_counts_for_those_who_may_give_it(actor: str, channel: str, rank: str, reason: str, said: str) -> None:
    """Those who are allowed and known well enough; everybody else learns why not."""
    wrong = objection(actor, channel, rank, VOTERS)
    assert (wrong.reason if wrong else "") == reason
    assert said in (wrong.message if wrong else "")


def test_a_vote_without_a_name_counts_only_by_a_link() -> None:
    """Where the rule allows it, whoever holds such a link may vote; typing the word is not enough."""
    voters = Electorate(anonymous=True, min_rank="signal")
    assert objection("anonymous", "link", "link", voters) is None
    assert objection("anonymous", "signal", "signal", voters) is not None
