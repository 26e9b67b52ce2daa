"""From which site a sign-in may come, and to which addresses of this one it may lead."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.pages.signin import local_path
from tests.api.fakes import ALICE_TOKEN
from tests.api.pages.samples import FOREIGN, stage
from tests.api.pages.test_signin import browser_of, sign_in


@pytest.mark.parametrize("headers", [{}, *FOREIGN])
async def test_no_other_site_signs_anybody_in(headers: dict[str, str]) -> None:
    """A sign-in that another site made the browser send, or that says nothing of where it comes from, is 403."""
    here = stage()
    async with browser_of(here) as browser:
        answer = await browser.post("/sign-in", data={"token": ALICE_TOKEN}, headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    ("base_url", "host", "origin", "status"),
    [
        ("http://127.0.0.1:8080", "localhost:8080", "http://localhost:8080", 303),
        ("http://127.0.0.1:8080", "localhost:8080", "http://localhost:8081", 403),
        ("http://lumen.lan", "lumen.lan", "http://lumen.lan", 303),
        ("https://lumen.example", "lumen.example", "https://lumen.example", 303),
        ("https://lumen.example", "inner:8080", "https://lumen.example", 303),
        ("https://lumen.example", "lumen.example", "http://lumen.example", 403),
        ("https://lumen.example", "evil.example", "https://evil.example", 403),
        ("https://Lumen.Example", "lumen.example", "https://lumen.example", 303),
    ],
)
async def test_which_origin_is_ours(base_url: str, host: str, origin: str, status: int) -> None:
    """The public address is this site, behind a proxy too; over plain http also any name under which it is asked."""
    here = stage(base_url=base_url)
    async with browser_of(here) as browser:
        answer = await browser.post("/sign-in", data={"token": ALICE_TOKEN}, headers={"Host": host, "Origin": origin})
    assert answer.status_code == status


@pytest.mark.parametrize(
    "wanted",
    [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example",
        "javascript:alert(1)",
        "evil",
        "",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: a=b",
        "/a b",
        "/키",
        "/a\\b",
        "/" + "a" * 3000,
        "/sign-in",
        "/sign-out",
        "/decision?token=x",
    ],
)
async def test_next_is_a_path_of_this_site(wanted: str) -> None:
    """Nobody is led to another site, into the headers, or to a page whose address may hold a token."""
    here = stage()
    async with browser_of(here) as browser:
        page = await browser.get("/sign-in", params={"next": wanted})
        answer = await sign_in(browser, next=wanted)
    assert 'name="next" value="/"' in page.text
    assert answer.headers["location"] == "/"


@given(st.text(alphabet=st.sampled_from("/\\.:@?#a%20 \t\r\n\x00é"), max_size=12))
def test_next_by_every_spelling(wanted: str) -> None:
    """Whatever is wanted, what is taken begins with one slash and a character that is none."""
    taken = local_path(wanted)
    assert re.fullmatch(r"/(?:[^/\\\s][!-~]*)?", taken)
    assert "\\" not in taken
