"""A person in front of the console, over a real Lumen: sign in, see, approve, watch it run, verify."""

from __future__ import annotations

import itertools
import re

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Page, Route, expect

from tests.console.chromium import PHONE, sign_in, window
from tests.console.screenshots import decision_path
from tests.console.stage import ALICE, BOB, CAROL, TOKENS
from tests.stack.site import Site

_NUMBERS = itertools.count(1)
_SERIOUS = {"serious", "critical"}


def asking(site: Site, name: str = "DiskAlmostFull", severity: str = "critical") -> str:
    """Return the key of a new episode that waits for votes."""
    key = site.post_alert(name, instance=f"host-{next(_NUMBERS)}", severity=severity, mountpoint="/")
    site.until_state(key, "awaiting_approval")
    return key


def test_sign_in_see_approve_watch_and_verify(browser: Browser, site: Site) -> None:
    """Two people approve in two windows; the page follows by itself until the result stands proven in the ledger."""
    key = asking(site)
    with window(browser) as alice, window(browser) as bob:
        for page, who in ((alice, ALICE), (bob, BOB)):
            sign_in(page, site.api_url, TOKENS[who])
            link = page.locator("section[data-key=mine] tr", has_text=site.status(key)["target"]).get_by_role("link")
            link.click()
            expect(page.get_by_role("heading", level=1)).to_have_text("DiskAlmostFull")
            expect(page.get_by_label("grow filesystem")).to_contain_text("grow-filesystem --add 10G")
        alice.get_by_label("Reason (optional").fill("seen, go")
        alice.get_by_role("button", name="Approve").click()
        expect(alice.get_by_text("Your vote is counted.")).to_be_visible()
        assert "seen" not in alice.url
        expect(bob.get_by_text("alice@example.com approved")).to_be_visible()
        expect(bob.locator("#announce")).to_contain_text("1 of 2 to approve")
        bob.get_by_role("button", name="Approve").click()
        for page in (alice, bob):
            expect(page.get_by_text("Attempt 1: Remediated")).to_be_visible()
            expect(page.locator(".proof-proven")).to_have_count(6)
        alice.get_by_text("Output").first.click()
        expect(alice.get_by_label("Output stdout")).to_contain_text("inode table: ok")
    assert {vote["actor"] for vote in site.status(key)["attempts"][0]["votes"]["approve"]} == {ALICE, BOB}


def test_output_is_live_and_a_command_can_be_cancelled(browser: Browser, site: Site, keys: dict[str, str]) -> None:
    """While a command runs its output grows on the page; an override with a reason ends it."""
    key = asking(site, "CacheRebalance", "info")
    assert site.vote(key, ALICE).is_success
    with window(browser) as page:
        sign_in(page, site.api_url, TOKENS[ALICE])
        page.goto(f"{site.api_url}/episodes/{key}")
        output = page.locator(".running pre")
        expect(output).to_contain_text(re.compile(r"step 4 of 400"))
        expect(output).to_contain_text(re.compile(r"step 9 of 400"))
        page.get_by_text("Override", exact=True).first.click()
        page.get_by_label("Cancel: end this attempt").check()
        page.get_by_label("Reason (goes into the ledger)").fill("enough")
        page.get_by_role("button", name="Override").click()
        expect(page.get_by_text("Your override is recorded")).to_be_visible()
        expect(page.get_by_text("Attempt 1: Cancelled")).to_be_visible()
    assert keys["runs"] != key


def test_what_is_being_typed_survives_the_updates(browser: Browser, site: Site) -> None:
    """Somebody else's vote appears while a reason is typed: text, focus and place of the cursor stay."""
    key = asking(site)
    with window(browser) as page:
        sign_in(page, site.api_url, TOKENS[ALICE])
        page.goto(f"{site.api_url}/episodes/{key}")
        reason = page.get_by_label("Reason (optional")
        reason.type("half a sent")
        assert site.vote(key, BOB).is_success
        expect(page.get_by_text("bob@example.com approved")).to_be_visible()
        page.keyboard.type("ence")
        expect(reason).to_be_focused()
        expect(reason).to_have_value("half a sentence")


