from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.pages.forms import FORM_SECONDS
from api.pages.forward_auth import ForwardAuth, forward_auth
from tests.api.fakes import ALICE_TOKEN
from tests.api.pages.samples import BROWSER, HOME, KEY, Stage, stage, token
from tests.api.pages.test_decision import anonymous
from tests.api.pages.test_signin import with_pages

HEADER = "x-forwarded-email"
SECRET = "a-shared-secret-of-tests"
PROXY = forward_auth(HEADER, ["10.0.0.0/8", "fd00::/8"], "", ["read", "vote"])
WITH_SECRET = forward_auth(HEADER, ["10.0.0.0/8"], SECRET, ["read"])
Headers = list[tuple[str, str]]


def browser_at(here: Stage, peer: str) -> httpx.AsyncClient:
    """Return a client whose socket peer is ``peer``, over the application with a page that needs a visitor."""
    transport = httpx.ASGITransport(with_pages(here.edge), raise_app_exceptions=False, client=(peer, 40000))
    return httpx.AsyncClient(transport=transport, base_url=here.edge.site.base_url)


async def ask(proxy: ForwardAuth | None, headers: Headers, peer: str = "10.1.2.3") -> httpx.Response:
    """Ask who one is."""
    async with browser_at(stage(proxy=proxy), peer) as client:
        return await client.get("/whoami", headers=headers)


@pytest.mark.parametrize("peer", ["10.1.2.3", "::ffff:10.1.2.3", "fd00::7"])
async def test_the_proxy_names_a_person(peer: str) -> None:
    """Whom the proxy names is signed in, in lower case, with the best rank and the scopes of the settings."""
    answer = await ask(PROXY, [("X-Forwarded-Email", "Alice@Example.com")], peer)
    assert answer.json() == {"actor": "alice@example.com", "rank": "oidc", "scopes": ["read", "vote"]}


async def test_off_by_default() -> None:
    """Without the setting the header means nothing, whoever sends it."""
    assert forward_auth("", [], "", ["read"]) is None
    assert (await ask(None, [(HEADER, "alice@example.com")])).status_code == 303


@pytest.mark.parametrize("peer", ["127.0.0.1", "11.0.0.1", "::1", "fe80::1", "unix", ""])
async def test_a_spoof_from_another_peer(peer: str, caplog: pytest.LogCaptureFixture) -> None:
    """The header from anybody but the proxy is 401 and a line in the log, whatever forwarding headers claim."""
    with caplog.at_level(logging.WARNING, "lumen.api"):
        headers = [(HEADER, "alice@example.com"), ("X-Forwarded-For", "10.1.2.3"), ("Forwarded", "for=10.1.2.3")]
        answer = await ask(PROXY, headers, peer)
    assert answer.status_code == 401
    assert "LUMEN_FORWARD_AUTH_PROXIES" in caplog.text
    assert "alice" not in caplog.text


@pytest.mark.parametrize(
    "headers",
    [
        [(HEADER, "alice@example.com"), (HEADER, "mallory@example.com")],
        [(HEADER, "alice@example.com"), (HEADER, "alice@example.com")],
        [(HEADER, "alice@example.com,mallory@example.com")],
        [(HEADER, "alice@example.com"), ("X_Forwarded_Email", "mallory@example.com")],
        [(HEADER, "alice@example.com"), ("x-forwarded_email", "mallory@example.com")],
        [("X_Forwarded_Email", "mallory@example.com")],
        [(HEADER, "alice@example.com"), ("X_Lumen_Proxy_Secret", "x")],
    ],
)
async def test_two_values_and_underscore_twins(headers: Headers, caplog: pytest.LogCaptureFixture) -> None:
    """A second value, and a header that differs by an underscore only, are 400 and a line in the log: nobody is signed in."""
    with caplog.at_level(logging.WARNING, "lumen.api"):
        assert (await ask(PROXY, headers)).status_code == 400
    assert "sign-in by the proxy refused" in caplog.text
    assert "mallory" not in caplog.text


@pytest.mark.parametrize(
    "value",
    [
        "",
        "alice",
        "@example.com",
        "alice@",
        "alice@example",
        "alice@@example.com",
        "alice@evil.example@example.com",
        "alice@example.com evil",
        '"alice"@example.com',
        "alice <alice@example.com>",
        "alice@example.com\x0b",
        "alice@exam_ple.com",
        "alice@-example.com",
        "alice@example..com",
        ".alice@example.com",
        "al..ice@example.com",
        "alice.@example.com",
        "älice@example.com".encode().decode("latin-1"),
        "alice\u00a0@example.com",
        "a" * 65 + "@example.com",
        "alice@" + ".".join(["a" * 60] * 5),
        "alice@[10.0.0.1]",
        "anonymous",
    ],
)
async def test_bad_addresses(value: str) -> None:
    """What is not exactly one plain e-mail address is 400."""
    raw: Any = [(HEADER.encode(), value.encode("latin-1"))]
    assert (await ask(PROXY, raw)).status_code == 400


@pytest.mark.parametrize(
    "value", ["a@b.co", "first.last+tag@sub.example.com", "o'neil@example.com", "x_y-z@ex-ample.com"]
)
async def test_good_addresses(value: str) -> None:
    """Plain addresses of every usual form are people."""
    assert (await ask(PROXY, [(HEADER, value)])).json()["actor"] == value


