"""What the kinds of action say of an action to people, and what of it may be seen outside the worker."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.plan import PlannedAction
from rules.kinds import KINDS, action_line, shown_plan
from tests.lumen.samples import plan

LINES: list[tuple[str, dict[str, Any], str]] = [
    ("cmd", {"argv": ["/bin/echo", "a b", "it's", "", "x=1"]}, "/bin/echo 'a b' 'it'\"'\"'s' '' x=1"),
    ("http", {"method": "PUT", "url": "https://h/x?(hidden)", "headers": {}, "json": None}, "PUT https://h/x?(hidden)"),
    ("control_bus", {"command": "restart", "args": {"unit": "db-1"}}, "control bus: restart {'unit': 'db-1'}"),
    ("proof", {}, "record in the ledger"),
    ("of-tomorrow", {"x": 1}, "of-tomorrow"),
]


def test_the_words_that_rules_and_histories_use() -> None:
    """Kinds of action are written in rules and recorded in histories by these words."""
    assert {"cmd", "http", "control_bus", "proof"} <= set(KINDS)


@pytest.mark.parametrize(("kind", "spec", "line"), LINES)
def test_an_action_is_one_line_for_people(kind: str, spec: dict[str, Any], line: str) -> None:
    """Each kind says in its own words what runs; one that only a newer worker knows breaks nothing."""
    assert action_line(PlannedAction("act", kind, spec)) == line


def test_a_shown_plan_keeps_its_digest_and_hides_secrets() -> None:
    """Header values, the user part and the query of a URL stay on the worker; everything else is shown as it is."""
    shown = shown_plan(plan())
    assert "hunter2" not in repr(shown)
    assert shown.digest == plan().digest
    assert shown.actions[0] == plan().actions[0]
    assert shown.actions[1].spec == {
        "method": "POST",
        "url": "https://cmdb.example.com/hosts/db-1?(hidden)",
        "headers": {"Authorization": "(hidden)"},
        "json": {"grown": True},
    }
    assert replace(shown, actions=plan().actions) == plan()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://host/path", "http://host/path"),
        ("http://host", "http://host"),
        ("http://host:81/a/b", "http://host:81/a/b"),
        ("http://user:secret@host/path", "http://host/path"),
        ("http://user:se@cret@host/path", "http://host/path"),
        ("http://host/path?token=secret", "http://host/path?(hidden)"),
        ("http://host?token=secret", "http://host?(hidden)"),
        ("http://host?token=secret/more", "http://host?(hidden)"),
        ("http://host?next=http://a:secret@b/", "http://host?(hidden)"),
        ("http://host/path#secret", "http://host/path"),
        ("http://host#secret", "http://host"),
        ("http://host/path?a#secret?b", "http://host/path?(hidden)"),
        ("http://host/a@b", "http://host/a@b"),
        ("http://[::1]:81/a", "http://[::1]:81/a"),
        ("/only/a/path?secret", "/only/a/path?(hidden)"),
        ("", ""),
    ],
)
def test_a_shown_url_says_where_and_no_secret(url: str, shown: str) -> None:
    """Scheme, host, port and path remain of a URL."""
    action = PlannedAction("call", "http", {"method": "GET", "url": url})
    assert shown_plan(replace(plan(), actions=(action,))).actions[0].spec == {
        "method": "GET",
        "url": shown,
        "headers": {},
    }


PART = st.text("abc.:/?#&=", max_size=6)


@given(PART, PART, PART, st.sampled_from(["{s}@host/{a}", "{a}.host?{b}{s}", "host/{a}?{s}", "host/{a}#{b}{s}"]))
def test_no_url_shows_its_user_part_query_or_fragment(first: str, second: str, third: str, form: str) -> None:
    """Wherever the secret stands in user part, query or fragment, whatever surrounds it, it is not shown."""
    rest = form.format(a=first, b=second, s="hunter2")
    action = PlannedAction("call", "http", {"url": f"https://{rest}{third}"})
    assert "hunter2" not in str(shown_plan(replace(plan(), actions=(action,))).actions[0].spec)


def test_showing_an_action_leaves_the_plan_itself_alone() -> None:
    """What runs keeps its headers and its whole URL."""
    whole = plan()
    shown_plan(whole)
    assert whole == plan()
