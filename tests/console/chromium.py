"""Debian's Chromium under Playwright."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

PROGRAM = "/usr/bin/chromium"
DESKTOP = {"width": 1200, "height": 800}
PHONE = {"width": 390, "height": 780}
_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
PATIENCE_MS = 20_000


def installed() -> bool:
    """Return whether the browser is there."""
    return Path(PROGRAM).exists()


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Run the browser while inside."""
    with sync_playwright() as playwright:
        expect.set_options(timeout=PATIENCE_MS)
        browser = playwright.chromium.launch(executable_path=PROGRAM, args=_ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()


@contextlib.contextmanager
def window(browser: Browser, **options: Any) -> Iterator[Page]:
    """Open a window of its own profile; ``options`` are those of a browser context."""
    context: BrowserContext = browser.new_context(**{"viewport": DESKTOP, **options})
    context.set_default_timeout(PATIENCE_MS)
    try:
        yield context.new_page()
    finally:
        context.close()


def sign_in(page: Page, url: str, token: str) -> None:
    """Sign in with a token, as a person would."""
    page.goto(f"{url}/sign-in")
    page.get_by_label("API token").fill(token)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{url}/")
