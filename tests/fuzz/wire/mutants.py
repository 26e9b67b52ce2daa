"""Requests made from other requests: one part replaced, repeated, cut or swapped."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from random import Random
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from tests.fuzz.wire.sending import Sent

NASTY: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53, 2**63, 2**70, -(2**63) - 1, 1.5, 1e308, -0.0),
    *(
        "",
        " ",
        "a",
        "0",
        "-1",
        "null",
        "\x00",
        "\x1b[2J",
        "\r\n",
        "\u202e",
        "\ufeff",
        "\ud800",
        "é",
        "漢字😀",
        "x" * 5000,
    ),
    *("'", '"', "\\", "`id`", "$(id)", "{labels.a}", "{{x}}", "%s", "%00", "../../etc/passwd", "<script>", "a" * 300),
    *("approve", "reject", "cancel", "retry", "firing", "resolved", "9999-12-31T23:59:59Z", "0000-00-00", "1e999"),
    *([], {}, [[]], [None], {"": ""}, {"a": {"b": {"c": []}}}, [1] * 100, {"\x00": 1}),
)
_RAW = (
    b"",
    b"\x00",
    b"\xff\xfe",
    b"{",
    b"[" * 5000,
    b'{"a":1e999}',
    b"NaN",
    b'{"a":1,"a":2}',
    b"\xef\xbb\xbf{}",
    b"9" * 5000,
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "X")
_HEADERS = {
    "Content-Type": (
        "application/json",
        "text/plain",
        "application/x-www-form-urlencoded",
        "",
        "x",
        "application/json; charset=x",
    ),
    "Accept": (
        "*/*",
        "application/json",
        "text/html",
        "",
        "application/openmetrics-text; version=1.0.0",
        ";q=x,,,",
        "é",
    ),
    "If-None-Match": ("*", '"x"', ""),
    "Lumen-Part": ("main", "", "x"),
    "Origin": ("null", "http://evil.example", "", "http://127.0.0.1"),
    "Sec-Fetch-Site": ("same-origin", "cross-site", ""),
    "X-Forwarded-For": ("127.0.0.1", "x" * 3000),
    "X-Forwarded-Email": ("alice@example.com",),
    "Cookie": ("lumen=x", "lumen=", "lumen=v1.k1.e30.AAAA", "=;=;;", "lumen=a; lumen=b", "é=é"),
    "Idempotency-Key": ("x",),
    "X-Slack-Signature": ("v0=00", "", "é"),
    "X-Slack-Request-Timestamp": ("0", "99999999999999999999", "-1", "é", "²"),
    "Content-Encoding": ("gzip", "br"),
    "Expect": ("x",),
    "X-Lumen-Proxy-Secret": ("x",),
}


def mutant(sent: Sent, rng: Random, known: Sequence[str]) -> Sent:
    """Return ``sent`` with one to three changes; ``known`` are values that mean something to the service."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        sent = rng.choices((_body, _query, _path, _header, _method), (10, 4, 3, 4, 1))[0](sent, rng, known)
    return sent


def _any(rng: Random, known: Sequence[str]) -> Any:
    return rng.choice(known) if known and rng.random() < 0.3 else rng.choice(NASTY)


def _text(rng: Random, known: Sequence[str]) -> str:
    value = _any(rng, known)
    return value if isinstance(value, str) else json.dumps(value)


def _encoded(text: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe="")


def _body(sent: Sent, rng: Random, known: Sequence[str]) -> Sent:
    if not sent.body:
        return replace(sent, body=rng.choice(_RAW)) if sent.method == "POST" else _query(sent, rng, known)
    if rng.random() < 0.3:
        return replace(sent, body=_bytes(sent.body, rng))
    try:
        value = json.loads(sent.body)
    except (ValueError, RecursionError):
        return replace(sent, body=_form(sent.body, rng, known))
    return replace(
        sent,
        body=json.dumps(changed_value(value, rng, known), ensure_ascii=rng.random() < 0.5).encode(
            "utf-8", "surrogatepass"
        ),
    )


def _bytes(body: bytes, rng: Random) -> bytes:
    at, end = sorted(rng.randrange(len(body) + 1) for _ in range(2))
    way = rng.randrange(5)
    if way == 0:
        return body[:at]
    if way == 1:
        return body[:at] + rng.choice(_RAW) + body[at:]
    if way == 2:
        return body[:at] + rng.randbytes(rng.randrange(1, 9)) + body[end:]
    if way == 3:
        return body[:end] + body[at:end] + body[end:]
    return rng.choice(_RAW)


def changed_value(value: Any, rng: Random, known: Sequence[str] = ()) -> Any:
    """Return ``value`` with something in it changed; the deeper, the less likely."""
    if isinstance(value, dict) and value and rng.random() < 0.8:
        name = rng.choice(list(value))
        way = rng.randrange(6)
        if way == 0:
            return {key: one for key, one in value.items() if key != name}
        if way == 1:
            return {**value, _text(rng, known): _any(rng, known)}
        return {**value, name: changed_value(value[name], rng, known)}
    if isinstance(value, list) and value and rng.random() < 0.8:
        at = rng.randrange(len(value))
        if rng.random() < 0.2:
            return value[:at] + value[at:] * rng.choice((0, 2, 30))
        return [*value[:at], changed_value(value[at], rng, known), *value[at + 1 :]]
    return _any(rng, known)


def _form(body: bytes, rng: Random, known: Sequence[str]) -> bytes:
    pairs = parse_qsl(body.decode("latin-1"), keep_blank_values=True)
    return _pairs(pairs, rng, known).encode()


def _pairs(pairs: list[tuple[str, str]], rng: Random, known: Sequence[str]) -> str:
    way = rng.randrange(4)
    if pairs and way:
        at = rng.randrange(len(pairs))
        if way == 1:
            pairs = pairs[:at] + pairs[at + 1 :]
        elif way == 2:
            pairs = [*pairs, pairs[at]]
        else:
            pairs[at] = (pairs[at][0], _text(rng, known))
    else:
        pairs = [*pairs, (_text(rng, known), _text(rng, known))]
    return urlencode(pairs, errors="surrogatepass")


def _query(sent: Sent, rng: Random, known: Sequence[str]) -> Sent:
    path, _, query = sent.target.partition("?")
    return replace(sent, target=f"{path}?{_pairs(parse_qsl(query, keep_blank_values=True), rng, known)}")


def _path(sent: Sent, rng: Random, known: Sequence[str]) -> Sent:
    path, mark, query = sent.target.partition("?")
    parts = path.split("/")[1:]
    variable = len(parts) > 1 and parts[0] in {"alerts", "episodes", "entries", "static"}
    at = 1 if variable and rng.random() < 0.8 else rng.randrange(len(parts))
    parts[at] = _encoded(_text(rng, known)) if rng.random() < 0.9 else parts[at] + "/"
    return replace(sent, target="/" + "/".join(parts) + mark + query)


def _header(sent: Sent, rng: Random, known: Sequence[str]) -> Sent:
    name = rng.choice(list(_HEADERS))
    return replace(sent, headers={**sent.headers, name: rng.choice(_HEADERS[name])})


def _method(sent: Sent, rng: Random, known: Sequence[str]) -> Sent:
    return replace(sent, method=rng.choice(_METHODS))
