"""The skeleton that the webhooks of Alertmanager (format version 4) and Grafana share; unknown fields are ignored.

Format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from api.body import json_type
from api.errors import PayloadError
from api.intakes.protocol import Notification, Refused
from lumen.alert import Alert, AlertStatus, accepted_fingerprint
from lumen.canonical import canonical_json
from lumen.display import printable, truncate
from lumen.errors import AlertError

ALERT_BYTES = 256 * 1024
ALERTS_A_BODY = 50_000
_COUNT_LIMIT = 2**63


def parse_notification(payload: Any, source: str, received_at: datetime) -> Notification:
    """Return the alerts of one notification. Only each alert's own status counts, never the group's.

    Raises:
        PayloadError: not an object, ``alerts`` not a list, or a wrong type in another top-level field that is used.

    """
    if not isinstance(payload, dict):
        raise PayloadError(f"the body must be a JSON object, not {json_type(payload)}")
    items = payload.get("alerts")
    if not isinstance(items, list):
        raise PayloadError(f'"alerts" must be an array, not {json_type(items)}')
    if len(items) > ALERTS_A_BODY:
        raise PayloadError(f'"alerts" holds {len(items)} alerts; at most {ALERTS_A_BODY} fit in one body')
    group_key = _top_level_text(payload, "groupKey")
    external_url = _top_level_text(payload, "externalURL")
    _top_level_text(payload, "status")
    _top_level_text(payload, "receiver")
    truncated = _count(payload, "truncatedAlerts")
    alerts = tuple(_alert_or_refusal(item, source, received_at, group_key, external_url) for item in items)
    return Notification(source, alerts, truncated)


def parse_alert(item: Any, source: str, received_at: datetime, group_key: str = "", external_url: str = "") -> Alert:
    """Return the alert in ``item``; labels with an empty value are dropped, as Prometheus does.

    Raises:
        AlertError: what makes it unusable.

    """
    if not isinstance(item, dict):
        raise AlertError(f"an alert must be an object, not {json_type(item)}")
    labels = {name: value for name, value in texts(item, "labels", "label").items() if value}
    if not labels.get("alertname"):
        raise AlertError('the label "alertname" is missing or empty')
    status = text(item, "status") or AlertStatus.FIRING
    if status not in list(AlertStatus):
        raise AlertError('"status" must be "firing" or "resolved"')
    alert = Alert(
        source=source,
        fingerprint=accepted_fingerprint(item.get("fingerprint"), labels),
        labels=labels,
        received_at=received_at,
        annotations=texts(item, "annotations", "annotation"),
        status=AlertStatus(status),
        starts_at=text(item, "startsAt"),
        ends_at=text(item, "endsAt"),
        generator_url=text(item, "generatorURL"),
        group_key=group_key,
        external_url=external_url,
    )
    check_size(alert)
    return alert


def check_size(alert: Alert) -> None:
    """Raise :class:`AlertError` if ``alert`` is larger than Lumen takes."""
    if len(canonical_json(asdict(alert) | {"received_at": ""})) > ALERT_BYTES:
        raise AlertError(f"the alert is larger than {ALERT_BYTES} bytes")


def _alert_or_refusal(
    item: Any, source: str, received_at: datetime, group_key: str, external_url: str
) -> Alert | Refused:
    try:
        return parse_alert(item, source, received_at, group_key, external_url)
    except AlertError as error:
        return Refused(str(error))


def texts(item: dict[str, Any], field: str, what: str) -> dict[str, str]:
    """Return the object of strings under ``field``, empty if there is none; ``what`` names one of them in an error.

    Raises:
        AlertError: it is something else, or holds what cannot be stored.

    """
    values = item.get(field)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise AlertError(f'"{field}" must be an object, not {json_type(values)}')
    for name, value in values.items():
        if not isinstance(value, str):
            raise AlertError(f"the {what} {_shown(name)} must be a string, not {json_type(value)}")
        if not _storable(name) or not _storable(value):
            raise AlertError(f"the {what} {_shown(name)} holds a NUL or half a surrogate pair")
    return dict(values)


def text(item: dict[str, Any], field: str) -> str:
    """Return the string under ``field``, "" if there is none; raises :class:`AlertError` as :func:`texts`."""
    value = item.get(field)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise AlertError(f'"{field}" must be a string, not {json_type(value)}')
    if not _storable(value):
        raise AlertError(f'"{field}" holds a NUL or half a surrogate pair')
    return value


def _top_level_text(payload: dict[str, Any], field: str) -> str:
    try:
        return text(payload, field)
    except AlertError as error:
        raise PayloadError(str(error)) from None


def _count(payload: dict[str, Any], field: str) -> int:
    value = payload.get(field)
    if value is None:
        return 0
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < _COUNT_LIMIT:
        raise PayloadError(f'"{field}" must be a whole number that is not negative')
    return value


def _shown(name: str) -> str:
    return '"' + truncate(printable(name), 80) + '"'


def _storable(text: str) -> bool:
    """Return whether ``text`` can be stored: PostgreSQL refuses a NUL, UTF-8 refuses half a surrogate pair."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\x00" not in text
