"""``lumen doctor``: the list of everything that it looks at. A new check is one function and one line here."""

from __future__ import annotations

import os

from cli.doctor import (
    clusters,
    ledger,
    machine,
    ports,
    processes,
    rule_files,
    services,
    settings,
    stuck,
    temporal,
    tokens,
)
from cli.doctor.clock import clock
from cli.doctor.finding import Check

CHECKS: tuple[Check, ...] = (
    Check("lumen", processes.lumen),
    Check("settings", settings.settings),
    Check("tokens-file", settings.tokens_file),
    Check("secret-files", settings.secret_files),
    Check("data-dir", machine.data_dir),
    Check("disk", machine.Disk(os.statvfs)),
    Check("programs", machine.programs),
    Check("ports", ports.ports),
    Check("rules", rule_files.rules),
    Check("commands", rule_files.commands),
    Check("temporal", temporal.temporal),
    Check("search-attributes", temporal.search_attributes),
    Check("workers", temporal.workers),
    Check("proofd", ledger.proofd),
    Check("proofd-token", ledger.token),
    Check("ledger", ledger.ledger),
    Check("api", processes.api),
    Check("api-token", tokens.api_token),
    Check("webhook-token", tokens.webhook_token),
    Check("worker", processes.worker),
    Check("versions", processes.versions),
    Check("stuck", stuck.stuck),
    Check("public-url", processes.public_url),
    Check("prometheus", services.prometheus),
    Check("alertmanager", services.alertmanager),
    Check("notify-webhook", services.notify_webhook),
    Check("control-bus", services.control_bus),
    Check("kubernetes", clusters.kubernetes),
    Check("anchor", services.anchor),
    Check("clock", clock),
)
