"""What comes in from outside: alerts, clicks, votes, tokens, links, sessions."""

# ruff: noqa: PT017 - what an error says is part of a promise, and each input may raise it or not

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from fastapi import Request

from api.body import parse_json, parse_object
from api.errors import ParameterError, PayloadError
from api.intakes.alertmanager import AlertmanagerIntake
from api.intakes.grafana import GrafanaIntake
from api.intakes.protocol import Intake, Refused
from api.pages.sessions import session_of
from api.pages.signin import local_path
from api.paging import seal as seal_page
from api.paging import unseal as unseal_page
from api.problems import Problem
from api.slack.payload import clicker_of, kept_in_form, origin_of, read_form, read_press, read_submission
from api.slack.signature import Signatures
from api.tokens import parse_tokens_file
from lumen.ballot import read_override, read_vote
from lumen.canonical import canonical_json
from lumen.errors import BallotError, SettingsError
from lumen.links import Link, link_token, read_link
from tests.api.fakes import BOUND, READ_TOKEN, FakeEpisodes, RecordingSink, make_edge
from tests.fuzz.targets.promise import Target, one_line, text_of
from tests.fuzz.targets.samples import CLICK, FORM, JSON, NOTIFICATION, TOKENS, VOTE

_NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)
_KEY = re.compile(r"[A-Za-z0-9_.-]{1,200}")
_KEYS = {"k1": "a-secret-of-the-tests"}
_EDGE = make_edge(RecordingSink(), FakeEpisodes())
_LINK = Link("alertmanager-0123456789abcdef", "a.1.1", "sha256:00", "alice@example.com", 2_000_000_000, "jti")
_TOKEN = link_token(_LINK, _KEYS)
_PAGE_TOKEN = seal_page(b"page-two", _KEYS) or ""
_SIGNATURES = Signatures(("slack-secret",))


def _alerts(intake: Intake, given: bytes) -> None:
    try:
        found = intake.parse(parse_json(given), _NOW)
    except PayloadError as error:
        one_line(str(error))
        return
    for alert in found.alerts:
        if isinstance(alert, Refused):
            one_line(alert.detail)
            continue
        assert _KEY.fullmatch(alert.key)
        assert alert.name
        canonical_json(alert.labels)


def alertmanager(given: bytes) -> None:
    """A body is refused in one sentence, or every alert of it has a key, or a sentence of its own."""
    _alerts(AlertmanagerIntake(), given)


def grafana(given: bytes) -> None:
    """So is Grafana's."""
    _alerts(GrafanaIntake(), given)


def slack_payload(given: bytes) -> None:
    """An interaction is refused in one sentence, or what a form keeps of a press can be read back."""
    try:
        payload = read_form(given)
        origin_of(payload)
        clicker_of(payload)
        read_submission(payload) if payload.get("type") == "view_submission" else None
        press = read_press(payload)
    except PayloadError as error:
        one_line(str(error))
        return
    if press is not None:
        assert len(kept_in_form(press)) < 3000


def _request(*headers: tuple[bytes, bytes]) -> Request:
    return Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": list(headers)})


def slack_signature(given: bytes) -> None:
    """Time and signature in any form are refused with 401, unless they are those of Slack over this very body."""
    stamp, _, rest = given.partition(b"|")
    signature, _, body = rest.partition(b"|")
    request = _request((b"x-slack-request-timestamp", stamp), (b"x-slack-signature", signature))
    try:
        _SIGNATURES.sent_at(request, lambda: _NOW)
        _SIGNATURES.check(request, body, lambda: _NOW)
    except Problem as problem:
        assert problem.status == 401
        return
    assert signature == _slack_mac(stamp, body)


def _slack_mac(stamp: bytes, body: bytes) -> bytes:
    mac = hmac.new(b"slack-secret", b"v0:" + stamp + b":" + body, hashlib.sha256)
    return b"v0=" + mac.hexdigest().encode()


def link(given: bytes) -> None:
    """No text but the one that was made is a link."""
    text = text_of(given)
    try:
        found = read_link(text, _KEYS)
    except BallotError as error:
        assert error.reason == "forged"
        return
    assert (text, found) == (_TOKEN, _LINK)


def sealed_payload(given: bytes) -> None:
    """Whatever a holder of the keys seals, such as another version of Lumen, is a link or refused as forged."""
    signed = b"v1.k1." + base64.urlsafe_b64encode(given).rstrip(b"=")
    mac = hmac.new(_KEYS["k1"].encode(), b"lumen/link/v1\n" + signed, hashlib.sha256).digest()
    try:
        found = read_link((signed + b"." + base64.urlsafe_b64encode(mac).rstrip(b"=")).decode(), _KEYS)
    except BallotError as error:
        assert error.reason == "forged"
        return
    assert isinstance(found.expires, int)