def test_a_form_about_something_old_is_kept_and_said(browser: Browser, site: Site) -> None:
    """What was asked ends while somebody writes: the form stays, the page says so, and sending it counts nowhere."""
    key = asking(site)
    with window(browser) as page:
        sign_in(page, site.api_url, TOKENS[ALICE])
        page.goto(f"{site.api_url}/episodes/{key}")
        page.get_by_label("Reason (optional").type("I am still writ")
        assert site.vote(key, BOB, "reject").is_success
        site.until_outcome(key)
        expect(page.locator("#stuck")).to_contain_text("has changed while you were writing")
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("this request is closed")).to_be_visible()
    assert [attempt["outcome"] for attempt in site.status(key)["attempts"]] == ["rejected"]


def test_keyboard_alone_is_enough(browser: Browser, site: Site) -> None:
    """From the address to the counted vote without a mouse; what has the focus can be seen."""
    key = asking(site, severity="warning")
    with window(browser) as page:
        page.goto(f"{site.api_url}/episodes/{key}")
        keys = page.keyboard
        _tab_to(page, "token")
        keys.type(TOKENS[ALICE])
        keys.press("Enter")
        page.wait_for_url(f"**/episodes/{key}")
        keys.press("Tab")
        expect(page.get_by_text("Skip to content")).to_be_in_viewport()
        keys.press("Enter")
        _tab_to(page, "vote-reason")
        keys.type("by keyboard")
        keys.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"
        keys.press("Enter")
        expect(page.get_by_text("Your vote is counted.")).to_be_visible()
    site.until_outcome(key)


def _tab_to(page: Page, identity: str) -> None:
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == identity:
            return
    raise AssertionError(f"the tab key never gets to {identity}")


def test_without_javascript_everything_can_be_done(browser: Browser, site: Site) -> None:
    """JavaScript off: sign in, find, reject, freeze and allow again; lists load themselves again."""
    key = asking(site)
    with window(browser, java_script_enabled=False, viewport=PHONE) as page:
        sign_in(page, site.api_url, TOKENS[ALICE])
        assert page.locator("meta[http-equiv=refresh]").get_attribute("content") == "30; url=/"
        page.goto(f"{site.api_url}/episodes/{key}")
        assert page.locator("meta[http-equiv=refresh]").count() == 0
        page.get_by_label("Reason (optional").fill("not tonight")
        page.get_by_role("button", name="Reject").click()
        expect(page.get_by_text("Your vote is counted.")).to_be_visible()
        site.until_outcome(key)
        page.get_by_role("link", name="Reload").click()
        expect(page.get_by_text("Attempt 1: Rejected")).to_be_visible()
        page.goto(f"{site.api_url}/guards")
        for button, said in (
            ("Freeze everything", "Everything is frozen."),
            ("Allow actions again", "Actions are allowed again."),
        ):
            page.get_by_label("Reason (goes into the ledger)").last.fill("migration")
            page.get_by_role("button", name=button).click()
            expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()
    assert site.status(key)["outcome"] == "rejected"


def test_a_cooldown_ends_from_the_page(browser: Browser, site: Site, keys: dict[str, str]) -> None:
    """Ending a cooldown with a reason frees the target, and the page shows it."""
    with window(browser) as page:
        sign_in(page, site.api_url, TOKENS[ALICE])
        page.goto(f"{site.api_url}/guards")
        card = page.locator("li.card", has_text="target mq-1")
        card.locator("summary").click()
        card.get_by_label("Reason").fill("fixed by hand")
        card.get_by_role("button", name="End the cooldown of target mq-1").click()
        expect(page.get_by_text("The cooldown ends as soon as")).to_be_visible()
        expect(page.locator("li.card", has_text="target mq-1").get_by_text("Cooling")).to_have_count(0)
    assert keys["cools"]


