"""Turns templates into answers: escaped, in the language of the site, under headers that let a page do nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.edge import Site
from lumen.wording import Wording

FOLDER = Path(__file__).parent
_ALWAYS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
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

    def text(self, template: str, values: Mapping[str, Any]) -> str:
        """Return ``template`` filled with ``values``; raises ``jinja2.UndefinedError`` when one is missing."""
        return self._environment.get_template(template).render(values)

    def page(self, template: str, values: Mapping[str, Any], status: int = 200, *, live: bool = False) -> HTMLResponse:
        """Return ``template`` as an answer. Only a ``live`` page may run the site's own script, and no page any other."""
        policy = _POLICY + (_LIVE if live else "")
        return HTMLResponse(self.text(template, values), status, {**_ALWAYS, "Content-Security-Policy": policy})
