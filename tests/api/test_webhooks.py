from __future__ import annotations

import base64
import logging

import httpx
import pytest
from temporalio.service import RPCError, RPCStatusCode

from api.app import create_app
from lumen.alert import AlertStatus, fingerprint
from tests.api.conftest import client_of
from tests.api.fakes import ALICE_TOKEN, READ_TOKEN, WEBHOOK_TOKEN, FakeEpisodes, RecordingSink, make_edge
from tests.api.payloads import ALERTMANAGER_0_25, ALERTMANAGER_0_34, GRAFANA, alert, notification

AUTH = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
PATHS = [
    "/webhook",
    "/webhook/",
    "/webhooks/alertmanager",
    "/webhooks/alertmanager/",
    "/webhooks/grafana",
    "/webhooks/grafana/",
]


@pytest.mark.parametrize("path", PATHS)
async def test_path_takes_alerts(http: httpx.AsyncClient, path: str) -> None:
    """Every spelling of a webhook takes a POST itself, without a redirect."""
    answer = await http.post(path, json=ALERTMANAGER_0_25, headers=AUTH)
    assert answer.status_code == 202
    assert [entry["result"] for entry in answer.json()["alerts"]] == ["started"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS"])
async def test_other_methods(http: httpx.AsyncClient, sink: RecordingSink, path: str, method: str) -> None:
    """Any other method is a 405 that names the allowed one, so that a redirected POST cannot look like a success."""
    answer = await http.request(method, path, headers=AUTH)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST"
    assert answer.headers["content-type"] == "application/problem+json"
    assert sink.routed == []


@pytest.mark.parametrize("payload", [ALERTMANAGER_0_25, ALERTMANAGER_0_34], ids=["0.25", "0.34"])
async def test_alertmanager(http: httpx.AsyncClient, sink: RecordingSink, payload: dict[str, object]) -> None:
    """Alertmanager's notification becomes one alert under the sender's fingerprint."""
    answer = await http.post("/webhooks/alertmanager", json=payload, headers=AUTH)
    assert answer.json() == {
        "alerts": [
            {
                "key": "alertmanager-0aa043e5d176c819",
                "fingerprint": "0aa043e5d176c819",
                "status": "firing",
                "rule": "rule-of-RealUp",
                "workflow_id": "alert-alertmanager-0aa043e5d176c819",
                "result": "started",
            }
        ],
        "truncated": 0,
    }
    ((heard, rule),) = sink.routed
    assert rule == "rule-of-RealUp"
    assert heard.annotations == {"runbook_url": "https://rb/x", "summary": "it is up"}
    assert heard.starts_at == "2026-11-22T07:00:29.632Z"
    assert heard.group_key == '{}:{alertname="RealUp"}'
    assert heard.external_url == "http://vm:9093"
    assert heard.received_at.utcoffset() is not None


async def test_grafana(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """Grafana's alerts live in a key space of their own, and each has its own status."""
    answer = await http.post("/webhooks/grafana", json=GRAFANA, headers=AUTH)
    assert [(entry["key"], entry["status"]) for entry in answer.json()["alerts"]] == [
        ("grafana-c6eadffa33fcdf37", "firing"),
        ("grafana-bc97ff14869b13e3", "resolved"),
    ]
    assert [heard.status for heard, _ in sink.routed] == [AlertStatus.FIRING, AlertStatus.RESOLVED]


async def test_group_status_is_ignored(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """An alert that is listed as resolved is resolved, although its group still fires."""
    body = notification(alert(status="resolved", fingerprint="00000000000000aa"), status="firing")
    sink.open.add("alertmanager-00000000000000aa")
    answer = await http.post("/webhook", json=body, headers=AUTH)
    assert answer.json()["alerts"][0]["result"] == "resolved"


async def test_missing_fingerprint(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """Without a usable fingerprint the alert gets Prometheus' own, so that both ways lead to one episode."""
    expected = fingerprint({"alertname": "DiskFull", "instance": "a"})
    for sent in ("", "xyz", None, 7):
        body = notification(alert(labels={"instance": "a"}, fingerprint=sent))
        answer = await http.post("/webhook", json=body, headers=AUTH)
        assert answer.json()["alerts"][0]["fingerprint"] == expected


async def test_repeat_is_updated(http: httpx.AsyncClient) -> None:
    """The same notification again, or from a second sender with another startsAt, is an update of the same episode."""
    first = await http.post("/webhook", json=ALERTMANAGER_0_25, headers=AUTH)
    other = notification({**ALERTMANAGER_0_25["alerts"][0], "startsAt": "2026-11-22T06:00:00Z"}, groupKey="other")
    second = await http.post("/webhook", json=other, headers=AUTH)
    assert first.json()["alerts"][0]["workflow_id"] == second.json()["alerts"][0]["workflow_id"]
    assert second.json()["alerts"][0]["result"] == "updated"


async def test_unmatched(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """An alert without a rule is accepted, named unmatched, and goes nowhere."""
    answer = await http.post("/webhook", json=notification(alert("NoRuleForThis")), headers=AUTH)
    entry = answer.json()["alerts"][0]
    assert (answer.status_code, entry["result"], entry["rule"], entry["workflow_id"]) == (202, "unmatched", None, None)
    assert sink.routed == []


async def test_never_feeds_itself(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """Lumen's own call for a human is never matched, even by a rule for every alert."""
    answer = await http.post("/webhook", json=notification(alert("LumenNeedsHuman")), headers=AUTH)
    assert answer.json()["alerts"][0]["result"] == "unmatched"
    assert sink.routed == []


async def test_one_bad_alert(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """One bad alert in a good body is refused with the reason; the others go on, and the order stays."""
    body = notification(alert(labels={"x": 3}), alert("Good"), {"labels": {}}, "text")
    answer = await http.post("/webhook", json=body, headers=AUTH)
    assert answer.status_code == 202
    assert [entry["result"] for entry in answer.json()["alerts"]] == ["refused", "started", "refused", "refused"]
    assert answer.json()["alerts"][0]["detail"] == 'the label "x" must be a string, not a number'
    assert len(sink.routed) == 1


async def test_storm_is_queued(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """More than 20 matched alerts are committed as intakes and not one by one; unmatched ones do not count."""
    many = [alert("Storm", labels={"n": str(n)}) for n in range(21)]
    answer = await http.post("/webhook", json=notification(*many, alert("NoRuleForThis")), headers=AUTH)
    entries = answer.json()["alerts"]
    assert [entry["result"] for entry in entries] == ["queued"] * 21 + ["unmatched"]
    assert entries[5]["workflow_id"] == f"intake-{entries[5]['fingerprint']}"
    assert (len(sink.queued), len(sink.routed)) == (21, 0)


async def test_twenty_are_routed(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """Up to 20 matched alerts go straight to their episodes."""
    many = [alert("Storm", labels={"n": str(n)}) for n in range(20)]
    await http.post("/webhook", json=notification(*many), headers=AUTH)
    assert (len(sink.queued), len(sink.routed)) == (0, 20)


async def test_large_body(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """A body that is read in a thread gives the same answer."""
    many = [alert("Storm", labels={"n": str(n)}, annotations={"a": "x" * 1000}) for n in range(300)]
    answer = await http.post("/webhook", json=notification(*many), headers=AUTH)
    assert [entry["result"] for entry in answer.json()["alerts"]] == ["queued"] * 300
    assert len(sink.queued) == 300


async def test_resolve_without_episode(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """A resolve that finds no open episode is queued, since it may have overtaken its own firing."""
    body = notification(alert(status="resolved", fingerprint="00000000000000aa"))
    answer = await http.post("/webhook", json=body, headers=AUTH)
    entry = answer.json()["alerts"][0]
    assert (entry["result"], entry["workflow_id"]) == ("queued", "intake-00000000000000aa")
    assert len(sink.queued) == 1


async def test_order_within_a_body(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """Two alerts of one key are delivered in the order of the body; an early resolve is not queued behind the firing."""
    body = notification(alert(status="resolved"), alert())
    answer = await http.post("/webhook", json=body, headers=AUTH)
    assert [entry["result"] for entry in answer.json()["alerts"]] == ["not_open", "started"]
    assert [heard.status for heard, _ in sink.routed] == ["resolved", "firing"]
    assert sink.queued == []


@pytest.mark.parametrize(
    "error",
    [
        RPCError("down", RPCStatusCode.UNAVAILABLE, b""),
        RPCError("busy", RPCStatusCode.RESOURCE_EXHAUSTED, b""),
        TimeoutError(),
        RuntimeError("Failed client connect: Server connection error"),
    ],
)
@pytest.mark.parametrize("count", [1, 30])
async def test_temporal_down(http: httpx.AsyncClient, sink: RecordingSink, error: Exception, count: int) -> None:
    """Whatever way Temporal fails, the answer is a 503 that asks for a repetition: nothing is accepted."""
    sink.error = error
    body = notification(*(alert("Storm", labels={"n": str(n)}) for n in range(count)))
    answer = await http.post("/webhook", json=body, headers=AUTH)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "5"
    assert answer.headers["content-type"] == "application/problem+json"


async def test_bug_is_500(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """A bug in Lumen is a 500 (which is repeated), with a problem that gives nothing away."""
    sink.error = RuntimeError("a secret detail")
    answer = await http.post("/webhook", json=ALERTMANAGER_0_25, headers=AUTH)
    assert answer.status_code == 500
    assert "secret" not in answer.text
    assert answer.json()["type"] == "about:blank"


async def test_truncated(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """Alerts that the sender left out are told in the answer, logged and counted: they will never be seen."""
    with caplog.at_level(logging.WARNING, "lumen.api"):
        answer = await http.post("/webhook", json=notification(alert(), truncatedAlerts=3), headers=AUTH)
    assert answer.json()["truncated"] == 3
    assert "left 3 alerts out" in caplog.text
    assert "lumen_alerts_truncated_total 3.0" in (await http.get("/metrics")).text


async def test_put_and_answer(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """POST /alert takes one alert in the form of the context store and names its key."""
    body = {
        "labels": {"alertname": "Hand", "empty": ""},
        "annotations": {"a": "b"},
        "startsAt": "when",
        "status": "firing",
    }
    answer = await http.post("/alert", json=body, headers=AUTH)
    expected = fingerprint({"alertname": "Hand"})
    assert answer.status_code == 200
    assert answer.json()["key"] == f"alertmanager-{expected}"
    assert answer.json()["result"] == "started"
    assert sink.routed[0][0].starts_at == "when"


async def test_put_queued(http: httpx.AsyncClient) -> None:
    """POST /alert of a resolve without an episode is accepted, and its result is still open."""
    answer = await http.post("/alert", json={"labels": {"alertname": "Hand"}, "status": "resolved"}, headers=AUTH)
    assert (answer.status_code, answer.json()["result"]) == (202, "queued")


async def test_put_bad_alert(http: httpx.AsyncClient) -> None:
    """POST /alert of an alert that cannot be accepted is a 400 that says why."""
    answer = await http.post("/alert", json={"labels": {"a": "b"}}, headers=AUTH)
    assert (answer.status_code, answer.json()["detail"]) == (400, 'the label "alertname" is missing or empty')


@pytest.mark.parametrize("path", ["/webhook", "/webhooks/grafana", "/alert"])
@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer wrong", 401),
        ("Bearer", 401),
        ("Bearer ", 401),
        (WEBHOOK_TOKEN, 401),
        ("Basic " + base64.b64encode(b"someone:wrong").decode(), 401),
        ("Basic " + base64.b64encode(WEBHOOK_TOKEN.encode()).decode(), 401),
        ("Basic ***", 401),
        ("Basic \u00e9", 401),
        ("Digest " + WEBHOOK_TOKEN, 401),
        (f"Bearer {READ_TOKEN}", 403),
        (f"Bearer {ALICE_TOKEN}", 403),
    ],
)
async def test_refused_tokens(
    http: httpx.AsyncClient, sink: RecordingSink, path: str, header: str | None, status: int
) -> None:
    """Without a webhook token no alert gets in: 401 for no known token, 403 for one that is for something else."""
    headers = [(b"Authorization", header.encode("latin-1"))] if header else []
    answer = await http.post(path, json=ALERTMANAGER_0_25, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")
    assert sink.routed == []


async def test_two_authorization_headers(http: httpx.AsyncClient) -> None:
    """Two Authorization headers are refused: a proxy and Lumen could read different ones."""
    headers = [("Authorization", f"Bearer {WEBHOOK_TOKEN}"), ("Authorization", "Bearer other")]
    assert (await http.post("/webhook", json=ALERTMANAGER_0_25, headers=headers)).status_code == 401


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
async def test_bearer_in_any_case(http: httpx.AsyncClient, scheme: str) -> None:
    """The name of the scheme is case-insensitive, as RFC 9110 says."""
    headers = {"Authorization": f"{scheme} {WEBHOOK_TOKEN}"}
    assert (await http.post("/webhook", json=ALERTMANAGER_0_25, headers=headers)).status_code == 202


async def test_basic(http: httpx.AsyncClient) -> None:
    """Basic authentication takes any user and the token as password."""
    for user in ("", "alertmanager"):
        answer = await http.post("/webhook", json=ALERTMANAGER_0_25, auth=(user, WEBHOOK_TOKEN))
        assert answer.status_code == 202


async def test_embedded_api_token_sends(sink: RecordingSink, episodes: FakeEpisodes) -> None:
    """In embedded mode the API token may send alerts too."""
    async with client_of(create_app(make_edge(sink, episodes, embedded=True))) as http:
        headers = {"Authorization": f"Bearer {READ_TOKEN}"}
        assert (await http.post("/alert", json={"labels": {"alertname": "A"}}, headers=headers)).status_code == 200
