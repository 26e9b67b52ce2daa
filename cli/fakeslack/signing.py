"""The signature on everything that Slack sends ("Verifying requests from Slack", version v0)."""

from __future__ import annotations

import hashlib
import hmac


def signed_headers(secret: str, body: bytes, timestamp: int) -> dict[str, str]:
    """Return the headers of a form that Slack sends at ``timestamp`` (seconds since the epoch)."""
    basis = f"v0:{timestamp}:".encode() + body
    digest = hmac.new(secret.encode(), basis, hashlib.sha256).hexdigest()
    return {
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
        "X-Slack-Request-Timestamp": str(timestamp),
        "X-Slack-Signature": f"v0={digest}",
    }
