"""Notifications as real senders send them."""

from __future__ import annotations

import copy
from typing import Any

ALERTMANAGER_0_25: dict[str, Any] = {
    "receiver": "ok",
    "status": "firing",
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "RealUp", "instance": "127.0.0.1:9090", "severity": "warning"},
            "annotations": {"runbook_url": "https://rb/x", "summary": "it is up"},
            "startsAt": "2026-11-22T07:00:29.632Z",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "http://vm:9090/graph?g0.expr=up&g0.tab=1",
            "fingerprint": "0aa043e5d176c819",
        }
    ],
    "groupLabels": {},
    "commonLabels": {"alertname": "RealUp"},
    "commonAnnotations": {},
    "externalURL": "http://vm:9093",
    "version": "4",
    "groupKey": '{}:{alertname="RealUp"}',
    "truncatedAlerts": 0,
}
"""As captured from Alertmanager 0.25.0 (values shortened)."""

ALERTMANAGER_0_34: dict[str, Any] = copy.deepcopy(ALERTMANAGER_0_25) | {
    "notification_reason": "first notification",
    "routeLabels": {"team": "ops"},
}
"""Not captured: 0.25's form with the two fields that the source of Alertmanager 0.34 adds."""

GRAFANA: dict[str, Any] = {
    "receiver": "My Super Webhook",
    "status": "firing",
    "orgId": 1,
    "alerts": [
        {
            "status": "firing",
            "labels": {"alertname": "High memory usage", "team": "blue", "zone": "us-1"},
            "annotations": {"description": "The system has high memory usage", "summary": "This alert was triggered"},
            "startsAt": "2021-10-12T09:51:03.157076+02:00",
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "https://play.grafana.org/alerting/1afz29v7z/edit",
            "fingerprint": "c6eadffa33fcdf37",
            "silenceURL": "https://play.grafana.org/alerting/silence/new?alertmanager=grafana",
            "dashboardURL": "",
            "panelURL": "",
            "values": {"B": 44.23943737541908, "C": 1},
        },
        {
            "status": "resolved",
            "labels": {"alertname": "DatasourceNoData", "team": "blue", "zone": "eu-1"},
            "annotations": {},
            "startsAt": "2021-10-12T09:56:03.157076+02:00",
            "endsAt": "2021-10-12T10:01:03.157076+02:00",
            "generatorURL": "https://play.grafana.org/alerting/d1rdpdv7k/edit",
            "fingerprint": "bc97ff14869b13e3",
            "values": None,
        },
    ],
    "groupLabels": {},
    "commonLabels": {"team": "blue"},
    "commonAnnotations": {},
    "externalURL": "https://play.grafana.org/",
    "version": "1",
    "groupKey": "{}:{}",
    "truncatedAlerts": 0,
    "title": "[FIRING:2]  (blue)",
    "state": "alerting",
    "message": "**Firing**",
}
"""Not captured: the form of Grafana's documentation of its webhook contact point."""


def notification(*alerts: Any, **top: Any) -> dict[str, Any]:
    """Return an Alertmanager notification with these alerts."""
    return copy.deepcopy(ALERTMANAGER_0_25) | {"alerts": list(alerts)} | top


def alert(name: str = "DiskFull", **fields: Any) -> dict[str, Any]:
    """Return one firing alert; ``labels`` are added to its name."""
    labels = {"alertname": name} | fields.pop("labels", {})
    return {"status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-11-22T07:00:29.632Z"} | fields
