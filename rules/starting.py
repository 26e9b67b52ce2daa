"""The text of a new file of rules: one commented rule to begin with, for each kind of action. Pure."""

from __future__ import annotations

import re

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_-]*")
_OTHER_MEANING = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})

ACTIONS: dict[str, str] = {
    "cmd": """\
      - name: fix
        # A program and its arguments; no shell runs. One placeholder stays inside one argument, whatever its value.
        cmd: [/bin/echo, "put the program that helps here", "{labels.instance}"]
        timeout: 1m
        # idempotent: true                     # only if running it twice does what running it once does; allows retry
""",
    "http": """\
      - name: fix
        http:
          method: POST
          # Placeholders in path and query only; they are percent-encoded there.
          url: "https://automation.example.com/hosts/{labels.instance}/restart"
          json: {reason: "an alert fires on {labels.instance}"}
        timeout: 15
        # idempotent: true                     # the header Idempotency-Key carries the key of the action
""",
    "control_bus": """\
      - name: fix
        # Posted to CONTROL_BUS_TARGET. Placeholders inside strings of args.
        control_bus: {command: restart-service, args: {instance: "{labels.instance}"}}
        timeout: 30
""",
    "kubernetes": """\
      - name: fix
        # Exactly one verb: scale, restart, delete_pod, cordon, uncordon. Placeholders in names only.
        kubernetes:
          restart: {namespace: "{labels.namespace}", deployment: "{labels.deployment}"}
        timeout: 5m
""",
}
"""A first action of each kind that changes something, as it stands below ``actions:``."""

_TARGETS = {"kubernetes": "{labels.namespace}/{labels.deployment}"}
_PARAMS = {"kubernetes": ("labels.namespace", "labels.deployment")}
_PATTERNS = {
    "labels.instance": "[A-Za-z0-9][A-Za-z0-9.:-]*",
    "labels.namespace": "[a-z0-9][a-z0-9-]*",
    "labels.deployment": "[a-z0-9][a-z0-9.-]*",
}


def starter(name: str, alert: str, kind: str) -> str:
    """Return a file with one rule called ``name`` for ``alert``, whose action is of ``kind`` (a key of :data:`ACTIONS`).

    It is a dry run, and the rule waits for people as the policy says.
    """
    params = "".join(f"      {param}: '{_PATTERNS[param]}'\n" for param in _PARAMS.get(kind, ("labels.instance",)))
    target = _TARGETS.get(kind, "{labels.instance}")
    return f"""\
# Made by `lumen rules new`. After every change: lumen rules check
# What it would do about an alert: lumen alert explain -l alertname={_word(alert)} -l instance=host1:9100

rules:
  - name: {_quoted(name)}
    alert: {_quoted(alert)}
    # match: ['severity=~"critical|page"']     # only these; all matchers must hold
    mode: approve                              # shadow (asks nobody, never acts), approve, or auto (asks nobody, acts)
    dry_run: true                              # everything is real but the act; remove it when you trust the rule
    target: "{target}"
    # when: 'up{{instance="{{labels.instance}}"}} == 0'   # PromQL: still true? asked before people are, and again after
    # approval: {{approve: 2, timeout: 1h}}       # overrides the policy key by key
    params:                                    # what the labels may look like: RE2, the whole value must match
{params}    actions:
{ACTIONS[kind]}    cooldown: 10m
    # limits: {{attempts: 3, max_runs: 5, per: 1h, max_targets: 10}}
    # runbook_url: https://wiki.example.com/runbooks/this-alert
"""


def file_name(name: str) -> str:
    """Return the name of the file for a rule called ``name``; empty if nothing of the name can stand in one."""
    stem = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
    return f"{stem[:80]}.yaml" if stem else ""


def _quoted(text: str) -> str:
    if _PLAIN.fullmatch(text) and text.lower() not in _OTHER_MEANING:
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _word(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else "…"
