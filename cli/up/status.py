"""What ``lumen up`` prints when everything runs."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cli.datadir import SECRETS_FILE, WEBHOOK_TOKEN_FILE
from cli.settings import local_url
from cli.up.plan import Plan
from lumen.redaction import Redactor
from lumen.setting_types import Address


def addresses(plan: Plan) -> dict[str, str]:
    """Return the URL of everything that runs."""
    settings = plan.settings
    ui = local_url(Address("127.0.0.1", settings.temporal_ui_port))
    return {
        "api": local_url(settings.api_addr),
        **({"temporal_ui": ui} if plan.own_temporal else {}),
        "temporal": settings.temporal_address,
        "proofd_head": Redactor([]).text(f"{settings.proofd_url}/head"),
        "worker_metrics": f"{local_url(settings.worker_addr)}/metrics",
        "webhook": f"{local_url(settings.api_addr)}/webhooks/alertmanager",
    }


@dataclass(frozen=True)
class Loaded:
    """How many rules there are, and an alert that one without a condition matches ("" if there is none)."""

    count: int
    alert: str


def as_json(plan: Plan, rules: Loaded) -> dict[str, Any]:
    """Return the status as one JSON document; secrets by the files they are in."""
    return {
        "status": "running",
        **addresses(plan),
        "rules": {"folder": plan.settings.rules, "count": rules.count},
        "data_dir": str(plan.data_dir),
        "secrets_file": str(plan.data_dir / SECRETS_FILE),
        "webhook_token_file": str(plan.data_dir / WEBHOOK_TOKEN_FILE),
        "logs": str(plan.data_dir / "logs"),
    }


def as_text(plan: Plan, rules: Loaded) -> str:
    """Return the status as a block of lines for a person."""
    where = addresses(plan)
    data_dir = plan.data_dir
    ui = [("Temporal UI", where["temporal_ui"])] if "temporal_ui" in where else []
    fields = [
        ("API", where["api"]),
        *ui,
        ("Ledger head", where["proofd_head"]),
        ("Worker metrics", where["worker_metrics"]),
        ("Temporal", f"{where['temporal']} (namespace {plan.settings.temporal_namespace})"),
        ("Rules", f"{rules.count} from {plan.settings.rules}"),
        ("Tokens", f"{data_dir / SECRETS_FILE}"),
        ("Logs", f"{data_dir / 'logs'}"),
    ]
    lines = ["Lumen is running. Ctrl-C stops everything; the data stays.", ""]
    lines += [f"  {name:<15} {value}" for name, value in fields]
    lines += ["", "For Alertmanager (alertmanager.yml):", "", alertmanager(where["webhook"], data_dir)]
    if rules.alert:
        lines += [f"Try it: lumen alert send {shlex.quote(rules.alert)} -l instance=host1 -l severity=warning"]
    return "\n".join(lines) + "\n"


def alertmanager(url: str, data_dir: Path, group_interval: str = "1m") -> str:
    """Return a configuration of Alertmanager that sends every alert to ``url``.

    Grouping by ``...`` gives one alert a notification, so that a retry concerns one alert; without ``follow_redirects:
    false`` a redirect would turn the POST into a GET and lose the alert.
    """
    token_file = json.dumps(str(data_dir / WEBHOOK_TOKEN_FILE), ensure_ascii=False)
    return f"""\
route:
  receiver: lumen
  group_by: ['...']
  group_wait: 0s
  group_interval: {group_interval}
  repeat_interval: 4h
receivers:
- name: lumen
  webhook_configs:
  - url: {url}
    send_resolved: true
    max_alerts: 0
    http_config:
      follow_redirects: false
      authorization:
        type: Bearer
        credentials_file: {token_file}
"""
