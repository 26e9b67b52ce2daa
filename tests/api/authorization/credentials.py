"""Every way in which somebody may come to the API: what they send beside the request itself."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from api.edge import Edge
from api.pages.forms import form_token
from api.pages.forward_auth import SECRET_HEADER
from api.pages.sessions import SESSION_SECONDS, new_session
from api.tokens import Caller, Scope, TokenBook, build_token_book
from cli.fakeslack import signed_headers
from lumen.sealing import unseal
from tests.api.pages.samples import BROWSER, Clock, token

WEBHOOK, API, PROOFD = "the-webhook-token", "the-api-token", "the-token-of-proofd"
ALL_SCOPES, GONE = "alice-may-do-all", "a-token-that-was-taken-out"
SCOPED = {scope: f"bob-may-only-{scope}" for scope in (Scope.READ, Scope.VOTE, Scope.OVERRIDE, Scope.COMMAND)}
PROXY_HEADER, PROXY_SECRET, PROXY_PEER = "x-forwarded-email", "what-the-proxy-sends", "10.1.2.3"
SLACK_SECRET = "the-signing-secret"
SLACK_BODY = b"payload=%7B%7D"
OTHER_KEYS = {"k2": "the secret of some other Lumen"}


def book(*, embedded: bool) -> TokenBook:
    """Return every token that the API of these tests accepts."""
    granted = {ALL_SCOPES: Caller(frozenset(SCOPED), "alice@example.com")}
    granted |= {text: Caller(frozenset({scope}), "bob@example.com") for scope, text in SCOPED.items()}
    digests = {hashlib.sha256(text.encode()).digest(): caller for text, caller in granted.items()}
    return build_token_book([WEBHOOK], [API], digests, embedded=embedded)


@dataclass(frozen=True)
class Credential:
    """What is sent: headers of every request, the token typed into a form, and what a form of a page holds.

    ``peer`` is where the connection comes from, ``link`` what stands as token of a decision.
    """

    headers: Mapping[str, str] = field(default_factory=dict)
    twice: Mapping[str, str] = field(default_factory=dict)
    typed: str = ""
    form: Mapping[str, str] = field(default_factory=dict)
    origin: Mapping[str, str] = field(default_factory=lambda: BROWSER)
    peer: str = "192.0.2.7"
    link: str = ""
    slack: Mapping[str, str] = field(default_factory=dict)


def credentials(edge: Edge, clock: Clock) -> dict[str, Credential]:
    """Return every credential by its name in the tables."""
    return {**_tokens(), **_sessions(edge, clock), **_proxies(edge), **_signatures(clock)}


def _tokens() -> dict[str, Credential]:
    basic = base64.b64encode(b"anybody:").decode()
    return {
        "none": Credential(),
        "empty": _bearer(""),
        "wrong": _bearer("no-token-of-anybody"),
        "basic-empty": Credential({"Authorization": f"Basic {basic}"}),
        "two": replace(_bearer(ALL_SCOPES), twice={"Authorization": f"Bearer {WEBHOOK}"}),
        "webhook": _bearer(WEBHOOK),
        "api": _bearer(API),
        "proofd": _bearer(PROOFD),
        "all": _bearer(ALL_SCOPES),
        **{str(scope): _bearer(text) for scope, text in SCOPED.items()},
    }


def _bearer(text: str) -> Credential:
    return Credential({"Authorization": f"Bearer {text}"}, typed=text)


def _sessions(edge: Edge, clock: Clock) -> dict[str, Credential]:
    good = _session(edge, ALL_SCOPES)
    late = replace(edge, now=lambda: clock() - timedelta(seconds=SESSION_SECONDS + 1))
    other = _session(edge, SCOPED[Scope.READ])
    return {
        "session": good,
        "session-read": other,
        "session-api": _session(edge, API, "alice@example.com"),
        "session-no-form": replace(good, form={}),
        "session-other-form": replace(good, form=other.form),
        "session-foreign": replace(good, origin={"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}),
        "session-expired": _session(late, ALL_SCOPES),
        "session-token-gone": _session(edge, GONE),
        "session-forged": _session(replace(edge, bridge_keys=OTHER_KEYS), ALL_SCOPES),
    }


def _session(edge: Edge, text: str, named: str = "") -> Credential:
    sealed = new_session(edge, text, named)
    subject = f"session:{unseal('session', sealed, edge.bridge_keys)['n']}"
    return Credential({"Cookie": f"lumen={sealed}"}, form={"form_token": form_token(edge, subject)})


def _proxies(edge: Edge) -> dict[str, Credential]:
    named = {PROXY_HEADER: "alice@example.com", SECRET_HEADER: PROXY_SECRET}
    form = {"form_token": form_token(edge, "person:alice@example.com")}
    return {
        "proxy": Credential(named, form=form, peer=PROXY_PEER),
        "proxy-no-secret": Credential({PROXY_HEADER: "alice@example.com"}, form=form, peer=PROXY_PEER),
        "proxy-spoofed": Credential(named, form=form),
    }


def _signatures(clock: Clock) -> dict[str, Credential]:
    now = int(clock().timestamp())
    return {
        "slack": Credential(slack=_slack(SLACK_SECRET, SLACK_BODY, now)),
        "slack-wrong": Credential(slack=_slack("another-secret", SLACK_BODY, now)),
        "slack-old": Credential(slack=_slack(SLACK_SECRET, SLACK_BODY, now - 301)),
        "slack-other-body": Credential(slack=_slack(SLACK_SECRET, b"payload=%7B%22a%22%3A1%7D", now)),
        "link": Credential(link=token(clock)),
        "link-nobody": Credential(link=token(clock, actor="anonymous")),
        "link-late": Credential(link=token(clock, expires=int(clock().timestamp()))),
        "link-changed": Credential(link=_changed(token(clock))),
    }


def _slack(secret: str, body: bytes, at: int) -> dict[str, str]:
    wanted = ("X-Slack-Request-Timestamp", "X-Slack-Signature")
    return {name: value for name, value in signed_headers(secret, body, at).items() if name in wanted}


def _changed(sealed: str) -> str:
    return sealed[:-1] + ("A" if sealed[-1] != "A" else "B")
