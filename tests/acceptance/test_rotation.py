"""Every secret is replaced while alerts and votes come in, and nobody is refused meanwhile.

Two APIs stand behind what sends, as behind a load balancer: a request that one does not take goes to the other. The secrets
are files, so each step of a rotation is a changed file and processes that start again one after the other.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from typing import Any

import pytest

from cli.fakeslack import signed_headers
from tests.acceptance.rotating import House, Stream
from tests.stack.calling import calls
from tests.stack.site import PATIENCE

BROWSER = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A running house."""
    one = House(tmp_path_factory.mktemp("rotation"))
    try:
        one.start()
        yield one
    finally:
        one.stop()


def test_tokens_of_senders(house: House) -> None:
    """LUMEN_WEBHOOK_TOKEN: add the new one, give it to the senders, take out the old one, which is dead then."""
    with Stream(house).flowing():
        house.write("LUMEN_WEBHOOK_TOKEN", "webhook-two,webhook-one")
        house.again("apis")
        house.webhook = "webhook-two"
        house.write("LUMEN_WEBHOOK_TOKEN", "webhook-two")
        house.again("apis")
    assert house.send("POST", "/webhook", "webhook-one", json={}).status_code == 401


def test_tokens_of_readers(house: House) -> None:
    """LUMEN_API_TOKEN: both read while both stand in the list; afterwards the old one does not."""
    with Stream(house).flowing():
        house.write("LUMEN_API_TOKEN", "reader-two,reader-one")
        house.again("apis")
        assert [house.send("GET", "/alerts", f"reader-{name}").status_code for name in ("one", "two")] == [200, 200]
        house.write("LUMEN_API_TOKEN", "reader-two")
        house.again("apis")
    assert [house.send("GET", "/alerts", f"reader-{name}").status_code for name in ("one", "two")] == [401, 200]


def test_tokens_of_people(house: House) -> None:
    """LUMEN_TOKENS_FILE: a changed file is taken over without a start; a broken one changes nothing."""
    with Stream(house).flowing():
        house.grant("alice-one", "alice-two")
        _until(lambda: all(_reads(house, url, "alice-two") == 200 for url in house.urls), "the new token counts")
        house.person = "alice-two"
        house.write("tokens.yaml", "- broken")
        _until(lambda: all("stay in force" in child.log for child in (house.site.api, house.second)), "it is said")
        assert _reads(house, house.urls[0], "alice-two") == 200
        house.grant("alice-two")
        for child in (house.site.api, house.second):
            os.kill(child.pid, signal.SIGHUP)
        _until(lambda: all(_reads(house, url, "alice-one") == 401 for url in house.urls), "the old token is dead")
    assert "alice-one" not in house.site.api.log + house.second.log


@pytest.mark.long
def test_tokens_of_the_ledger(house: House) -> None:
    """PROOFD_TOKEN: proofd takes both, then workers and APIs send the new one, then proofd takes it alone; all is proved."""
    with Stream(house).flowing():
        house.write("proofd", "ledger-two,ledger-one")
        house.again("proofd")
        house.write("PROOFD_TOKEN", "ledger-two")
        house.again("worker", "apis")
        house.write("proofd", "ledger-two")
        house.again("proofd")
    url = f"{house.site.proofd_url}/verify"
    answers = [
        calls().post(url, headers={"Authorization": f"Bearer ledger-{name}"}, timeout=60) for name in ("one", "two")
    ]
    assert [answer.status_code for answer in answers] == [401, 200]
    assert answers[1].json()["ok"] is True


@pytest.mark.long
def test_keys_of_links_votes_and_sessions(house: House) -> None:
    """BRIDGE_SECRET: links and sessions of the old key count until it is taken out, and no vote is lost at any step."""
    with Stream(house).flowing():
        before, _ = house.asked()
        old_link, session = _link(house, before), _session(house)
        unused = _link(house, before, "bob@example.com")
        house.write("BRIDGE_SECRET", "k1:the-first-bridge-secret,k2:the-second-bridge-secret")
        house.again("apis", "worker")
        house.write("BRIDGE_SECRET", "k2:the-second-bridge-secret,k1:the-first-bridge-secret")
        house.again("apis", "worker")
        assert _page(house, session) == 200
        assert _decide(house, old_link) == 200, "a link of before still votes"
        later, _ = house.asked()
        new_link = _link(house, later)
        assert ".k2." in new_link
        house.write("BRIDGE_SECRET", "k2:the-second-bridge-secret")
        house.again("apis", "worker")
        assert _decide(house, new_link) == 200
    assert (_decide(house, unused), _page(house, session)) == (403, 303)


def test_the_signing_secret_of_slack(house: House) -> None:
    """SLACK_SIGNING_SECRET: requests signed with either count while both stand in the list."""
    with Stream(house).flowing():
        house.write("SLACK_SIGNING_SECRET", "slack-two,slack-one")
        house.again("apis")
        assert [_signed(house, secret) for secret in ("slack-one", "slack-two", "slack-three")] == [400, 400, 401]
        house.write("SLACK_SIGNING_SECRET", "slack-two")
        house.again("apis")
    assert [_signed(house, secret) for secret in ("slack-one", "slack-two")] == [401, 400]


def _until(condition: Any, what: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.1)


def _reads(house: House, url: str, token: str) -> int:
    assert url in house.urls
    return calls().get(f"{url}/alerts", headers={"Authorization": f"Bearer {token}"}, timeout=30).status_code


def _link(house: House, key: str, actor: str = "alice@example.com") -> str:
    done = house.site.lumen("link", key, "--actor", actor)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().rpartition("token=")[2]


def _decide(house: House, link: str) -> int:
    return house.send("POST", "/decision", json={"token": link, "decision": "approve", "reason": "seen"}).status_code


def _session(house: House) -> str:
    headers = {**BROWSER, "Origin": house.site.api_url}
    answer = house.send("POST", "/sign-in", data={"token": house.person}, headers=headers)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["set-cookie"].partition(";")[0])


def _page(house: House, cookie: str) -> int:
    return house.send("GET", "/", headers={"Cookie": cookie}).status_code


def _signed(house: House, secret: str) -> int:
    body = b"payload=%7B%7D"
    headers = signed_headers(secret, body, int(time.time()))
    return house.send("POST", "/slack/interaction", content=body, headers=headers).status_code
