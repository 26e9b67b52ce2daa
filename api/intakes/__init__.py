"""The registry of intakes: a new sender is one file and one line here."""

from __future__ import annotations

from api.intakes.alertmanager import AlertmanagerIntake
from api.intakes.grafana import GrafanaIntake
from api.intakes.protocol import Intake

INTAKES: dict[str, Intake] = {
    "/webhook": AlertmanagerIntake(),
    "/webhooks/alertmanager": AlertmanagerIntake(),
    "/webhooks/grafana": GrafanaIntake(),
}
"""The intake of each webhook path, without a trailing slash."""
