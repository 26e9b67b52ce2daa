from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.api.fakes import WEBHOOK_TOKEN, RecordingSink
from tests.api.payloads import alert, notification

AUTH = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
GOOD = b'{"labels":{"alertname":"Good"},"status":"firing"}'


def body_with(item: bytes) -> bytes:
    """Return a body with this one alert."""
    return b'{"alerts":[' + item + b"]}"


UNREADABLE = {
    "empty": b"",
    "space": b"  ",
    "truncated": body_with(GOOD)[:-5],
    "not json": b"alertname=DiskFull",
    "trailing": body_with(GOOD) + b"x",
    "single quotes": b"{'alerts':[]}",
    "utf-16": body_with(GOOD).decode().encode("utf-16"),
    "invalid utf-8": body_with(GOOD.replace(b"Good", b"\xff\xfe")),
    "utf-8 surrogate": body_with(GOOD.replace(b"Good", b"\xed\xa0\x80")),
    "utf-8 surrogate in an unknown field": b'{"alerts":[' + GOOD + b'],"x":"\xed\xa0\x80"}',
    "NaN": b'{"alerts":[' + GOOD + b'],"x":NaN}',
    "Infinity": b'{"alerts":[' + GOOD + b'],"x":-Infinity}',
    "deep array": b"[" * 200_000,
    "deep array, closed": b'{"alerts":[' + GOOD + b'],"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep object": b'{"a":' * 100_000,
    "number with 5000 digits": b'{"alerts":[' + GOOD + b'],"x":' + b"9" * 5000 + b"}",
    "an array": b"[" + GOOD + b"]",
    "a string": b'"alerts"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "no alerts": b"{}",
    "alerts null": b'{"alerts":null}',
    "alerts an object": b'{"alerts":{"0":' + GOOD + b"}}",
    "alerts a string": b'{"alerts":"x"}',
    "no alert": b'{"alerts":[]}',
    "groupKey a number": b'{"groupKey":1,"alerts":[' + GOOD + b"]}",
    "groupKey half a pair": b'{"groupKey":"\\ud800","alerts":[' + GOOD + b"]}",
    "externalURL an array": b'{"externalURL":[],"alerts":[' + GOOD + b"]}",
    "status an object": b'{"status":{},"alerts":[' + GOOD + b"]}",
    "receiver a number": b'{"receiver":5,"alerts":[' + GOOD + b"]}",
    "truncatedAlerts a string": b'{"truncatedAlerts":"3","alerts":[' + GOOD + b"]}",
    "truncatedAlerts true": b'{"truncatedAlerts":true,"alerts":[' + GOOD + b"]}",
    "truncatedAlerts negative": b'{"truncatedAlerts":-1,"alerts":[' + GOOD + b"]}",
    "truncatedAlerts a fraction": b'{"truncatedAlerts":1.5,"alerts":[' + GOOD + b"]}",
    "truncatedAlerts infinite": b'{"truncatedAlerts":1e999,"alerts":[' + GOOD + b"]}",
    "truncatedAlerts huge": b'{"truncatedAlerts":' + b"9" * 400 + b',"alerts":[' + GOOD + b"]}",
}

REFUSED = {
    "null": b"null",
    "a number": b"3",
    "an array": b"[]",
    "empty": b"{}",
    "no labels": b'{"status":"firing"}',
    "labels null": b'{"labels":null}',
    "labels an array": b'{"labels":["alertname"]}',
    "labels a string": b'{"labels":"alertname"}',
    "no alertname": b'{"labels":{"a":"b"}}',
    "alertname empty": b'{"labels":{"alertname":""}}',
    "alertname null": b'{"labels":{"alertname":null}}',
    "label a number": b'{"labels":{"alertname":"A","x":1}}',
    "label an object": b'{"labels":{"alertname":"A","x":{}}}',
    "NUL in a value": b'{"labels":{"alertname":"A\\u0000"}}',
    "NUL in a name": b'{"labels":{"alertname":"A","a\\u0000":"b"}}',
    "lone surrogate in a value": b'{"labels":{"alertname":"A\\ud83d"}}',
    "lone surrogate in a name": b'{"labels":{"alertname":"A","\\udc00":"b"}}',
    "annotation a number": b'{"labels":{"alertname":"A"},"annotations":{"x":1}}',
    "annotations a string": b'{"labels":{"alertname":"A"},"annotations":"x"}',
    "lone surrogate in an annotation": b'{"labels":{"alertname":"A"},"annotations":{"x":"\\udfff"}}',
    "status unknown": b'{"labels":{"alertname":"A"},"status":"pending"}',
    "status a number": b'{"labels":{"alertname":"A"},"status":1}',
    "startsAt a number": b'{"labels":{"alertname":"A"},"startsAt":1700000000}',
    "startsAt an object": b'{"labels":{"alertname":"A"},"startsAt":{}}',
    "generatorURL a number": b'{"labels":{"alertname":"A"},"generatorURL":1}',
    "too large": b'{"labels":{"alertname":"A","x":"' + b"y" * 262_144 + b'"}}',
    "too large in bytes of UTF-8": b'{"labels":{"alertname":"A","n":"' + "\u00e9".encode() * 140_000 + b'"}}',
}

ACCEPTED = {
    "byte order mark": b"\xef\xbb\xbf" + body_with(GOOD),
    "startsAt any text": body_with(b'{"labels":{"alertname":"A"},"startsAt":"yesterday \\u2603"}'),
    "a whole pair": body_with(b'{"labels":{"alertname":"A \\ud83d\\ude00"}}'),
    "a name twice": body_with(b'{"labels":{"alertname":"A","alertname":"B"}}'),
    "unknown fields": b'{"alerts":[' + GOOD + b'],"more":{"deep":[1,2,{"x":null}]},"version":9}',
    "large number elsewhere": b'{"alerts":[' + GOOD + b'],"x":1' + b"0" * 4000 + b"}",
    "odd label names": body_with(b'{"labels":{"alertname":"A","LD_PRELOAD":"x","__proto__":"y","\\u001b[31m":"z"}}'),
    "nulls": b'{"alerts":[{"labels":{"alertname":"A"},"annotations":null,"status":null,"startsAt":null}],"groupKey":null,'
    b'"truncatedAlerts":null}',
    "the same alert twice": b'{"alerts":[' + GOOD + b"," + GOOD + b"]}",
}


@pytest.mark.parametrize("path", ["/webhook", "/webhooks/grafana"])
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_unreadable(http: httpx.AsyncClient, sink: RecordingSink, path: str, body: bytes) -> None:
    """What cannot be read is a 400 with a reason, whole: nothing of it is accepted."""
    answer = await http.post(path, content=body, headers=AUTH)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail"}
    assert problem["status"] == 400
    assert problem["detail"]
    assert sink.routed == []


@pytest.mark.parametrize("item", REFUSED.values(), ids=REFUSED.keys())
async def test_refused(http: httpx.AsyncClient, sink: RecordingSink, item: bytes) -> None:
    """A bad alert beside a good one is refused with a short reason, and the good one is accepted."""
    answer = await http.post("/webhook", content=b'{"alerts":[' + item + b"," + GOOD + b"]}", headers=AUTH)
    assert answer.status_code == 202, answer.text
    bad, good = answer.json()["alerts"]
    assert (bad["result"], good["result"]) == ("refused", "started")
    assert 0 < len(bad["detail"]) < 200
    assert len(sink.routed) == 1


@pytest.mark.parametrize("item", REFUSED.values(), ids=REFUSED.keys())
async def test_only_refused(http: httpx.AsyncClient, sink: RecordingSink, item: bytes) -> None:
    """A body without any acceptable alert is a 400 that names the first reason."""
    answer = await http.post("/webhook", content=body_with(item), headers=AUTH)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("no alert in the body can be accepted: ")
    assert sink.routed == []


@pytest.mark.parametrize("body", ACCEPTED.values(), ids=ACCEPTED.keys())
async def test_accepted(http: httpx.AsyncClient, body: bytes) -> None:
    """What is merely unusual is accepted."""
    answer = await http.post("/webhook", content=body, headers=AUTH)
    assert answer.status_code == 202, answer.text
    assert {entry["result"] for entry in answer.json()["alerts"]} <= {"started", "updated"}


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
async def test_content_type_is_not_asked(http: httpx.AsyncClient, content_type: str) -> None:
    """A body counts for what it is, not for what its header says."""
    headers = AUTH | {"Content-Type": content_type}
    assert (await http.post("/webhook", content=body_with(GOOD), headers=headers)).status_code == 202


async def test_too_many_alerts(http: httpx.AsyncClient) -> None:
    """A body of more alerts than an answer could list is refused whole."""
    body = b'{"alerts":[' + GOOD + b",0" * 50_000 + b"]}"
    answer = await http.post("/webhook", content=body, headers=AUTH)
    assert (answer.status_code, "at most 50000" in answer.text) == (400, True)


@pytest.mark.parametrize("path", ["/webhook", "/webhooks/grafana"])
async def test_webhook_limit(http: httpx.AsyncClient, path: str) -> None:
    """A webhook takes 16 MiB and not a byte more."""
    room = 16 * 1024 * 1024 - len(body_with(GOOD))
    exact = await http.post(path, content=body_with(GOOD) + b" " * room, headers=AUTH)
    over = await http.post(path, content=body_with(GOOD) + b" " * (room + 1), headers=AUTH)
    assert (exact.status_code, over.status_code) == (202, 413)
    assert over.headers["content-type"] == "application/problem+json"


async def test_other_limit(http: httpx.AsyncClient) -> None:
    """The other routes take 1 MiB."""
    room = 1024 * 1024 - len(GOOD)
    exact = await http.post("/alert", content=GOOD + b" " * room, headers=AUTH)
    over = await http.post("/alert", content=GOOD + b" " * (room + 1), headers=AUTH)
    assert (exact.status_code, over.status_code) == (200, 413)


@pytest.mark.parametrize("declared", ["3", "999999999999999999999999", "-1", "x", "\u0663"])
async def test_content_length_lies(http: httpx.AsyncClient, declared: str) -> None:
    """The limit holds for what arrives, whatever the header claims."""

    async def endless() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 1024 * 1024

    headers = [(b"Authorization", AUTH["Authorization"].encode()), (b"Content-Length", declared.encode())]
    answer = await http.post("/webhook", content=endless(), headers=headers)
    assert answer.status_code == 413


async def test_unauthenticated_body_is_not_read(http: httpx.AsyncClient) -> None:
    """Nothing of a body is read before the token is known to be good."""
    read = 0

    async def counting() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(5):
            read += 1
            yield b"x"

    answer = await http.post("/webhook", content=counting(), headers={"Authorization": "Bearer wrong"})
    assert (answer.status_code, read) == (401, 0)


async def test_details_are_printable(http: httpx.AsyncClient) -> None:
    """A reason never carries control characters of the sender into a terminal or a log."""
    item = alert(labels={"\u001b[2J\u202e": 1})
    answer = await http.post("/webhook", json=notification(item, alert()), headers=AUTH)
    assert answer.json()["alerts"][0]["detail"] == 'the label "\\x1b[2J\\u202e" must be a string, not a number'


@pytest.mark.parametrize("path", ["/alert/", "/webhook//", "http://lumen//webhook"])
async def test_no_redirects(http: httpx.AsyncClient, path: str) -> None:
    """A path that is nearly right is a 404 and never a redirect, which would turn a POST into a GET."""
    assert (await http.post(path, content=GOOD, headers=AUTH)).status_code == 404


@pytest.mark.parametrize("path", ["/nope", "/webhooks", "/webhooks/other", "/docs", "/openapi.json", "/redoc"])
async def test_unknown_paths(http: httpx.AsyncClient, path: str) -> None:
    """What is not there is a 404 problem; there is no page about the API that is open without a token."""
    answer = await http.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
