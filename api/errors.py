"""What can go wrong at the HTTP edge; ``problems`` turns each into one HTTP answer."""

from __future__ import annotations

from lumen.errors import LumenError


class PayloadError(LumenError, ValueError):
    """A body cannot be read: not JSON, wrong types at the top level, or no alert in it that can be accepted."""

    reason = "bad_payload"


class ParameterError(LumenError, ValueError):
    """A part of the path or of the query string cannot be used."""

    reason = "bad_parameter"


class UnreachableError(LumenError):
    """Temporal did not take or answer the call: nothing is committed, and repeating the request later can help."""

    reason = "temporal_unreachable"


class NoWorkerError(LumenError):
    """No worker answered in time; Temporal itself may be well."""

    reason = "no_worker"


class UnknownEpisodeError(LumenError):
    """No episode has this key (any more)."""

    reason = "unknown_episode"


class EpisodeClosedError(LumenError):
    """The episode has ended, or does not wait for what was sent."""

    reason = "closed"


class OtherCommandError(LumenError):
    """The idempotency key of a command belongs to another command."""

    reason = "other_command"
