"""Makes the pictures of docs/console.md: ``python -m tests.console.screenshots [FOLDER]`` (default: docs/images)."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from lumen.links import Link, link_token
from tests.console.chromium import PHONE, chromium, sign_in, window
from tests.console.stage import ALICE, TOKENS, fill, stage
from tests.stack.site import Site

_MOST_BYTES = 200_000
_SETTLE_MS = 5000
_FOLDER = Path(__file__).parents[2] / "docs" / "images"


@dataclass(frozen=True)
class Picture:
    """One picture: ``path`` of the page, and how the window is."""

    name: str
    path: str
    options: dict[str, Any] = field(default_factory=dict)


def pictures(site: Site, keys: dict[str, str]) -> Iterator[Picture]:
    """Yield every picture of the documentation."""
    dark = {"color_scheme": "dark"}
    phone = {"viewport": PHONE, "device_scale_factor": 1.5}
    asked, runs = f"/episodes/{keys['critical']}", f"/episodes/{keys['runs']}"
    yield Picture("console-home", "/")
    yield Picture("console-home-phone", "/", phone)
    yield Picture("console-episode", asked)
    yield Picture("console-episode-phone", asked, phone)
    yield Picture("console-running-dark", runs, dark)
    yield Picture("console-failed", f"/episodes/{keys['failed']}")
    yield Picture("console-guards-dark", "/guards", dark)
    yield Picture("decision-phone", decision_path(site, keys["warning"]), phone)


def decision_path(site: Site, key: str) -> str:
    """Return a link for Alice to what an episode asks now."""
    document = site.status(key)
    link = Link(key, document["approval"]["id"], document["plan"]["digest"], ALICE, 4_000_000_000, f"picture-{key}")
    kid, _, secret = site.env["BRIDGE_SECRET"].partition(":")
    return f"/decision?token={link_token(link, {kid: secret})}"


def take(browser: Browser, site: Site, picture: Picture, folder: Path) -> Path:
    """Take one picture of what fits into the window; fails when it is too large for the documentation."""
    with window(browser, **picture.options) as page:
        sign_in(page, site.api_url, TOKENS[ALICE])
        page.goto(site.api_url + picture.path)
        _settled(page)
        to = folder / f"{picture.name}.png"
        page.screenshot(path=to)
    assert to.stat().st_size < _MOST_BYTES, f"{to} has {to.stat().st_size} bytes"
    return to


def _settled(page: Page) -> None:
    """Wait for output on a page that has live output."""
    if page.locator(".running").count():
        page.wait_for_timeout(_SETTLE_MS)


def main() -> None:
    """Start a site, fill it, take every picture."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else _FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temporary, stage(Path(temporary)) as site, chromium() as browser:
        keys = fill(site)
        for picture in pictures(site, keys):
            print(take(browser, site, picture, folder))


if __name__ == "__main__":
    main()
