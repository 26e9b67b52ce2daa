"""Alertmanager's webhook, format version 4 (0.25 to 0.34: newer fields are ignored)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.intakes.protocol import Notification
from api.intakes.skeleton import parse_notification


class AlertmanagerIntake:
    """Notifications of Prometheus' Alertmanager; the API and the CLI send in the same key space."""

    source = "alertmanager"

    def parse(self, payload: Any, received_at: datetime) -> Notification:
        """Return the alerts in ``payload``; see :func:`parse_notification`."""
        return parse_notification(payload, self.source, received_at)
