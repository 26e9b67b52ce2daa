"""Grafana-managed alerts: Alertmanager's skeleton with ``version`` 1 and a ``state`` that says nothing per alert.

Fingerprints live in another space than Alertmanager's, hence a source of its own. ``DatasourceNoData`` and
``DatasourceError`` are alert names like any other: a rule matches them or not.
Format: https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/integrations/webhook-notifier/
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from api.intakes.protocol import Notification
from api.intakes.skeleton import parse_notification


class GrafanaIntake:
    """Notifications of Grafana's webhook contact point."""

    source = "grafana"

    def parse(self, payload: Any, received_at: datetime) -> Notification:
        """Return the alerts in ``payload``; see :func:`parse_notification`."""
        return parse_notification(payload, self.source, received_at)
