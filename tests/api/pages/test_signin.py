"""The session after a sign-in: what the browser keeps of it, which forms are its own, and what ends it."""

from __future__ import annotations

import logging
import re
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI, Request

from api.app import create_app
from api.edge import Edge, TheEdge
from api.pages.sessions import SESSION_SECONDS
from api.pages.visitors import TheVisitor, read_form
from api.problems import Json
from api.tokens import build_token_book
from lumen.sealing import seal
from tests.api.conftest import client_of
from tests.api.fakes import ALICE_TOKEN, BOB_TOKEN, BOUND, KEYS, READ_TOKEN, WEBHOOK_TOKEN
from tests.api.pages.samples import BROWSER, FOREIGN, HOME, Stage, stage

_HIDDEN = re.compile(r'name="form_token" value="([^"]+)"')


def with_pages(edge: Edge) -> FastAPI:
    """Return the application with two routes that only somebody who is signed in may use."""
    app = create_app(edge)

    @app.get("/whoami")
    async def whoami(visitor: TheVisitor) -> Json:
        return Json({"actor": visitor.actor, "rank": visitor.rank, "scopes": sorted(visitor.scopes)})

    @app.post("/change")
    async def change(request: Request, edge: TheEdge, visitor: TheVisitor) -> Json:
        return Json(await read_form(request, edge, visitor))

    return app


def browser_of(here: Stage, edge: Edge | None = None) -> httpx.AsyncClient:
    """Return a browser at an application with :func:`with_pages`."""
    client = client_of(with_pages(edge or here.edge))
    client.base_url = httpx.URL(here.edge.site.base_url)
    return client


async def sign_in(browser: httpx.AsyncClient, token: str = ALICE_TOKEN, **fields: str) -> httpx.Response:
    """Send the form of the page."""
    return await browser.post("/sign-in", data={"token": token, **fields}, headers=BROWSER)


async def test_the_cookie_holds_no_secret_and_is_kept_from_others(caplog: pytest.LogCaptureFixture) -> None:
    """The cookie is for this site's HTTP alone, lives 8 hours, and neither it, the log nor a page holds the token."""
    for base_url, name, secure in (
        ("http://127.0.0.1:8080", "lumen", False),
        ("https://lumen.example", "__Host-lumen", True),
    ):
        here = stage(base_url=base_url)
        with caplog.at_level(logging.DEBUG):
            async with browser_of(here) as browser:
                cookie = (await sign_in(browser)).headers["set-cookie"]
                await sign_in(browser, ALICE_TOKEN + "-wrong")
                page = await browser.get("/sign-in")
        value, *attributes = cookie.split("; ")
        assert value.startswith(f"{name}=v1.k2.")
        expected = {"HttpOnly", f"Max-Age={SESSION_SECONDS}", "Path=/", "SameSite=lax"} | (
            {"Secure"} if secure else set()
        )
        assert set(attributes) == expected
        assert "alice@example.com" in page.text
        for place in (
            cookie,
            page.text,
            *(f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name.startswith("lumen")),
        ):
            assert ALICE_TOKEN not in place


async def test_headers_of_the_page() -> None:
    """The page and the redirects around it are kept by nobody and run nothing."""
    here = stage()
    async with browser_of(here) as browser:
        for answer in (
            await browser.get("/sign-in"),
            await sign_in(browser, "wrong"),
            await sign_in(browser),
            await browser.get("/sign-in"),
        ):
            assert answer.headers["cache-control"] == "no-store"
            if answer.status_code != 303:
                assert answer.headers["referrer-policy"] == "no-referrer"
                assert "script-src" not in answer.headers["content-security-policy"]
                assert "<script" not in answer.text


async def session_of_alice(here: Stage) -> str:
    """Return the cookie value of a session of Alice."""
    async with browser_of(here) as browser:
        answer = await sign_in(browser)
        return str(answer.cookies["lumen"])


async def who(here: Stage, cookie: str, edge: Edge | None = None) -> int:
    """Return the status of a page for which one must be signed in."""
    async with browser_of(here, edge) as browser:
        return (await browser.get("/whoami", headers={"Cookie": f"lumen={cookie}"})).status_code


async def test_a_session_ends() -> None:
    """A session counts for 8 hours and not a second more."""
    here = stage()
    cookie = await session_of_alice(here)
    here.clock.forward(SESSION_SECONDS - 1)
    assert await who(here, cookie) == 200
    here.clock.forward(1)
    assert await who(here, cookie) == 303


