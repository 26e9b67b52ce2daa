"""Who may send interactions: Slack, for our workspace and our app, now. Everybody else gets a 401, and nothing changes."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from api.app import create_app
from cli.fakeslack import signed_headers
from tests.api.conftest import client_of
from tests.api.slack.office import Office

SIGNATURE, STAMP = "X-Slack-Signature", "X-Slack-Request-Timestamp"


async def body_of(office: Office) -> bytes:
    """Return the body of a click that never reached anybody."""
    return urlencode({"payload": json.dumps(await office.payload())}).encode()


async def test_wrong_by_one_character(office: Office) -> None:
    """A signature that differs in any one character is refused."""
    body = await body_of(office)
    right = signed_headers(office.slack.signing_secret, body, int(office.slack.state.clock()))
    for place, char in enumerate(right[SIGNATURE]):
        for other in ("0" if char != "0" else "1", char.upper() if char.upper() != char else "é"):
            wrong = right[SIGNATURE][:place] + other + right[SIGNATURE][place + 1 :]
            raw = [(name.encode(), value.encode("latin-1")) for name, value in {**right, SIGNATURE: wrong}.items()]
            answer = await office.http.post("/slack/interaction", content=body, headers=raw)
            assert answer.status_code == 401, place
    assert office.untouched()
    assert office.count("unauthorized") == 2 * len(right[SIGNATURE])


@pytest.mark.parametrize(
    "headers",
    [
        {SIGNATURE: ""},
        {SIGNATURE: "v0="},
        {SIGNATURE: "v1=" + "0" * 64},
        {SIGNATURE: b"v0=\xff\xfe"},
        {STAMP: ""},
        {STAMP: "now"},
        {STAMP: "NaN"},
        {STAMP: "1e9"},
        {STAMP: "-1"},
        {STAMP: "1_700_000_000"},
        {STAMP: "9" * 5000},
        {STAMP: b"\xc2\xb2"},
        {STAMP: "99999999999"},
    ],
)
async def test_junk_headers(office: Office, headers: dict[str, Any]) -> None:
    """Headers that hold anything but a signature and the time now are refused."""
    assert (await office.post_body(await body_of(office), headers)).status_code == 401
    assert office.untouched()


async def test_missing_and_doubled_headers(office: Office) -> None:
    """Without one of the headers, or with one of them twice, a request is refused."""
    body = await body_of(office)
    right = signed_headers(office.slack.signing_secret, body, int(office.slack.state.clock()))
    for name in (SIGNATURE, STAMP):
        for headers in ([(k, v) for k, v in right.items() if k != name], [*right.items(), (name, right[name])]):
            assert (await office.http.post("/slack/interaction", content=body, headers=headers)).status_code == 401
    assert office.untouched()


@pytest.mark.parametrize(("seconds", "status"), [(-310, 401), (310, 401), (-280, 200), (280, 200)])
async def test_window(office: Office, seconds: int, status: int) -> None:
    """A signature counts for 300 seconds, before and after the time that it names."""
    answer = await office.post_body(await body_of(office), at=office.slack.state.clock() + seconds)
    assert answer.status_code == status


async def test_another_secret(office: Office) -> None:
    """Who does not know the secret is refused."""
    body = await body_of(office)
    forged = signed_headers("another secret", body, int(office.slack.state.clock()))
    assert (await office.post_body(body, forged)).status_code == 401
    assert office.untouched()


@pytest.mark.parametrize("body", [b"\xff\xfe", b"payload=\xff%7B%7D", "payload=é".encode("latin-1")])
async def test_not_utf8(office: Office, body: bytes) -> None:
    """A body that is no UTF-8 is refused even with a signature that is right for its bytes."""
    assert (await office.post_body(body)).status_code == 401
    assert office.untouched()


@pytest.mark.parametrize(
    "changes", [{"team": {"id": "T0OTHER"}}, {"api_app_id": "A0OTHER"}, {"team": {"id": "T0OTHER"}, "type": "x"}]
)
async def test_foreign(office: Office, changes: dict[str, Any]) -> None:
    """What is of another workspace or another app is refused, signed or not."""
    assert (await office.post({**await office.payload(), **changes})).status_code == 401
    assert office.untouched()
    assert office.count("unauthorized") == 1


async def test_too_large(office: Office) -> None:
    """A body of more than 1 MiB is refused, and nothing is read of one without a time stamp."""
    large = b"payload=" + b"x" * (1024 * 1024)
    assert (await office.post_body(large)).status_code == 413
    assert (await office.http.post("/slack/interaction", content=large)).status_code == 401


async def test_other_methods(office: Office) -> None:
    """Only POST is answered."""
    for method in ("GET", "HEAD", "PUT", "OPTIONS"):
        assert (await office.http.request(method, "/slack/interaction")).status_code == 405


async def test_not_configured(office: Office) -> None:
    """Without a signing secret, or without Slack at all, the path says what to set."""
    for desk in (None, replace(office.desk, signatures=None)):
        async with client_of(create_app(replace(office.edge, slack=desk))) as http:
            answer: httpx.Response = await http.post("/slack/interaction", content=b"payload={}")
        assert answer.status_code == 404
        assert "SLACK_SIGNING_SECRET" in answer.json()["detail"]
