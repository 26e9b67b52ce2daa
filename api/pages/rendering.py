"""Turns templates into answers: escaped, in the language of the site, under headers that let a page do nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.edge import Site
from lumen.display import printable
from lumen.records import moment
from lumen.wording import Wording

FOLDER = Path(__file__).parent
_ALWAYS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_LIVE = "; script-src 'self'; connect-src 'self'"


class Pages:
    """Renders the templates of this folder for one site."""

    def __init__(self, site: Site) -> None:
        """Read no template yet; each is compiled once, at its first use."""
        self._environment = Environment(
            loader=FileSystemLoader(FOLDER / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        wording = Wording(site.lang)
        self._environment.globals.update(t=wording, lang=site.lang, site=site)
        self._environment.filters.update(plain=_plain, pretty=_pretty, utc=_utc)
        self._headers = {**_ALWAYS, "Referrer-Policy": _referrer_policy(site)}

    def text(self, template: str, values: Mapping[str, Any]) -> str:
        """Return ``template`` filled with ``values``; raises ``jinja2.UndefinedError`` when one is missing."""
        return self._environment.get_template(template).render(values)

    def page(self, template: str, values: Mapping[str, Any], status: int = 200, *, live: bool = False) -> HTMLResponse:
        """Return ``template`` as an answer. Only a ``live`` page may run the site's own script, and no page any other."""
        return HTMLResponse(self.text(template, values), status, self.headers(live=live))

    def headers(self, *, live: bool = False) -> dict[str, str]:
        """Return the headers of a page; see :meth:`page`."""
        return {**self._headers, "Content-Security-Policy": _POLICY + (_LIVE if live else "")}


def _plain(text: object) -> str:
    """Return ``text`` with everything visible that could make a page show another text than it holds; lines stay lines."""
    return "\n".join(printable(line) for line in str(text).split("\n"))


def _pretty(value: object) -> str:
    """Return JSON data as JSON for people, as harmless as :func:`_plain`."""
    return _plain(json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True))


def _utc(text: str) -> str:
    """Return a time of a document (RFC 3339) for people, to the second; what is no time is returned as it is."""
    found = moment(text)
    return f"{found.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if found else _plain(text)


def _referrer_policy(site: Site) -> str:
    """Return what a page tells of its address, which may hold a token: nothing.

    From a page with no-referrer a browser sends ``Origin: null``, and says that the request is of the same origin in
    ``Sec-Fetch-Site``, which it does not send to a plain http address of another machine. There the origin, never the
    path or the query, must be told, or nobody could tell its own forms from foreign ones.
    """
    address = urlsplit(site.base_url)
    named = address.scheme == "https" or address.hostname in _LOOPBACK
    return "no-referrer" if named else "strict-origin"


async def pages_of(request: Request) -> Pages:
    """Return the pages of the application that serves ``request``."""
    pages = request.app.state.pages
    if not isinstance(pages, Pages):
        raise TypeError("the application was not made by create_app")
    return pages


ThePages = Annotated[Pages, Depends(pages_of)]
