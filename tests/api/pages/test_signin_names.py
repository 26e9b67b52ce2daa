"""Whom a token signs in: the person to whom it belongs, or who names themself; a wrong one signs in nobody."""

from __future__ import annotations

import pytest

from tests.api.fakes import ALICE_TOKEN, READ_TOKEN, WEBHOOK_TOKEN
from tests.api.pages.samples import stage
from tests.api.pages.test_signin import browser_of, sign_in


async def test_sign_in_with_a_token_of_a_person() -> None:
    """A token that belongs to a person signs in as that person, with its scopes, and leads back to where they came from."""
    here = stage()
    async with browser_of(here) as browser:
        away = await browser.get("/whoami?a=1&b=%2F")
        assert (away.status_code, away.headers["location"]) == (303, "/sign-in?next=%2Fwhoami%3Fa%3D1%26b%3D%252F")
        page = await browser.get(away.headers["location"])
        assert 'name="next" value="/whoami?a=1&amp;b=%2F"' in page.text
        done = await sign_in(browser, next="/whoami?a=1&b=%2F")
        assert (done.status_code, done.headers["location"]) == (303, "/whoami?a=1&b=%2F")
        found = await browser.get("/whoami")
    assert found.json() == {"actor": "alice@example.com", "rank": "token", "scopes": ["override", "read", "vote"]}


@pytest.mark.parametrize(
    ("embedded", "name", "actor", "scopes"),
    [
        (True, "Carol@Example.com", "carol@example.com", {"read", "vote", "override", "command", "webhook"}),
        (True, "", "", {"read", "vote", "override", "command", "webhook"}),
        (False, "carol@example.com", "carol@example.com", {"read"}),
    ],
)
async def test_a_token_of_nobody(embedded: bool, name: str, actor: str, scopes: set[str]) -> None:
    """Who signs in with a token that belongs to nobody names themself, with the weakest rank and the token's scopes."""
    here = stage(embedded=embedded)
    async with browser_of(here) as browser:
        assert (await sign_in(browser, READ_TOKEN, name=name)).status_code == 303
        found = (await browser.get("/whoami")).json()
    assert (found["actor"], found["rank"], set(found["scopes"])) == (actor, "signal", scopes)


@pytest.mark.parametrize("name", ["a b@example.com", "anonymous", "ANONYMOUS", "x" * 255, "a\x01b"])
async def test_a_name_that_names_nobody(name: str) -> None:
    """A name that cannot be a person's, or that means nobody, is refused."""
    here = stage(embedded=True)
    async with browser_of(here) as browser:
        answer = await sign_in(browser, READ_TOKEN, name=name)
        assert (answer.status_code, "set-cookie" in answer.headers) == (400, False)


async def test_another_person() -> None:
    """A token that belongs to Alice does not sign in Bob, and says so; its own name is fine in any case."""
    here = stage()
    async with browser_of(here) as browser:
        answer = await sign_in(browser, ALICE_TOKEN, name="bob@example.com")
        assert (answer.status_code, "set-cookie" in answer.headers) == (400, False)
        assert "another person" in answer.text
        assert (await sign_in(browser, ALICE_TOKEN, name="Alice@Example.com")).status_code == 303


async def test_wrong_tokens_are_answered_alike() -> None:
    """No token, a wrong one, one that is altered and one that opens no page get the same 401 page and no cookie."""
    here = stage()
    pages = set()
    async with browser_of(here) as browser:
        for wrong in (
            "",
            "x",
            ALICE_TOKEN[:-1],
            ALICE_TOKEN + "x",
            ALICE_TOKEN.upper(),
            WEBHOOK_TOKEN,
            "키",
            "a" * 5000,
        ):
            answer = await sign_in(browser, wrong)
            assert answer.status_code == 401
            assert "set-cookie" not in answer.headers
            assert "www-authenticate" not in answer.headers
            pages.add(answer.text)
    assert len(pages) == 1
    assert 'role="alert"' in pages.pop()
