"""An alert as Lumen keeps it, and the key that makes it one episode."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

_FNV_OFFSET = 14695981039346656037
_FNV_PRIME = 1099511628211
_MASK = 0xFFFFFFFFFFFFFFFF
_FINGERPRINT = re.compile(r"[0-9a-f]{16}")

SOURCE_REQUEST = "request"
"""The source of an alert that no sender raised: a person asked for a rule to run. No webhook can give it."""

REQUESTED_BY = "requested_by"
"""The label of a requested alert that names the person who asked."""

REASON = "reason"
"""The annotation of a requested alert that says why."""


class AlertStatus(StrEnum):
    """Alertmanager's two states of an alert."""

    FIRING = "firing"
    RESOLVED = "resolved"


def fingerprint(labels: dict[str, str]) -> str:
    """Return the 16 hex digits that Prometheus gives to this label set.

    64-bit FNV-1a over the labels sorted by name, each as name, 0xFF, value, 0xFF: ``LabelSet.Fingerprint`` of
    prometheus/common/model.
    """
    value = _FNV_OFFSET
    for name in sorted(labels, key=lambda text: text.encode("utf-8")):
        for part in (name, labels[name]):
            for byte in part.encode("utf-8") + b"\xff":
                value = ((value ^ byte) * _FNV_PRIME) & _MASK
    return f"{value:016x}"


def accepted_fingerprint(sent: object, labels: dict[str, str]) -> str:
    """Return the sender's fingerprint if it is one (16 hex digits), else Prometheus' own over ``labels``."""
    if isinstance(sent, str) and _FINGERPRINT.fullmatch(sent.lower()):
        return sent.lower()
    return fingerprint(labels)


@dataclass(frozen=True)
class Alert:
    """One alert of one notification.

    ``starts_at``, ``group_key`` and ``external_url`` are what the sender said: data, never identity. ``received_at`` is
    Lumen's own clock at the edge and orders the notifications of one episode. ``asked_before``: who else asked for this in
    the same episode; the episode writes it, no sender.
    """

    source: str
    fingerprint: str
    labels: dict[str, str]
    received_at: datetime
    annotations: dict[str, str] = field(default_factory=dict)
    status: AlertStatus = AlertStatus.FIRING
    starts_at: str = ""
    ends_at: str = ""
    generator_url: str = ""
    group_key: str = ""
    external_url: str = ""
    asked_before: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """The episode's key, ``<source>-<fingerprint>``."""
        return f"{self.source}-{self.fingerprint}"

    @property
    def name(self) -> str:
        """The label ``alertname``, or nothing."""
        return self.labels.get("alertname", "")

    @property
    def severity(self) -> str:
        """The label ``severity``, or nothing."""
        return self.labels.get("severity", "")

    @property
    def requested(self) -> bool:
        """Whether a person asked for this, so that nothing fires and nothing will resolve it."""
        return self.source == SOURCE_REQUEST

    @property
    def requester(self) -> str:
        """Who asked for it, or nothing: the label counts only where the source is ``request``, since anybody may set it."""
        return self.labels.get(REQUESTED_BY, "") if self.requested else ""

    @property
    def requesters(self) -> tuple[str, ...]:
        """Everybody who asked for it in this episode, each once, whoever asked last first."""
        asked = (self.requester, *self.asked_before) if self.requested else ()
        return tuple(dict.fromkeys(person for person in asked if person))

    @property
    def firing(self) -> bool:
        """Whether this notification says that the alert fires."""
        return self.status == AlertStatus.FIRING
