"""How often somebody may try to sign in."""

from __future__ import annotations

import httpx
from hypothesis import given
from hypothesis import strategies as st

from api.app import create_app
from api.pages.pacing import PEERS, TRIES, WINDOW_SECONDS, Tries
from tests.api.fakes import ALICE_TOKEN
from tests.api.pages.samples import BROWSER, Stage, stage


def browser_at(app: object, here: Stage, peer: str) -> httpx.AsyncClient:
    """Return a client whose socket peer is ``peer``."""
    transport = httpx.ASGITransport(app, client=(peer, 40000))  # type: ignore[arg-type] # an ASGI application
    return httpx.AsyncClient(transport=transport, base_url=here.edge.site.base_url)


async def sign_in(browser: httpx.AsyncClient, token: str, **headers: str) -> httpx.Response:
    """Try to sign in."""
    return await browser.post("/sign-in", data={"token": token}, headers={**BROWSER, **headers})


async def test_a_guesser_waits_and_others_do_not() -> None:
    """After ten wrong tokens even the right one is refused with 429 and Retry-After; other peers sign in; later it works."""
    here = stage()
    app = create_app(here.edge)
    async with browser_at(app, here, "192.0.2.1") as guesser, browser_at(app, here, "192.0.2.2") as other:
        for number in range(TRIES):
            assert (await sign_in(guesser, f"guess-{number}")).status_code == 401
        refused = await sign_in(guesser, ALICE_TOKEN, **{"X-Forwarded-For": "203.0.113.9"})
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "60")
        assert "set-cookie" not in refused.headers
        assert "Too many wrong tries" in refused.text
        assert (await guesser.get("/sign-in")).status_code == 200
        assert (await sign_in(other, ALICE_TOKEN)).status_code == 303
        here.clock.forward(WINDOW_SECONDS - 1)
        assert (await sign_in(guesser, ALICE_TOKEN)).headers["retry-after"] == "1"
        here.clock.forward(1)
        assert (await sign_in(guesser, ALICE_TOKEN)).status_code == 303


async def test_nobody_is_locked_out_by_another_site() -> None:
    """What a page of another site sends counts for nothing, and neither do right tokens."""
    here = stage()
    async with browser_at(create_app(here.edge), here, "192.0.2.1") as browser:
        for _ in range(TRIES + 1):
            foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
            assert (await sign_in(browser, "wrong", **foreign)).status_code == 403
            assert (await sign_in(browser, ALICE_TOKEN)).status_code == 303


@given(st.lists(st.tuples(st.ip_addresses().map(str) | st.text(max_size=80), st.floats(0, 30)), max_size=60))
def test_memory_is_bounded_and_waits_end(tries: list[tuple[str, float]]) -> None:
    """Whoever tries, at most so many peers are remembered, and nobody waits longer than the window."""
    kept, now = Tries(), 0.0
    for peer, seconds in tries:
        now += seconds
        kept.failed(peer, now)
        assert 0 <= kept.wait(peer, now) <= WINDOW_SECONDS
        assert kept.wait(peer, now + WINDOW_SECONDS) == 0


def test_many_peers_push_out_the_oldest() -> None:
    """However many addresses somebody has, the memory stays the same."""
    kept = Tries()
    for number in range(PEERS * 3):
        kept.failed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
    assert len(kept) == PEERS


def test_one_network_of_ipv6_is_one_peer() -> None:
    """Whoever has a /64 has all of its addresses; an IPv4 address is the same in both spellings."""
    kept = Tries()
    for number in range(TRIES):
        kept.failed(f"2001:db8::{number:x}", 0.0)
        kept.failed("::ffff:192.0.2.1", 0.0)
    assert kept.wait("2001:db8::ffff", 0.0)
    assert kept.wait("192.0.2.1", 0.0)
    assert kept.wait("2001:db8:0:1::1", 0.0) == 0
