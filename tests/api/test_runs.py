"""``POST /runs``: who may ask, for what, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.errors import UnreachableError
from api.reception import Reception
from lumen.alert import fingerprint
from rules.loader import load
from rules.match import rule_for
from tests.api.conftest import client_of
from tests.api.fakes import (
    ALICE_TOKEN,
    BOB_TOKEN,
    READ_TOKEN,
    WEBHOOK_TOKEN,
    FakeEpisodes,
    RecordingSink,
    make_edge,
)
from tests.stack.rulebook import Rulebook

ALICE = {"Authorization": f"Bearer {ALICE_TOKEN}"}
UNBOUND = {"Authorization": f"Bearer {READ_TOKEN}"}
WISH: dict[str, Any] = {"rule": "disk-full", "target": "host1:9100", "labels": {"vg": "data"}, "reason": "the release"}


@pytest.fixture
def rulebook(tmp_path: Path) -> Rulebook:
    """Return a folder with one rule that wants a target and a label."""
    book = Rulebook(tmp_path / "rules")
    action = {"name": "grow", "cmd": ["/bin/grow", "/dev/{labels.vg}"]}
    book.add("disk-full", alert="DiskFull", target="{labels.instance}", actions=[action])
    return book


@pytest.fixture
async def http(sink: RecordingSink, episodes: FakeEpisodes, rulebook: Rulebook) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the application with these rules, outside of embedded mode."""
    async with client_of(create_app(make_edge(sink, episodes, rules=lambda: load(rulebook.folder)))) as client:
        yield client


@pytest.fixture
async def embedded(sink: RecordingSink, episodes: FakeEpisodes, rulebook: Rulebook) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the same in embedded mode."""
    edge = make_edge(sink, episodes, rules=lambda: load(rulebook.folder), embedded=True)
    async with client_of(create_app(edge)) as client:
        yield client


async def test_a_request_becomes_an_alert_of_its_own_source(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """It is handed on as an alert that no webhook can send, and answered with its key; the same again updates it."""
    answer = await http.post("/runs", json=WISH, headers=ALICE)
    ((alert, rule),) = sink.routed
    assert (alert.source, rule) == ("request", "disk-full")
    assert alert.labels == {
        "alertname": "DiskFull",
        "instance": "host1:9100",
        "vg": "data",
        "requested_by": "alice@example.com",
    }
    assert alert.annotations == {"reason": "the release"}
    key = f"request-{fingerprint(alert.labels)}"
    assert answer.status_code == 202
    assert answer.json() == {"key": key, "workflow_id": f"alert-{key}", "rule": "disk-full", "result": "started"}
    again = await http.post("/runs", json=WISH, headers=ALICE)
    assert (again.json()["key"], again.json()["result"]) == (key, "updated")
    text = (await http.get("/metrics")).text
    assert 'lumen_alerts_total{result="started",source="request"} 1.0' in text


async def test_a_person_asks_as_themselves(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """A bound token asks as its person only; naming oneself, in any case, is fine."""
    assert (await http.post("/runs", json=WISH | {"actor": "Alice@Example.com"}, headers=ALICE)).status_code == 202
    for actor in ("bob@example.com", "", 5, ["alice@example.com"]):
        assert (await http.post("/runs", json=WISH | {"actor": actor}, headers=ALICE)).status_code == 403
    assert len(sink.routed) == 1


async def test_an_unbound_token_names_who_asks(
    http: httpx.AsyncClient, embedded: httpx.AsyncClient, sink: RecordingSink
) -> None:
    """It may ask in embedded mode only, and must say for whom."""
    assert (await http.post("/runs", json=WISH | {"actor": "c@example.com"}, headers=UNBOUND)).status_code == 403
    assert (await embedded.post("/runs", json=WISH, headers=UNBOUND)).status_code == 400
    assert (await embedded.post("/runs", json=WISH | {"actor": "C@example.com"}, headers=UNBOUND)).status_code == 202
    ((alert, _),) = sink.routed
    assert alert.requester == "c@example.com"


async def test_a_slack_id_is_the_person_it_belongs_to(
    embedded: httpx.AsyncClient, sink: RecordingSink, rulebook: Rulebook
) -> None:
    """Who asked is named as votes name people, so that the two can be compared."""
    people = {"alice@example.com": {"slack": "U012AB3CD"}}
    rulebook.policy(approver_allowlist=["alice@example.com", "b@example.com"], timeout="1h", people=people)
    assert (await embedded.post("/runs", json=WISH | {"actor": "u012ab3cd"}, headers=UNBOUND)).status_code == 202
    assert sink.routed[0][0].requester == "alice@example.com"


@pytest.mark.parametrize(("token", "status"), [(None, 401), ("wrong", 401), (WEBHOOK_TOKEN, 403), (BOB_TOKEN, 403)])
async def test_who_may_ask(http: httpx.AsyncClient, sink: RecordingSink, token: str | None, status: int) -> None:
    """Asking needs the scope for votes; a token that may only send alerts or read may not."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    assert (await http.post("/runs", json=WISH, headers=headers)).status_code == status
    assert sink.routed == []


