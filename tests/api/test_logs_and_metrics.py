from __future__ import annotations

import logging
from typing import Any

import httpx
import pytest

from tests.api.fakes import READ_TOKEN, WEBHOOK_TOKEN, RecordingSink
from tests.api.payloads import ALERTMANAGER_0_25, alert, notification

AUTH = {"Authorization": f"Bearer {WEBHOOK_TOKEN}"}
READ = {"Authorization": f"Bearer {READ_TOKEN}"}


def extras(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the record says beside its message."""
    return {name: vars(record)[name] for name in ("method", "path", "status", "alerts") if name in vars(record)}


async def test_one_line_a_request(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """Each request is one line with method, path template, status, duration and the number of alerts."""
    with caplog.at_level(logging.INFO, "lumen.api"):
        await http.post("/webhook/", json=notification(alert("A"), alert("B")), headers=AUTH)
        await http.get("/alerts/alertmanager-secretkey", headers=READ)
        await http.get("/who/knows")
    assert [extras(record) for record in caplog.records] == [
        {"method": "POST", "path": "/webhook/", "status": 202, "alerts": 2},
        {"method": "GET", "path": "/alerts/{key}", "status": 404},
        {"method": "GET", "path": "-", "status": 404},
    ]
    assert all(vars(record)["duration_ms"] >= 0 for record in caplog.records)


async def test_nothing_secret_in_the_log(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """No token, header, query string or body ever stands in the log, on any level."""
    with caplog.at_level(logging.DEBUG):
        await http.get("/alerts?rule=query-secret&after=other-secret", headers=READ)
        await http.get(f"/get?key=query-secret&token={WEBHOOK_TOKEN}", headers=READ)
        await http.post("/webhook?token=query-secret", content=b'{"body-secret"', headers=AUTH)
        await http.get("/path-secret%0d%0ainjected")
        await http.get("/metrics")
    text = "\n".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records if record.name == "lumen.api")
    assert text
    for secret in ("secret", WEBHOOK_TOKEN, READ_TOKEN, "injected"):
        assert secret not in text


async def test_probes_are_quiet(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    """Probes and scrapes do not fill the log while all is well."""
    with caplog.at_level(logging.INFO, "lumen.api"):
        for path in ("/healthz", "/readyz", "/-/healthy", "/-/ready", "/metrics"):
            await http.get(path)
    assert caplog.records == []


async def test_everything_starts_at_zero(http: httpx.AsyncClient) -> None:
    """Every label set is there before its first event, so that a rate over it is never missing."""
    text = (await http.get("/metrics")).text
    for source in ("alertmanager", "grafana"):
        for result in ("started", "updated", "resolved", "queued", "unmatched", "not_open", "refused"):
            assert f'lumen_alerts_total{{result="{result}",source="{source}"}} 0.0' in text
    for code in (202, 400, 401, 403, 405, 408, 413, 500, 503):
        assert f'lumen_webhook_requests_total{{code="{code}"}} 0.0' in text
    for action in ("approve", "reject", "override_approve", "override_reject", "override_cancel", "override_retry"):
        assert f'lumen_api_ballots_total{{action="{action}"}} 0.0' in text
    assert "lumen_alerts_truncated_total 0.0" in text
    assert "lumen_webhook_duration_seconds_count 0.0" in text
    assert 'lumen_build_info{version="1.2.3"} 1.0' in text


async def test_webhooks_are_counted(http: httpx.AsyncClient, sink: RecordingSink) -> None:
    """Requests count by status, alerts by result, and other routes not at all."""
    await http.post("/webhook", json=notification(alert("A"), alert("NoRuleForThis"), 3), headers=AUTH)
    await http.post("/webhooks/grafana/", json=notification(alert("A")), headers=AUTH)
    await http.post("/webhook", content=b"", headers=AUTH)
    await http.post("/webhook", content=b'{"alerts":[1,2]}', headers=AUTH)
    await http.post("/webhook", json=ALERTMANAGER_0_25)
    await http.get("/webhook")
    await http.get("/alerts", headers=READ)
    sink.error = TimeoutError()
    await http.post("/webhook", json=ALERTMANAGER_0_25, headers=AUTH)
    text = (await http.get("/metrics")).text
    for code, count in {202: 2, 400: 2, 401: 1, 405: 1, 503: 1, 500: 0}.items():
        assert f'lumen_webhook_requests_total{{code="{code}"}} {count}.0' in text
    for result, count in {"started": 1, "unmatched": 1, "refused": 3}.items():
        assert f'lumen_alerts_total{{result="{result}",source="alertmanager"}} {count}.0' in text
    assert 'lumen_alerts_total{result="started",source="grafana"} 1.0' in text
    assert "lumen_webhook_duration_seconds_count 7.0" in text


async def test_metrics_format(http: httpx.AsyncClient) -> None:
    """The scraper chooses the format."""
    plain = await http.get("/metrics")
    modern = await http.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert plain.headers["content-type"].startswith("text/plain")
    assert modern.headers["content-type"].startswith("application/openmetrics-text")
    assert modern.text.endswith("# EOF\n")