def session(given: bytes) -> None:
    """No cookie that was not made here is a session."""
    assert session_of(_request((b"cookie", given)), _EDGE) is None


def authorization(given: bytes) -> None:
    """No header but one with the token lets anybody in."""
    found = _EDGE.tokens.caller(given.decode("latin-1"))
    if found is not None:
        plain = base64.b64decode(given.split()[-1] + b"==") if given[:5].lower() == b"basic" else given
        assert READ_TOKEN.encode() in plain or any(digest_in(plain, digest) for digest in BOUND)


def digest_in(given: bytes, digest: bytes) -> bool:
    """Return whether the last word of ``given`` is the token with this digest."""
    return any(hashlib.sha256(word).digest() == digest for word in re.split(rb"[ :\t]", given))


def tokens_file(given: bytes) -> None:
    """A file of tokens is read, or refused with its name and a line."""
    try:
        found = parse_tokens_file(text_of(given), "tokens.yaml")
    except SettingsError as error:
        one_line(str(error))
        assert re.match(r"tokens\.yaml:\d+: ", str(error))
        return
    assert found
    assert all(len(digest) == 32 and caller.actor and caller.scopes for digest, caller in found.items())


def page_token(given: bytes) -> None:
    """No text but the one that was made is a page token."""
    text = text_of(given)
    try:
        found = unseal_page(text, _KEYS)
    except ParameterError as error:
        one_line(str(error))
        return
    # Bits behind the last character of base64 are not looked at, as in any decoder.
    assert found == (b"page-two" if text else b"")


def ballot(given: bytes) -> None:
    """A vote or an override is refused with a stable reason, or what was read reads as the same again."""
    try:
        body = parse_object(given)
    except PayloadError as error:
        one_line(str(error))
        return
    for read in (read_vote, read_override):
        try:
            found: Any = read(body)
        except BallotError as error:
            assert error.reason == "malformed"
            continue
        assert found.decision
        canonical_json(found.actor)


def next_page(given: bytes) -> None:
    """Nobody is led to another site."""
    assert re.fullmatch(r"/(?:[^/\\\s][!-~]*)?", local_path(text_of(given)))


_STAMP = str(int(_NOW.timestamp())).encode()

TARGETS = (
    Target("alertmanager", alertmanager, (NOTIFICATION,), JSON),
    Target("grafana", grafana, (NOTIFICATION.replace(b'"4"', b'"1"'),), JSON),
    Target(
        "slack_payload",
        slack_payload,
        tuple(b"payload=" + quote(json.dumps(one)).encode() for one in (CLICK, FORM)),
        (b"%22", b"%00", b"%ff", b"&", b"=", b"payload=", *JSON),
    ),
    Target(
        "slack_signature",
        slack_signature,
        (_STAMP + b"|" + _slack_mac(_STAMP, b"x") + b"|x", b"0|v0=|", b"||"),
        (b"|", b"v0=", b"v1=", b"\xb2", b"\xff", b"9" * 30),
    ),
    Target(
        "link",
        link,
        (_TOKEN.encode(), b"v1.k1.e30.", b"v1.."),
        (b".", b"v1", b"v2", b"k1", b"k2", b"=", b"-", b"_", b"\n", "é".encode()),
    ),
    Target("sealed_payload", sealed_payload, (b'{"k":"a","a":"b","d":"c","p":"","x":1,"j":"x"}',), JSON),
    Target(
        "session",
        session,
        (b"lumen=v1.k1.e30.AAAA", b"lumen=" + _TOKEN.encode()),
        (b"lumen=", b";", b'"', b"\\", b"=", b",", b"\xff"),
    ),
    Target(
        "authorization",
        authorization,
        (b"Bearer " + READ_TOKEN.encode(), b"Basic " + base64.b64encode(b"x:" + READ_TOKEN.encode())),
        (b"Bearer ", b"Basic ", b"bearer\t", b":", b"=", b"\xff"),
    ),
    Target(
        "tokens_file",
        tokens_file,
        (TOKENS, b"", b"{}"),
        (
            b"&a",
            b"*a",
            b"!!binary",
            b"? ",
            b'"\\U00110000"',
            b"%YAML 9\n",
            b"[" * 2000,
            b"- " * 1000,
            b"---\n",
            b"<<: ",
            b"\x00",
            b"\t",
        ),
        0.05,
    ),
    Target("page_token", page_token, (_PAGE_TOKEN.encode(), b""), (b"=", b"-", b"_", b"+", b"/", "é".encode())),
    Target("ballot", ballot, (json.dumps(VOTE).encode(), json.dumps(VOTE | {"decision": "cancel"}).encode()), JSON),
    Target(
        "next_page", next_page, (b"/episodes?a=1", b"//x", b"/\\x"), (b"/", b"\\", b"%2f", b"http:", b"\t", b"@", b"?")
    ),
)