async def test_a_token_that_is_taken_out_ends_its_sessions() -> None:
    """Without its token in the settings a session is over; another token of the same person does not keep it alive."""
    here = stage()
    cookie = await session_of_alice(here)
    assert await who(here, cookie) == 200
    [(alice, her), (bob, _)] = BOUND.items()
    for bound in ({bob: BOUND[bob]}, {bob: her}, {}):
        edge = replace(here.edge, tokens=build_token_book([WEBHOOK_TOKEN], [READ_TOKEN], bound, embedded=False))
        assert await who(here, cookie, edge) == 303
    less = replace(her, scopes=frozenset(BOUND[bob].scopes))
    edge = replace(here.edge, tokens=build_token_book([], [READ_TOKEN], {alice: less}, embedded=False))
    async with browser_of(here, edge) as browser:
        found = await browser.get("/whoami", headers={"Cookie": f"lumen={cookie}"})
    assert found.json()["scopes"] == ["read"]


async def test_keys_rotate_under_sessions() -> None:
    """A session outlives a new key, and ends with the key that sealed it."""
    here = stage()
    cookie = await session_of_alice(here)
    rotated = replace(here.edge, bridge_keys={"k3": "a newer bridge secret", **KEYS})
    assert await who(here, cookie, rotated) == 200
    gone = replace(here.edge, bridge_keys={"k3": "a newer bridge secret", "k1": KEYS["k1"]})
    assert await who(here, cookie, gone) == 303


async def test_forged_sessions() -> None:
    """No altered character, no other seal of these keys and nothing else that looks like a session is one."""
    here = stage()
    cookie = await session_of_alice(here)
    altered = [cookie[:index] + other + cookie[index + 1 :] for index in range(len(cookie)) for other in "Aa0-."]
    payload = {"n": "n", "m": "0" * 64, "a": "alice@example.com", "x": 2**40}
    forgeries = ["", "x", cookie + "=", cookie + "A", seal("session", payload, {"k2": "somebody else's secret"})]
    forgeries += [seal(purpose, payload, KEYS) for purpose in ("session", "link", "form")]
    forgeries += [
        seal("session", payload | {"m": 5}, KEYS),
        seal("session", {}, KEYS),
        seal("session", payload | {"z": 1}, KEYS),
    ]
    async with browser_of(here) as browser:
        for forged in (*forgeries, *altered):
            if forged != cookie:
                answer = await browser.get("/whoami", headers={"Cookie": f"lumen={forged}"})
                assert answer.status_code == 303, forged


async def test_sign_out() -> None:
    """Signing out takes a POST of this site's own page, and makes the browser forget the session."""
    here = stage()
    async with browser_of(here) as browser:
        await sign_in(browser)
        form_token = _HIDDEN.findall((await browser.get("/sign-in")).text)[0]
        assert (await browser.get("/sign-out")).status_code == 405
        assert (await browser.post("/sign-out", data={"a": "1"}, headers=BROWSER)).status_code == 403
        assert (await browser.get("/whoami")).status_code == 200
        out = await browser.post("/sign-out", data={"form_token": form_token}, headers=BROWSER)
        assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
        assert (await browser.get("/whoami")).status_code == 303


async def test_a_form_is_only_of_its_own_session() -> None:
    """A form counts with the token of a page that was made for this session, unaltered, within 8 hours; else it is 403."""
    here = stage()
    async with browser_of(here) as alice, browser_of(here) as alice_elsewhere, browser_of(here) as bob:
        await sign_in(alice)
        await sign_in(alice_elsewhere)
        await sign_in(bob, BOB_TOKEN)
        own, same_person, others = [
            _HIDDEN.findall((await browser.get("/sign-in")).text)[0] for browser in (alice, alice_elsewhere, bob)
        ]
        subject = {"s": "session:x", "x": 2**40}
        wrong = [
            "",
            "x",
            own + "=",
            own[:-1],
            same_person,
            others,
            seal("form", subject, KEYS),
            seal("session", subject, KEYS),
        ]
        for given_token in wrong:
            answer = await alice.post("/change", data={"form_token": given_token, "a": "1"}, headers=BROWSER)
            assert answer.status_code == 403, given_token
            assert answer.json()["type"] == "urn:lumen:problem:stale_form"
        assert (await alice.post("/change", data={"a": "1"}, headers=BROWSER)).status_code == 403
        for headers in ({}, *FOREIGN):
            answer = await alice.post("/change", data={"form_token": own, "a": "1"}, headers=headers)
            assert answer.status_code == 403, headers
        for headers in (BROWSER, HOME, {"Sec-Fetch-Site": "same-origin"}):
            answer = await alice.post("/change", data={"form_token": own, "a": "1"}, headers=headers)
            assert (answer.status_code, answer.json()) == (200, {"a": "1"})
        here.clock.forward(SESSION_SECONDS)
        assert (await alice.post("/change", data={"form_token": own}, headers=BROWSER)).status_code == 303
