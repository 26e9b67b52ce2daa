"""``lumen alert explain``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cli.alert.blocking import blocking
from lumen.alert import Alert
from rules.explaining import explain
from rules.loader import load
from tests.cli.alert.samples import KEY, NOW, asking, attempt, time
from tests.cli.conftest import FakeService, Lumen
from tests.stack.rulebook import Rulebook


@pytest.fixture
def rules(clean_place: Path) -> Path:
    """A folder with two rules for DiskFull, the first narrower."""
    book = Rulebook(clean_place / "rules")
    book.add("db", alert="DiskFull", match=['team="db"'], actions=[{"proof": True}])
    actions = [{"cmd": ["/bin/grow", "{labels.instance}"], "rollback": {"cmd": ["/bin/shrink"]}}]
    book.add("disk-full", alert="DiskFull", verify={"cmd": ["/bin/true"]}, actions=actions)
    return book.folder


def test_labels_are_explained_without_a_network(lumen: Lumen, rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each rule with why not, and what the first that matches would do; no service is there to ask."""
    monkeypatch.setenv("LUMEN_API_ADDR", "127.0.0.1:1")
    ran = lumen("alert", "explain", "-l", "alertname=DiskFull", "-l", "instance=h1")
    assert (ran.code, ran.err) == (0, "")
    said = [" ".join(line.split()) for line in ran.out.splitlines()]
    assert 'no db team is not there, wanted is ="db"' in said
    assert "yes disk-full applies" in said
    assert "action action-1: /bin/grow h1" in said
    assert "rollback /bin/shrink" in said
    assert "asks 1 to approve or 1 to reject" in said
    document = lumen("alert", "explain", "-l", "alertname=DiskFull", "-l", "instance=h1", "--json").document
    assert (document["rule"], document["blocks"], document["episode"]) == ("disk-full", None, None)
    assert document["plan"]["approval"]["approve"] == 1


def test_no_rule_and_a_refusal_are_said_in_words(lumen: Lumen, rules: Path) -> None:
    """Neither is a failure of the command."""
    assert "no rule matches" in lumen("alert", "explain", "-l", "alertname=Other").out
    assert "it is refused: rule" in lumen("alert", "explain", "-l", "alertname=DiskFull").out


def test_one_alert_is_named_in_one_way(lumen: Lumen, rules: Path) -> None:
    """A key, or labels; annotations only beside labels."""
    assert lumen("alert", "explain").code == 2
    assert lumen("alert", "explain", KEY, "-l", "a=b").code == 2
    assert lumen("alert", "explain", KEY, "--annotation", "a=b").code == 2
    assert lumen("alert", "explain", "-l", "a=b", "--rules", "nowhere").code == 1


def test_a_key_is_asked_once(lumen: Lumen, rules: Path, api: FakeService) -> None:
    """The rules here, the alert of the episode, and what it waits for."""
    api.answer(200, asking())
    ran = lumen("alert", "explain", KEY)
    assert (ran.code, len(api.asked)) == (0, 1)
    assert api.asked[0].path == f"/alerts/{KEY}"
    assert "disk-full" in ran.out
    assert any(line.startswith("now: it asks for 1 more to approve") for line in ran.out.splitlines())
    document = lumen("alert", "explain", KEY, "--json").document
    assert document["key"] == KEY
    assert document["episode"]["state"] == "awaiting_approval"


def said(rules: Path, **changes: Any) -> str:
    """Return what blocks an episode with this document."""
    document = asking(**changes)
    sent = Alert("request", KEY.partition("-")[2], document["labels"], NOW, document["annotations"])
    return "\n".join(blocking(document, explain(sent, load(rules)), KEY, NOW))


def test_missing_votes_and_barred_people_are_named(rules: Path) -> None:
    """Who may still vote, from which rank on, and who may not although they are in the list."""
    text = said(rules)
    assert "1 more to approve" in text
    assert "alice@example.com does not vote" in text


@pytest.mark.parametrize(
    ("outcome", "reason", "expected"),
    [
        ("suppressed", "budget of runs is used up, until then", "as soon as the alert is heard again"),
        ("condition_not_met", "the condition does not hold", "as soon as the alert is heard again"),
        ("failed", "grow: exit code 3", "if the alert still fires"),
        ("unknown", "nobody knows", "without a new vote"),
        ("rejected", "rejected by bob", "resolved and fired again"),
    ],
)
def test_an_episode_at_rest_says_why_and_what_would_wake_it(
    rules: Path, outcome: str, reason: str, expected: str
) -> None:
    """The reason of its last attempt and when another one follows, by its outcome."""
    text = said(
        rules,
        state="cooling",
        cooldown_until=time(5),
        attempts=[attempt(outcome=outcome, reason=reason)],
        approval=None,
    )
    assert f"why it ended {outcome}: {reason}" in text
    assert expected in text


@pytest.mark.parametrize("reason", ["frozen by bob@example.com: release", "target-h1 is held by alert-x"])
def test_what_blocks_is_said_as_the_episode_says_it(rules: Path, reason: str) -> None:
    """A freeze, a lock, Prometheus that does not answer."""
    assert f"it is blocked: {reason}" in said(rules, state="blocked", state_reason=reason, approval=None)


def test_other_rules_than_those_of_the_worker_are_noticed(rules: Path) -> None:
    """The explanation would else be of another plan, and nobody would see it; an episode that is over blocks nothing."""
    assert "the worker has other rules" in said(rules)
    assert "it is over" in said(rules, state="closed", outcome="remediated")
