"""Every route of the API: who may use it, what it takes, and each answer that it gives."""

from __future__ import annotations

from api.intakes import INTAKES
from lumen.openapi import EMPTY, JSON, PROBLEM, TEXT, Content, Operation, Schema, fields, json_of, query, ref

_FORM = "application/x-www-form-urlencoded"
_HTML: Content = {"text/html": TEXT}
_PROBLEM: Content = {PROBLEM: ref("Problem")}
_EITHER: Content = {**_HTML, **_PROBLEM}
_METRICS: Content = {"text/plain": TEXT, "application/openmetrics-text": TEXT}
_STATIC: Content = {"text/css": TEXT, "text/javascript": TEXT, "image/svg+xml": TEXT}
_TOKEN = ("bearer", "basic")
_SESSION = ("session",)

_DENIED = (401, 403)
_BODY = (400, 408, 413)
_TEMPORAL = (503,)


def _problems(*statuses: int) -> dict[int, Content]:
    return dict.fromkeys(statuses, _PROBLEM)


def _pages(*statuses: int) -> dict[int, Content]:
    return dict.fromkeys(statuses, _HTML)


def _form(required: tuple[str, ...], optional: tuple[str, ...] = ()) -> Content:
    schema = fields(dict.fromkeys(required, TEXT), dict.fromkeys(optional, TEXT), more=True)
    return {_FORM: schema}


def _webhook() -> Operation:
    return Operation(
        "Take a notification",
        {202: json_of(ref("AllTaken")), **_problems(*_BODY, *_DENIED, *_TEMPORAL)},
        _TOKEN,
        json_of(ref("Notification")),
    )


def _read(does: str, answer: Schema, *more: int, parameters: tuple[Schema, ...] = ()) -> Operation:
    return Operation(
        does, {200: json_of(answer), **_problems(400, *_DENIED, *_TEMPORAL, *more)}, _TOKEN, parameters=parameters
    )


def _health(does: str, *more: int) -> Operation:
    return Operation(does, {200: json_of(ref("Health")), **_problems(*more)})


def _page(does: str, *more: int, key: bool = False) -> Operation:
    """Return a page of the console. A key with a slash in it is no path here, which is a problem and no page."""
    answers: dict[int, Content] = {200: _HTML, 303: EMPTY, 304: EMPTY, **_pages(400, 401, 403, 503, *more)}
    return Operation(does, answers | ({404: _EITHER} if key else {}), _SESSION)


def _sent_form(does: str, body: Content, *, key: bool = False) -> Operation:
    answers: dict[int, Content] = {303: EMPTY, **_pages(400, 401, 403, 408, 413, 415)}
    return Operation(does, answers | ({404: _PROBLEM} if key else {}), _SESSION, body)


_CONSOLE = {
    "GET /": _page("What waits for the visitor"),
    "GET /episodes": _page("Episodes, newest first"),
    "GET /episodes/{key}": _page("One episode", key=True),
    "GET /guards": _page("What holds actions back"),
    "POST /episodes/{key}/vote": _sent_form(
        "Vote on what the page showed",
        _form(("form_token", "decision", "approval_id", "digest"), ("reason", "once")),
        key=True,
    ),
    "POST /episodes/{key}/override": _sent_form(
        "Decide past the quorum", _form(("form_token", "decision", "reason"), ("digest", "once")), key=True
    ),
    "POST /guards/clear": _sent_form("End cooldowns", _form(("form_token", "target", "reason"))),
    "POST /freeze": _sent_form("Turn the freeze switch", _form(("form_token", "switch", "reason"))),
    "GET /static/{name}": Operation("A file that pages use", {200: _STATIC, 304: EMPTY, **_problems(404)}),
    "GET /sign-in": Operation(
        "Page to sign in", {200: _HTML, **_problems(400, 401)}, parameters=(query("next", TEXT),)
    ),
    "POST /sign-in": Operation(
        "Begin a session",
        {303: EMPTY, **_pages(400, 401, 403, 408, 413, 415, 429)},
        body=_form(("token",), ("name", "next")),
    ),
    "POST /sign-out": Operation(
        "End the session", {303: EMPTY, **_problems(400, 401, 403, 408, 413, 415)}, _SESSION, _form(("form_token",))
    ),
}

_DECISION = {
    "GET /decision": Operation(
        "Page that shows what a link asks",
        {200: _HTML, **_pages(400, 401, 403, 409, 410, 503)},
        parameters=(query("token", TEXT, required=True),),
    ),
    "HEAD /decision": Operation("Whether there is a page", {200: EMPTY}),
    "POST /decision": Operation(
        "Decide by a link",
        {
            200: {**json_of(ref("Tally")), **_HTML},
            202: {**json_of(ref("Recorded")), **_HTML},
            **dict.fromkeys((400, 401, 403, 408, 409, 410, 413, 415, 503), _EITHER),
        },
        body={JSON: ref("LinkVote"), **_form(("token", "decision"), ("reason", "form_token"))},
    ),
}

_VOTES = {
    "POST /alerts/{key}/votes": Operation(
        "Vote",
        {
            200: json_of(ref("Tally")),
            202: json_of(ref("Recorded")),
            **_problems(*_BODY, *_DENIED, 404, 409, 410, *_TEMPORAL),
        },
        _TOKEN,
        json_of(ref("Vote")),
    ),
    "POST /alerts/{key}/override": Operation(
        "Decide past the quorum",
        {202: json_of(ref("Sent")), **_problems(*_BODY, *_DENIED, 404, 410, *_TEMPORAL)},
        _TOKEN,
        json_of(ref("Override")),
    ),
}

_HEALTH = {
    f"{method} {path}": _health(does, *more)
    for method in ("GET", "HEAD")
    for path, does, more in (
        ("/healthz", "This process serves", ()),
        ("/-/healthy", "This process serves", ()),
        ("/readyz", "Alerts can be accepted", _TEMPORAL),
        ("/-/ready", "Alerts can be accepted", _TEMPORAL),
    )
}

OPERATIONS: dict[str, Operation] = {
    **{f"POST {path}{slash}": _webhook() for path in INTAKES for slash in ("", "/")},
    "POST /alert": Operation(
        "Take one alert",
        {
            200: json_of(ref("Taken")),
            202: json_of(ref("Taken")),
            **_problems(*_BODY, *_DENIED, *_TEMPORAL),
        },
        _TOKEN,
        json_of(ref("Alert")),
    ),
    "GET /get": _read("Read one alert back", ref("KeptAlert"), 404),
    "GET /alerts": _read("List episodes, newest first", ref("Page")),
    "GET /alerts/{key}": _read("Show one episode", ref("Episode"), 404),
    **_VOTES,
    "POST /runs": Operation(
        "Start a rule by hand",
        {202: json_of(ref("Started")), **_problems(*_BODY, *_DENIED, 404, 409, 422, *_TEMPORAL)},
        _TOKEN,
        json_of(ref("Run")),
    ),
    "POST /commands": Operation(
        "Send a command to the control bus",
        {202: json_of(ref("Commanded")), **_problems(*_BODY, *_DENIED, 409, *_TEMPORAL)},
        _TOKEN,
        json_of(ref("Command")),
    ),
    **_HEALTH,
    "GET /metrics": Operation("Metrics", {200: _METRICS}),
    **_CONSOLE,
    **_DECISION,
    "POST /slack/interaction": Operation(
        "Take a click or a form of Slack",
        # An empty body is no JSON: Slack takes any text in it for a message.
        {200: EMPTY, **_problems(*_BODY, 401, 404)},
        ("slack",),
        _form(("payload",)),
    ),
}
