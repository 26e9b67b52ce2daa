"""What each route of the API does for each credential. A route or a credential without its place here fails the test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.api.pages.samples import KEY

_ALERT = {"labels": {"alertname": "DiskFull"}, "status": "firing"}
_BATCH = {"version": "4", "alerts": [_ALERT]}
_GRAFANA = {"version": "1", "alerts": [_ALERT]}
_BALLOT = {"decision": "approve", "actor": None, "reason": "looks right"}
_ASKED = {"approval_id": "run.1.1", "digest": "sha256:shown", "decision": "approve", "reason": "looks right"}


@dataclass(frozen=True)
class Route:
    """One request that is right in all but its credential. ``kind`` is a row of :data:`EXPECTED`, ``ok`` the status if let in.

    ``changes``: let in, it leaves something behind.
    """

    kind: str
    ok: int = 200
    json: Any = None
    form: Mapping[str, str] | None = None
    path: str = ""
    changes: bool = False
    query: Mapping[str, str] = field(default_factory=dict)


ROUTES: dict[str, Route] = {
    **{
        f"POST {path}{slash}": Route("webhook", 202, json=body, changes=True)
        for path, body in (("/webhook", _BATCH), ("/webhooks/alertmanager", _BATCH), ("/webhooks/grafana", _GRAFANA))
        for slash in ("", "/")
    },
    "POST /alert": Route("webhook", json=_ALERT, changes=True),
    "GET /get": Route("read", query={"key": KEY}),
    "GET /alerts": Route("read"),
    "GET /alerts/{key}": Route("read"),
    "POST /alerts/{key}/votes": Route("vote", json=_BALLOT, changes=True),
    "POST /alerts/{key}/override": Route("override", 202, json=_BALLOT, changes=True),
    "POST /runs": Route("vote", 202, json={"rule": "Ask", "reason": "by hand"}, changes=True),
    "POST /commands": Route("command", 202, json={"command": "restart-exporter"}, changes=True),
    "GET /decision": Route("link-page"),
    "HEAD /decision": Route("open"),
    "OPTIONS /decision": Route("open", 204),
    "POST /decision": Route("link", json={"decision": "approve", "reason": "seen"}, changes=True),
    "POST /slack/interaction": Route("slack", 400),  # signed, and then not what Slack sends
    "GET /": Route("page"),
    "GET /episodes": Route("page"),
    "GET /episodes/{key}": Route("page"),
    "GET /guards": Route("page"),
    "POST /episodes/{key}/vote": Route("vote-form", 303, form=_ASKED, changes=True),
    "POST /episodes/{key}/override": Route("override-form", 303, form=_ASKED, changes=True),
    "POST /guards/clear": Route("override-form", 303, form={"target": "db-1", "reason": "done"}, changes=True),
    "POST /freeze": Route("override-form", 303, form={"switch": "on", "reason": "stop"}, changes=True),
    "POST /sign-out": Route("form", 303, form={}),
    "GET /sign-in": Route("sign-in-page"),
    "POST /sign-in": Route("sign-in", 303, form={"next": "/"}),
    "GET /static/{name}": Route("open", path="/static/lumen.css"),
    **{
        f"{method} {path}": Route("open")
        for method in ("GET", "HEAD")
        for path in ("/healthz", "/-/healthy", "/readyz", "/-/ready")
    },
    "GET /metrics": Route("open"),
}

_BEARERS = ("none", "empty", "wrong", "basic-empty", "two", "webhook", "api", "proofd", "all")
_SCOPES = ("read", "vote", "override", "command")
_SESSIONS = ("session", "session-read", "session-api", "session-no-form", "session-other-form", "session-foreign")
_ENDED = ("session-expired", "session-token-gone", "session-forged")
_PROXIES = ("proxy", "proxy-no-secret", "proxy-spoofed")
_SIGNED = ("slack", "slack-wrong", "slack-old", "slack-other-body", "link", "link-nobody", "link-late", "link-changed")
_NAMES = (*_BEARERS, *_SCOPES, *_SESSIONS, *_ENDED, *_PROXIES, *_SIGNED)
_STRANGE = {"proxy-no-secret": "401", "proxy-spoofed": "401"}
_KEPT_OUT = dict.fromkeys(_NAMES, "401")
_ASKED_IN = dict.fromkeys(_NAMES, "in") | _STRANGE
_KNOWN = dict.fromkeys(("webhook", "api", "all", "read", "vote", "override", "command"), "403")
_IN_SESSION = dict.fromkeys(("session", "session-read", "session-api", "proxy"), "ok")
_BAD_FORMS = dict.fromkeys(("session-no-form", "session-other-form", "session-foreign"), "403")
_ALIKE = dict.fromkeys(_NAMES, "403") | {"link": "ok", "link-nobody": "ok", "link-late": "410"}

EXPECTED: dict[str, dict[str, str]] = {
    "open": dict.fromkeys(_NAMES, "ok"),
    "webhook": _KEPT_OUT | _KNOWN | {"webhook": "ok"},
    "read": _KEPT_OUT | _KNOWN | dict.fromkeys(("api", "all", "read"), "ok"),
    "vote": _KEPT_OUT | _KNOWN | dict.fromkeys(("all", "vote"), "ok"),
    "override": _KEPT_OUT | _KNOWN | dict.fromkeys(("all", "override"), "ok"),
    "command": _KEPT_OUT | _KNOWN | dict.fromkeys(("all", "command"), "ok"),
    # Whether a vote by a link without a name counts is the rule's to say: the episode decides it.
    "link": _ALIKE,
    "link-page": _ALIKE,
    "slack": _KEPT_OUT | {"slack": "ok"},
    "page": _ASKED_IN | _IN_SESSION | dict.fromkeys(_BAD_FORMS, "ok"),
    "form": _ASKED_IN | _IN_SESSION | _BAD_FORMS,
    "vote-form": _ASKED_IN | _IN_SESSION | _BAD_FORMS | dict.fromkeys(("session-read", "session-api"), "scope"),
    "override-form": _ASKED_IN
    | _IN_SESSION
    | _BAD_FORMS
    | dict.fromkeys(("session-read", "session-api", "proxy"), "scope"),
    "sign-in-page": dict.fromkeys(_NAMES, "ok") | _STRANGE,
    "sign-in": _KEPT_OUT | dict.fromkeys(("two", "api", "all", "read"), "ok") | {"session-foreign": "403"},
}
"""For each kind of route and each credential: ``ok``, a status, ``in`` (sign in first) or ``scope`` (told on the page)."""

EMBEDDED: dict[str, dict[str, str]] = {
    kind: dict.fromkeys(names, "ok")
    for kind, names in {
        **dict.fromkeys(("webhook", "read", "vote", "override", "command"), ("api",)),
        **dict.fromkeys(("vote-form", "override-form"), ("session-api",)),
    }.items()
}
"""What is different with ``lumen up``: a token of LUMEN_API_TOKEN may do everything."""
