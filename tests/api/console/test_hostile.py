"""Text from outside on every page of the console: it is shown, and does nothing else."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from api.guards import Found
from api.ledger_view import Health, Line
from api.ports import Description, Page, Running
from tests.api.console.samples import Console, console, row, token_may_vote, waiting
from tests.api.console.test_episode import ATTEMPT
from tests.api.fakes import open_description
from tests.api.pages.samples import KEY
from tests.api.pages.test_hostile_text import CORPUS, Markup, everywhere

EPISODE = f"/episodes/{KEY}"
_SENT = re.compile(r'<input type="hidden" name="target" value="[^"]*">')
"""The name of a guard as it is sent back: not for people, and so the very name."""
_OURS = re.compile(r"/(?![/\\])|https://runbooks\.example/|#main")


def poisoned(text: str) -> Console:
    """Return a console in which ``text`` stands wherever something from outside can stand."""

    def change(document: dict[str, Any]) -> None:
        token_may_vote(document)
        everywhere(document, text)
        attempt = copy.deepcopy(ATTEMPT)
        attempt.update(outcome=text, reason=text, decision=dict.fromkeys(("decision", "by", "actor", "reason"), text))
        attempt["votes"]["approve"][0].update(actor=text, channel=text, reason=text, at=text)  # type: ignore[index]  # a document here
        attempt["results"][0].update(name=text, status=text, reason=text)  # type: ignore[index]  # a document here
        for stream in ("stdout", "stderr"):
            attempt["results"][0]["detail"][stream].update(head=text, tail=text)  # type: ignore[index]  # a document here
        document.update(attempts=[attempt], state_reason=text, mode=text, status=text, outcome=text, proof_ref=[1, 2])
        document["approval"].update(allow=["alice@example.com", text])

    here = console(change=change)
    asked = row(alert=text, rule=text, target=text, severity=text, waiting=waiting(allow=["alice@example.com", text]))
    others = [row(waiting=waiting(allow=[text], expires_at=text)), row(state=text, outcome=text)]
    here.stage.episodes.pages = {b"": Page([asked, *others])}
    here.switch.stands = {"frozen": True, "actor": text, "reason": text, "since": text}
    place = {"holder": text, "rule": text, "lease_until": text}
    guard = {"id": f"target-{text}", "cooling": {text: text}, "places": [place], "waiting": [place]}
    here.guards.found = Found([guard], [{"id": text, "rule": text, "until": text, "kind": "episode", "target": text}])
    here.ledger.stands = Health(reachable=True, ok=True, anchor_lag={text: 1})
    here.ledger.known = {1: Line(1, "broken", problem=text), 2: Line(2, "proven", text, text, text, 3)}
    return here


def shape(page: str) -> list[tuple[str, tuple[str, ...]]]:
    """Return the tags of a page with the names of their attributes; fails when one leads or sends anywhere else."""
    markup = Markup()
    markup.feed(page)
    for tag, attributes in markup.tags:
        assert tag not in {"img", "svg", "iframe", "object", "base", "style"}, tag
        assert attributes.get("src", "/static/live.js") == "/static/live.js"
        for name in ("href", "action"):
            assert _OURS.match(attributes.get(name) or "/"), (tag, attributes)
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
    return [(tag, tuple(sorted(attributes))) for tag, attributes in markup.tags]


@pytest.mark.parametrize("text", CORPUS)
@pytest.mark.parametrize("path", ["/", "/episodes", "/guards", EPISODE])
async def test_text_from_outside_stays_text(path: str, text: str) -> None:
    """Whatever stands in labels, annotations, people, reasons, rules and output, the page has the same elements."""
    pages = []
    for each in (text, "x"):
        async with poisoned(each).visited() as browser:
            answer = await browser.get(path)
            assert answer.status_code == 200
            pages.append(answer.text)
    mine, other = pages
    if not text.startswith("javascript:"):
        assert shape(mine) == shape(other)
    shape(mine)
    seen = _SENT.sub("", mine)
    for hidden in "\u202e\u202c\u200b\u2066\u2069\x1b\x07\x00":
        assert hidden not in seen
    if text.startswith("<"):
        assert text not in mine


@pytest.mark.parametrize("text", CORPUS)
async def test_live_output_stays_text(text: str) -> None:
    """What a running program prints is text, whatever it prints."""

    def change(document: dict[str, Any]) -> None:
        document.update(state="executing", state_reason=text)

    here = console(change=change)
    described = open_description(KEY, "executing")
    told = {"action": text, "stdout": text, "stderr": text, text: text}
    here.stage.episodes.described[KEY] = Description(described.row, "r", True, {}, (Running("execute", None, told),))
    async with here.visited() as browser:
        page = (await browser.get(EPISODE)).text
    shape(page)
    if text.startswith("<"):
        assert text not in page


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "//evil.example",
        "http:///x",
        " https://x",
        "https://a\u202eb",
        "ftp://x",
    ],
)
async def test_a_runbook_is_linked_only_if_it_is_a_page(address: str) -> None:
    """An address that is not plainly http or https is not made a link."""
    here = console(change=lambda document: document["plan"].update(runbook_url=address))
    async with here.visited() as browser:
        assert "Runbook" not in (await browser.get(EPISODE)).text