@pytest.mark.parametrize(
    ("change", "status", "reason", "said"),
    [
        ({"rule": "disk-ful"}, 404, "unknown_rule", "did you mean disk-full?"),
        ({"labels": {}}, 422, "incomplete_request", "give -l vg=…"),
        ({"target": None}, 422, "incomplete_request", "give --target … or -l instance=…"),
        ({"labels": {"vg": "-x"}}, 422, "incomplete_request", "does not match its pattern"),
        ({"labels": {"vg": "data", "requested_by": "bob@example.com"}}, 422, "incomplete_request", "leave them out"),
    ],
)
async def test_what_cannot_be_run_says_what_to_give(
    http: httpx.AsyncClient, sink: RecordingSink, change: dict[str, Any], status: int, reason: str, said: str
) -> None:
    """An unknown rule, missing and unfitting labels are problems with a reason of their own."""
    answer = await http.post("/runs", json=WISH | change, headers=ALICE)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["type"] == f"urn:lumen:problem:{reason}"
    assert said in answer.json()["detail"]
    assert sink.routed == []


async def test_a_rule_that_matches_first_is_a_conflict(
    http: httpx.AsyncClient, sink: RecordingSink, rulebook: Rulebook
) -> None:
    """409 names the rule that these labels fall under."""
    rulebook.rules = {
        "early": {"name": "early", "match": ['instance="host1:9100"'], "actions": [{"proof": True}]},
        **rulebook.rules,
    }
    rulebook.write()
    answer = await http.post("/runs", json=WISH, headers=ALICE)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:lumen:problem:other_rule")
    assert '"early"' in answer.json()["detail"]
    assert sink.routed == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{",
        b"{}",
        b'{"rule":5}',
        b'{"rule":"disk-full","target":5}',
        b'{"rule":"disk-full","target":"\\u0000"}',
        b'{"rule":"disk-full","labels":[]}',
        b'{"rule":"disk-full","labels":{"vg":5}}',
        b'{"rule":"disk-full","labels":{"vg":"\\ud800"}}',
        b'{"rule":"disk-full","annotations":"x"}',
        b'{"rule":"disk-full","reason":5}',
        b'{"rule":"disk-full","target":"h","labels":{"vg":"d"},"dry_run":true}',
        b'{"rule":"disk-full","reason":"' + b"x" * 2001 + b'"}',
        b'{"rule":"disk-full","target":"h","labels":{"vg":"d"},"annotations":{"a":"' + b"x" * 300_000 + b'"}}',
    ],
)
async def test_a_body_that_cannot_be_read_is_a_400(
    http: httpx.AsyncClient, sink: RecordingSink, content: bytes
) -> None:
    """Nothing is started, and nothing answers 5xx."""
    answer = await http.post("/runs", content=content, headers=ALICE)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert sink.routed == []


async def test_a_field_that_is_not_understood_is_named(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """It may have been meant to keep the rule from running, so nothing runs."""
    answer = await http.post("/runs", json=WISH | {"dry_run": True}, headers=ALICE)
    assert (answer.status_code, '"dry_run" is no field of a request' in answer.json()["detail"]) == (400, True)
    assert not sink.routed


async def test_temporal_down(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """What Temporal did not take was not accepted: 503, to be repeated."""
    sink.error = UnreachableError("Temporal cannot be reached")
    answer = await http.post("/runs", json=WISH, headers=ALICE)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


async def test_a_get_starts_nothing(http: httpx.AsyncClient) -> None:
    """Only a POST does."""
    assert (await http.get("/runs", headers=ALICE)).status_code == 405


async def test_no_webhook_can_make_a_request(rulebook: Rulebook, episodes: FakeEpisodes) -> None:
    """An alert that is sent, whatever it calls itself, never gets into the key space of requests."""
    sink = RecordingSink()
    edge = make_edge(sink, episodes, embedded=True, rules=lambda: load(rulebook.folder))

    def find_rule(alert: Any) -> str | None:
        rule = rule_for(alert, load(rulebook.folder))
        return rule.name if rule else None

    object.__setattr__(edge, "reception", Reception(find_rule, sink, edge.metrics))
    alert = {
        "labels": {"alertname": "DiskFull", "instance": "h", "vg": "d", "requested_by": "alice@example.com"},
        "source": "request",
        "status": "firing",
    }
    headers = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
    async with client_of(create_app(edge)) as client:
        for path in ("/webhook", "/webhooks/grafana"):
            body = {"alerts": [alert], "source": "request"}
            assert (await client.post(path, json=body, headers=headers)).status_code == 202
        assert (await client.post("/alert", json=alert, headers=headers)).status_code == 200
    assert {routed.source for routed, _ in sink.routed} == {"alertmanager", "grafana"}
    assert [routed.requester for routed, _ in sink.routed] == ["", "", ""]