async def test_the_shared_secret() -> None:
    """Where a secret is set, the header counts only beside exactly one right secret."""
    person = (HEADER, "alice@example.com")
    name = "X-Lumen-Proxy-Secret"
    assert (await ask(WITH_SECRET, [person, (name, SECRET)])).status_code == 200
    wrong: list[Headers] = [
        [],
        [(name, "")],
        [(name, SECRET + "x")],
        [(name, SECRET[:-1])],
        [(name, SECRET), (name, SECRET)],
    ]
    wrong.append([(name, SECRET), (name, "x")])
    for headers in wrong:
        assert (await ask(WITH_SECRET, [person, *headers])).status_code == 401, headers
    assert (await ask(WITH_SECRET, [person, (name, SECRET)], "127.0.0.1")).status_code == 401


async def test_without_the_header_a_token_still_signs_in() -> None:
    """Behind a proxy that names nobody for this request, a session by token counts."""
    async with browser_at(stage(proxy=PROXY), "10.1.2.3") as client:
        assert (await client.get("/whoami")).status_code == 303
        await client.post("/sign-in", data={"token": ALICE_TOKEN}, headers=HOME)
        assert (await client.get("/whoami")).json()["rank"] == "token"
        named = await client.get("/whoami", headers={HEADER: "bob@example.com"})
        assert named.json() == {"actor": "bob@example.com", "rank": "oidc", "scopes": ["read", "vote"]}


async def test_forms_of_a_person_whom_the_proxy_names() -> None:
    """The form token of a page is bound to the person: another person of the same proxy cannot use it, and it ages."""
    here = stage(proxy=PROXY)
    async with browser_at(here, "10.1.2.3") as client:
        page = await client.get(f"/decision?token={token(here.clock, actor='')}", headers={HEADER: "alice@example.com"})
        form_token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
        assert form_token
        for person, status in (("mallory@example.com", 403), ("alice@example.com", 200)):
            answer = await client.post("/change", data={"form_token": form_token}, headers=BROWSER | {HEADER: person})
            assert answer.status_code == status
        sent = {"form_token": form_token}
        for seconds, status in ((FORM_SECONDS - 1, 200), (1, 403)):
            here.clock.forward(seconds)
            answer = await client.post("/change", data=sent, headers=BROWSER | {HEADER: "alice@example.com"})
            assert answer.status_code == status


@pytest.mark.parametrize(
    ("signed_in", "actor", "person", "rank"),
    [
        ("bob@example.com", "", "bob@example.com", "oidc"),
        ("alice@example.com", "alice@example.com", "alice@example.com", "oidc"),
        ("bob@example.com", "alice@example.com", "alice@example.com", "link"),
        ("", "alice@example.com", "alice@example.com", "link"),
    ],
)
async def test_who_decides_by_a_link(signed_in: str, actor: str, person: str, rank: str) -> None:
    """A link with a name votes as that name, better known if the same person is signed in; without a name, as who is."""
    here = stage(proxy=PROXY)
    link = token(here.clock, actor=actor)
    headers = {HEADER: signed_in} if signed_in else {}
    async with browser_at(here, "10.1.2.3") as client:
        page = await client.get("/decision", params={"token": link}, headers=headers)
        form_token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
        fields = {"token": link, "decision": "approve", "form_token": form_token}
        answer = await client.post("/decision", data=fields, headers=BROWSER | headers)
    assert answer.status_code == 200
    assert f"You decide as {person}." in page.text
    [(key, ballot)] = here.episodes.voted
    assert (key, ballot.actor, ballot.rank, ballot.channel) == (KEY, person, rank, "link")


async def test_a_browser_that_is_signed_in_does_not_speak_for_its_person() -> None:
    """A link of nobody that another page, or a program, made the browser send is nobody's vote: the form token is missing."""
    here = stage(proxy=PROXY)
    fields = {"token": token(here.clock, actor=""), "decision": "approve"}
    alice = {HEADER: "alice@example.com"}
    async with browser_at(here, "10.1.2.3") as client:
        await client.post("/decision", data=fields, headers=BROWSER | alice)
        await client.post("/decision", json=fields, headers=alice)
        stale = await client.post("/decision", data=fields | {"form_token": "x"}, headers=BROWSER | alice)
        gone = await client.post("/decision", data=fields | {"form_token": "x"}, headers=BROWSER)
        bare = await client.post("/decision", data=fields | {"form_token": "x"}, headers=alice)
    assert [ballot.actor for _, ballot in here.episodes.voted] == ["anonymous", "anonymous"]
    assert [answer.status_code for answer in (stale, gone, bare)] == [403, 403, 403]


async def test_who_named_themself_is_not_better_known_by_a_link() -> None:
    """A link of nobody does not make better known who only said who they are, nor does it let a reader vote by name."""
    for embedded, expected in ((True, ("carol@example.com", "signal")), (False, ("anonymous", "link"))):
        here = stage(change=anonymous, embedded=embedded)
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(create_app(here.edge)), base_url="http://127.0.0.1:8080"
        ) as client:
            await client.post("/sign-in", data={"token": "unbound-token", "name": "carol@example.com"}, headers=HOME)
            link = token(here.clock, actor="")
            page = await client.get("/decision", params={"token": link})
            form_token = page.text.partition('name="form_token" value="')[2].partition('"')[0]
            await client.post(
                "/decision", data={"token": link, "decision": "approve", "form_token": form_token}, headers=HOME
            )
        [(_, ballot)] = here.episodes.voted
        assert (ballot.actor, ballot.rank) == expected
