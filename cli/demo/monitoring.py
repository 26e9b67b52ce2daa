"""Real Prometheus and Alertmanager for the demo: found where they are installed, set up to be quick."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.demo.rulebook import ALERT, JOB, SEVERITY
from cli.up import status
from lumen.setting_types import Address

_PROMETHEUS = ("prometheus",)
_ALERTMANAGER = ("prometheus-alertmanager", "alertmanager")
"""Debian's name first: there, the other one may be something else."""


@dataclass(frozen=True)
class Programs:
    """The paths of both programs."""

    prometheus: str
    alertmanager: str


def find(environ: Mapping[str, str]) -> Programs | str:
    """Return the programs that are on the ``PATH`` of ``environ``, or the names of those that are not, as text."""
    found = [_first(names, environ.get("PATH", "")) for names in (_PROMETHEUS, _ALERTMANAGER)]
    missing = [name for name, path in zip(("Prometheus", "Alertmanager"), found, strict=True) if not path]
    return " and ".join(missing) if missing else Programs(*found)


def _first(names: tuple[str, ...], path: str) -> str:
    return next((found for name in names if (found := shutil.which(name, path=path))), "")


def alertmanager(program: str, folder: Path, address: Address, webhook: str) -> tuple[str, ...]:
    """Write the configuration that `lumen up` prints, with quicker groups, and return the argv.

    ``folder`` is the data directory of Lumen, where the token of the webhook is.
    """
    config = folder / "alertmanager.yml"
    config.write_text(status.alertmanager(webhook, folder, group_interval="1s"), encoding="utf-8")
    return (
        *(program, f"--config.file={config}", f"--storage.path={folder / 'alertmanager'}"),
        *(f"--web.listen-address={address}", "--cluster.listen-address=", "--log.level=warn"),
    )


def prometheus(program: str, folder: Path, address: Address, posting: Address, target: Address) -> tuple[str, ...]:
    """Write a configuration that looks at ``target`` every second and tells Alertmanager at ``posting``; return the argv."""
    config = folder / "prometheus.yml"
    (folder / "prometheus-rules.yml").write_text(_RULES, encoding="utf-8")
    config.write_text(
        f"""\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: [prometheus-rules.yml]
scrape_configs:
- job_name: {JOB}
  static_configs:
  - targets: ["{target}"]
alerting:
  alertmanagers:
  - static_configs:
    - targets: ["{posting}"]
""",
        encoding="utf-8",
    )
    return (
        *(program, f"--config.file={config}", f"--storage.tsdb.path={folder / 'prometheus'}"),
        *(f"--web.listen-address={address}", "--log.level=warn"),
    )


_RULES = f"""\
groups:
- name: demo
  rules:
  - alert: {ALERT}
    expr: up{{job="{JOB}"}} == 0
    labels: {{severity: {SEVERITY}}}
    annotations: {{summary: "{{{{ $labels.instance }}}} does not answer"}}
"""
