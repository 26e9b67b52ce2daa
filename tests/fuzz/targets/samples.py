"""What well-meaning senders send."""

from __future__ import annotations

import json
from typing import Any

ALERT = {"labels": {"alertname": "A", "severity": "page"}, "annotations": {"summary": "x"}, "status": "firing"}
MORE = {
    "startsAt": "2026-01-31T12:00:00.5Z",
    "endsAt": "0001-01-01T00:00:00Z",
    "fingerprint": "0123456789abcdef",
    "generatorURL": "http://x",
}
BODY = {
    "version": "4",
    "groupKey": "{}:{}",
    "truncatedAlerts": 1,
    "status": "firing",
    "receiver": "r",
    "externalURL": "http://x",
}
NOTIFICATION = json.dumps({**BODY, "alerts": [ALERT | MORE, ALERT]}).encode()
CLICK: dict[str, Any] = {
    "type": "block_actions",
    "team": {"id": "T1"},
    "api_app_id": "A1",
    "user": {"id": "U1", "team_id": "T1"},
    "channel": {"id": "C1"},
    "response_url": "https://hooks.slack.com/x",
    "trigger_id": "1.2.a",
    "container": {"message_ts": "1763801000.000100"},
    "actions": [
        {
            "action_id": "lumen.reject",
            "action_ts": "1763801000.000100",
            "value": json.dumps({"k": "a-1", "a": "x.1", "d": "sha256:0"}),
        }
    ],
}
KEPT = json.dumps({"k": "a-1", "a": "x.1", "d": "sha256:0", "channel": "C1", "at": "1763801000.000100"})
FORM = CLICK | {
    "type": "view_submission",
    "view": {
        "id": "V1",
        "callback_id": "lumen.reject",
        "private_metadata": KEPT,
        "state": {"values": {"reason": {"reason": {"value": "no"}}}},
    },
}
JSON = (
    b"null",
    b"true",
    b"[]",
    b"{}",
    b'""',
    b"1e999",
    b"-0",
    b"9" * 5000,
    b"NaN",
    b"\\ud800",
    b"\\u0000",
    b"\xef\xbb\xbf",
    b"[" * 2000,
    b",",
    b":",
    b'"',
)
TOKENS = f"""{"0" * 64}: {{actor: alice@example.com, scopes: [read, vote]}}
{"ab" * 32}: {{actor: bob, scopes: [command]}}
""".encode()
VOTE = {
    "decision": "approve",
    "actor": "alice@example.com",
    "reason": "x",
    "approval_id": "a",
    "digest": "d",
    "at": "2026-01-31T12:00:00Z",
}
