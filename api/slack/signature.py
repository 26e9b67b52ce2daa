"""Slack's signature over the raw body of a request: https://docs.slack.dev/authentication/verifying-requests-from-slack/."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from fastapi import Request
from slack_sdk.signature import Clock, SignatureVerifier

from api.problems import Problem

WINDOW_SECONDS = 300
_TIMESTAMP = "x-slack-request-timestamp"
_SIGNATURE = "x-slack-signature"


class _Clock(Clock):
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now

    def now(self) -> float:
        return self._now().timestamp()


class Signatures:
    """Checks requests by the signing secrets of one app: while they are changed there are two."""

    def __init__(self, secrets: Sequence[str]) -> None:
        """Keep the secrets."""
        self._secrets = tuple(secrets)

    def sent_at(self, request: Request, now: Callable[[], datetime]) -> datetime:
        """Return the time in the headers, to the second, before anything of the body is read.

        Raises:
            Problem: 401, not exactly one signature and one time stamp, or not of the last or next 300 seconds.

        """
        stamps, signatures = request.headers.getlist(_TIMESTAMP), request.headers.getlist(_SIGNATURE)
        if len(stamps) != 1 or len(signatures) != 1 or not stamps[0].isascii() or not stamps[0].isdecimal():
            raise _refused()
        # Longer numbers are no time, and Python refuses to convert the longest ones.
        seconds = int(stamps[0]) if len(stamps[0]) <= 12 else 0
        if abs(now().timestamp() - seconds) > WINDOW_SECONDS:
            raise _refused()
        return datetime.fromtimestamp(seconds, UTC)

    def check(self, request: Request, body: bytes, now: Callable[[], datetime]) -> None:
        """Raise :class:`Problem` 401 unless Slack signed exactly this ``body`` with the time in the headers."""
        stamp, signature = request.headers[_TIMESTAMP], request.headers[_SIGNATURE]
        try:
            valid = [
                SignatureVerifier(secret, _Clock(now)).is_valid(body, stamp, signature) for secret in self._secrets
            ]
        except Exception:  # noqa: BLE001  # it raises on a body that is no UTF-8 and on a signature that is no ASCII
            valid = []
        if not any(valid):
            raise _refused()


def _refused() -> Problem:
    detail = (
        "this was not signed by Slack with SLACK_SIGNING_SECRET in the last 300 seconds: check the secret and the clock"
    )
    return Problem(401, detail, reason="signature")
