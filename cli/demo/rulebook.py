"""The rule and the policy of the demo, as a person would write them."""

from __future__ import annotations

import json
from pathlib import Path

ALERT = "DemoServiceHangs"
JOB = "demo"
SEVERITY = "critical"
VOTERS = ("alice@example.com", "bob@example.com")
ACTION = "restart"

_POLICY = f"""\
approver_allowlist: [{", ".join(VOTERS)}]
severity:
  {SEVERITY}: {{approve: 2, reject: 1}}
  default: {{approve: 2, reject: 1}}
"""


def write(folder: Path, pid_file: Path, *, condition: bool) -> None:
    """Write both files into the new folder; with ``condition`` the rule asks Prometheus before anything runs."""
    folder.mkdir(mode=0o700)
    (folder / "policy.yaml").write_text(_POLICY, encoding="utf-8")
    when = f"""    when: 'up{{job="{JOB}", instance="{{labels.instance}}"}} == 0'\n""" if condition else ""
    (folder / "demo.yaml").write_text(
        f"""\
rules:
  - alert: {ALERT}
    target: "{{labels.instance}}"
{when}    actions:
      - name: {ACTION}
        cmd: [python, -m, cli.demo.restart, {json.dumps(str(pid_file), ensure_ascii=False)}]
        timeout: 30
    cooldown: 60
""",
        encoding="utf-8",
    )
