from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.api.pages.samples import HOME, KEY, stage, token

CORPUS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    '"><svg onload=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</textarea><script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "javascript:alert(1)",
    "{{ 7*7 }}{% for x in y %}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "<a href='https://evil.example'>Approve</a>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<form action=https://evil.example><button>Approve",
    "\u202eevorppa\u202c",
    "a\u200bb\u2066c\u2069\x1b[31m\x07\x00",
    "한국어 テキスト 🎉",
    "<!-- --><![CDATA[x]]>",
]
_ATTRIBUTES = {
    "lang",
    "charset",
    "name",
    "content",
    "rel",
    "href",
    "class",
    "role",
    "id",
    "aria-labelledby",
    "tabindex",
}
_ATTRIBUTES |= {
    "method",
    "action",
    "type",
    "value",
    "for",
    "rows",
    "maxlength",
    "required",
    "target",
    "aria-describedby",
}
_ATTRIBUTES |= {"aria-live", "aria-label", "autocomplete", "spellcheck", "media", "sizes"}


class Markup(HTMLParser):
    """Collects what a browser would see: tags with their attributes, and the text."""

    def __init__(self) -> None:
        """Begin with nothing."""
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep a tag."""
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """Keep text."""
        self.text += data


def shape(page: str) -> list[str]:
    """Return the tags of a page; fails when one leads, sends or runs anywhere else."""
    markup = Markup()
    markup.feed(page)
    for tag, attributes in markup.tags:
        assert tag not in {"script", "img", "svg", "iframe", "object", "base", "style"}, tag
        assert set(attributes) <= _ATTRIBUTES, (tag, attributes)
        assert attributes.get("action", "/decision") == "/decision"
        assert re.match(r"/[^/\\]|https://runbooks\.example/", attributes.get("href") or "/x"), attributes
    return [tag for tag, _ in markup.tags]


def everywhere(document: dict[str, Any], text: str) -> None:
    """Put ``text`` wherever something from outside may stand."""
    document["labels"] = {"alertname": text, text: text}
    document["annotations"] = {text: text}
    document.update(rule=text, target=text, starts_at=text, requested_by=text)
    document["plan"]["condition"] = text
    if text.startswith("javascript:"):
        document["plan"]["runbook_url"] = text
    for action in document["plan"]["actions"]:
        action.update(name=text, shown=text, spec={"json": {text: text}})
    [vote] = document["approval"]["votes"]["approve"]
    vote.update(actor=text, reason=text, channel=text, at=text)
    document["approval"]["expires_at"] = text


@pytest.mark.parametrize("text", CORPUS)
async def test_text_from_outside_stays_text(text: str) -> None:
    """Labels, annotations, actions, actors and reasons are text on every page of a link, and nothing hides in them."""
    here, plain = (
        stage(change=lambda document: everywhere(document, text)),
        stage(change=lambda document: everywhere(document, "x")),
    )
    here.episodes.tally["votes"]["approve"][0].update(actor=text, reason=text)  # type: ignore[index]  # a document here
    pages = []
    for each in (here, plain):
        async with each.client() as client:
            good = token(each.clock, actor=text if each is here and text.isprintable() else "x")
            page = await client.get("/decision", params={"token": good})
            done = await client.post(
                "/decision", data={"token": good, "decision": "approve", "reason": "x"}, headers=HOME
            )
            pages.append((page, done))
    for mine, other in zip(*pages, strict=True):
        if mine.status_code == 200:
            assert shape(mine.text) == shape(other.text) or "javascript:" in text
        else:
            shape(mine.text)
        for hidden in "\u202e\u202c\u200b\u2066\u2069\x1b\x07\x00":
            assert hidden not in mine.text
        if text.startswith("<"):
            assert text not in mine.text


async def test_a_runbook_is_a_link_only_if_it_leads_to_a_page() -> None:
    """An address that is not http or https is not made a link."""
    for url in ("javascript:alert(1)", "data:text/html,x", "//evil.example", "JAVASCRIPT:x", "", " https://x"):
        here = stage()
        document = here.episodes.documents[KEY]
        assert isinstance(document, dict)
        document["plan"]["runbook_url"] = url
        async with here.client() as client:
            page = await client.get("/decision", params={"token": token(here.clock)})
        assert page.status_code == 200
        assert "noopener" not in page.text


async def test_reasons_come_back_as_text() -> None:
    """What somebody typed and could not be recorded stands in the page that offers to send it again, as text."""
    here = stage()
    here.episodes.down = True
    async with here.client() as client:
        for text in CORPUS:
            if "\x00" in text:
                continue
            fields = {"token": token(here.clock), "decision": "reject", "reason": text}
            page = await client.post("/decision", data=fields, headers=HOME)
            assert page.status_code == 503
            markup = Markup()
            markup.feed(page.text)
            shape(page.text)
            again = {a["name"]: a["value"] for tag, a in markup.tags if tag == "input" and a.get("name") in fields}
            assert again == fields | {"reason": text.strip()} or again == fields


async def test_sign_in_shows_names_as_text() -> None:
    """The page to come back to, and who is signed in, are text on the sign-in page."""
    here = stage(embedded=True)
    async with here.client() as client:
        for text in CORPUS:
            page = await client.get("/sign-in", params={"next": "/" + text})
            shape_of = Markup()
            shape_of.feed(page.text)
            assert {tag for tag, _ in shape_of.tags}.isdisjoint({"script", "img", "svg"})
        name = "<script>alert(1)</script>"
        await client.post("/sign-in", data={"token": "unbound-token", "name": name}, headers=HOME)
        page = await client.get("/sign-in")
        assert "&lt;script&gt;" in page.text
        assert "<script" not in page.text