def test_who_may_only_read_sees_and_decides_nothing(browser: Browser, site: Site, keys: dict[str, str]) -> None:
    """A reader sees the whole episode and one sentence where others have a form."""
    with window(browser) as page:
        sign_in(page, site.api_url, TOKENS[CAROL])
        page.goto(f"{site.api_url}/episodes/{keys['critical']}")
        expect(page.get_by_text("has not the scope")).to_be_visible()
        assert page.locator("main form").count() == 0


def test_the_page_says_when_it_is_not_up_to_date(browser: Browser, site: Site, keys: dict[str, str]) -> None:
    """The server goes away: the page keeps what it had, says so, and recovers by itself."""
    with window(browser) as page:
        sign_in(page, site.api_url, TOKENS[ALICE])
        page.goto(f"{site.api_url}/episodes/{keys['failed']}")
        page.route("**/*", lambda route: route.abort())
        expect(page.locator("#stuck")).to_contain_text("Not up to date")
        expect(page.get_by_text("Attempt 1: Failed")).to_be_visible()
        page.unroute_all()
        expect(page.locator("#stuck")).to_be_hidden()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [None, PHONE], ids=["desktop", "phone"])
def test_axe_finds_nothing_serious(
    browser: Browser, site: Site, keys: dict[str, str], scheme: str, viewport: dict[str, int] | None
) -> None:
    """No serious or critical issue of accessibility on any page, light and dark, wide and narrow."""
    options = {"color_scheme": scheme, **({"viewport": viewport} if viewport else {})}
    paths = ["/", "/episodes", "/guards", *(f"/episodes/{keys[one]}" for one in ("critical", "runs", "failed"))]
    problems = []
    with window(browser, bypass_csp=True, **options) as page:
        page.goto(f"{site.api_url}/sign-in")
        problems += _issues(page)
        sign_in(page, site.api_url, TOKENS[ALICE])
        for path in [*paths, "/episodes/alertmanager-ffffffffffffffff", decision_path(site, keys["warning"])]:
            page.goto(site.api_url + path)
            page.evaluate("for (const one of document.querySelectorAll('details')) one.open = true")
            problems += _issues(page)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
                f"{path} is wider than the window"
            )
    assert problems == []


def _issues(page: Page) -> list[str]:
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url}: {one['id']}: {one['nodes'][0]['html']}: {one['nodes'][0].get('failureSummary')}"
        for one in found
        if one["impact"] in _SERIOUS
    ]


@pytest.mark.parametrize("typed", ["", "half a thought"])
def test_a_form_about_something_new_comes_only_where_nobody_writes(browser: Browser, site: Site, typed: str) -> None:
    """The plan changes under a form: an idle form is replaced, one in use stays as it was, and the page says so."""
    key = asking(site)
    digest = site.status(key)["plan"]["digest"]
    with window(browser) as page:
        sign_in(page, site.api_url, TOKENS[ALICE])
        page.goto(f"{site.api_url}/episodes/{key}")
        form = page.locator("form.vote-form")
        if typed:
            page.get_by_label("Reason (optional").fill(typed)

        def change(route: Route) -> None:
            answer = route.fetch(headers={**route.request.headers, "if-none-match": ""})
            route.fulfill(response=answer, body=answer.text().replace(digest, "sha256:another"))

        page.route(f"**/episodes/{key}", change)
        if typed:
            expect(page.locator("#stuck")).to_contain_text("has changed while you were writing")
            expect(form.locator("[name=digest]")).to_have_value(digest)
            expect(page.get_by_label("Reason (optional")).to_have_value(typed)
        else:
            expect(form.locator("[name=digest]")).to_have_value("sha256:another")
            expect(page.locator("#stuck")).to_be_hidden()
