"""What can become of one interaction with Slack: the label of its counter."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """``recorded`` is durable and counted, ``stored`` durable and not counted yet; only ``unsure`` leaves a vote open."""

    RECORDED = "recorded"
    STORED = "stored"
    REFUSED = "refused"
    UNSURE = "unsure"
    TEMPORAL_UNREACHABLE = "temporal_unreachable"
    SLACK_UNREACHABLE = "slack_unreachable"
    UNIDENTIFIED = "unidentified"
    ASKED = "asked"
    INVALID = "invalid"
    IGNORED = "ignored"
    MALFORMED = "malformed"
    UNAUTHORIZED = "unauthorized"
    FAILED = "failed"
