"""What people see of an episode in the Temporal UI: nothing that came from outside is Markdown there."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.routing import AlertRouter
from tests.stack.bench import Bench
from workflows.presentation import details

LINK = "[open](http://127.0.0.1/) ![x](y) <b>bold</b> **strong**"


def document(**changes: Any) -> dict[str, Any]:
    """Return the parts of a status document that are shown, with these changes."""
    return {
        "state": "cooling",
        "state_reason": "",
        "rule": "rule",
        "target": "target",
        "outcome": "rejected",
        "attempts": [{}],
        "approval": None,
        "plan": {"actions": [{"name": "run", "shown": "/bin/true"}]},
        "cooldown_until": None,
        "repeats": 0,
        "status": "firing",
        **changes,
    }


def outside_code(markdown: str) -> str:
    """Return a page without its code spans: CommonMark 6.1, a fence ends at the next run of as many backticks."""
    return re.sub(r"(?<!`)(`+)(?!`).*?(?<!`)\1(?!`)", "", markdown, flags=re.DOTALL)


@given(st.text(max_size=60))
def test_text_from_outside_stays_code(text: str) -> None:
    """Reason, rule, target, action and voter stand in code spans that they cannot leave."""
    votes = {"approve": [{"actor": text}], "reject": []}
    approval = {"required": {"approve": 1, "reject": 1}, "votes": votes, "expires_at": "never"}
    plan = {"actions": [{"name": text, "shown": text}]}
    shown = details(
        document(state_reason=text or "-", rule=text or "-", target=text, plan=plan, approval=approval, outcome=None)
    )
    plain = {"actions": [{"name": "n", "shown": "n"}]}
    voted = {**approval, "votes": {"approve": [{"actor": "n"}], "reject": []}}
    other = details(document(state_reason="n", rule="n", target="n", plan=plain, approval=voted, outcome=None))
    assert outside_code(shown) == outside_code(other)


def test_a_long_reason_is_cut() -> None:
    """A reason of any length leaves room for what else is to be said."""
    shown = details(document(state_reason="é" * 50_000))
    assert len(shown.encode()) < 5_000
    assert "/bin/true" in shown


@pytest.mark.parametrize(("instance", "summary"), [("db-1", "Name db-1"), (LINK, f"`Name {LINK}`")])
async def test_summary_is_no_markdown_of_the_sender(bench: Bench, instance: str, summary: str) -> None:
    """The summary of an episode is plain text, or code where a label could make it a link."""
    alert = bench.alert("Name", instance=instance)
    await AlertRouter(bench.client).route(alert, "rule")
    found = await bench.handle(alert).describe()
    assert await found.static_summary() == summary


@pytest.mark.parametrize("text", ["plain", "\N{GRINNING FACE}", "\x1b", '"\\'])
async def test_what_lists_show_fits(bench: Bench, text: str) -> None:
    """The memo of an episode stays under the 2 kB at which Temporal begins to warn, whatever the labels hold."""
    alert = bench.alert("Name", **{f"label{number}": text * 300 for number in range(20)})
    await AlertRouter(bench.client).route(alert, "rule")
    found = await bench.handle(alert).describe()
    assert sum(len(payload.data) for payload in found.raw_info.memo.fields.values()) < 2000
    assert (await found.memo())["episode"]["labels"]["alertname"] == "Name"
