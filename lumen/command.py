"""A command that an authorised caller sends to the control bus: what was asked, and its two entries in the ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from lumen.canonical import digest
from lumen.messages import LedgerAppend
from lumen.records import rfc3339

KIND_COMMAND = "command"


class CommandStatus(StrEnum):
    """How a command ended: ``unknown`` is one that may have been carried out and was never answered."""

    SENT = "sent"
    REFUSED = "refused"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Command:
    """One command as it was asked for. ``key`` is its idempotency key, which the control bus gets too.

    ``args`` is a JSON object. It stands in the ledger as it is, so a secret has no place in it.
    """

    command: str
    args: dict[str, Any]
    actor: str
    key: str

    @property
    def digest(self) -> str:
        """The digest of everything but the key: the same key with another digest is another command."""
        return digest({"command": self.command, "args": self.args, "actor": self.actor})


@dataclass(frozen=True)
class CommandEnded:
    """How a command ended; ``detail`` holds the HTTP status and the head and hash of the answer."""

    status: CommandStatus
    reason: str = ""
    detail: dict[str, Any] = field(default_factory=dict)


def command_workflow_id(key: str) -> str:
    """Return the workflow id of the command with this idempotency key, which may be any text."""
    return f"command-{hashlib.sha256(key.encode('utf-8', 'replace')).hexdigest()[:40]}"


def requested_entry(command: Command, workflow_id: str, at: datetime) -> LedgerAppend:
    """Return the entry that stands before anything is sent."""
    return _entry(command, workflow_id, "requested", {"args": command.args, "ts": rfc3339(at)})


def ended_entry(command: Command, ended: CommandEnded, workflow_id: str, at: datetime) -> LedgerAppend:
    """Return the entry of how it ended."""
    told = {"status": str(ended.status), "reason": ended.reason, "detail": ended.detail, "ts": rfc3339(at)}
    return _entry(command, workflow_id, "ended", told)


def _entry(command: Command, workflow_id: str, phase: str, more: dict[str, Any]) -> LedgerAppend:
    body = {
        "type": KIND_COMMAND,
        "phase": phase,
        "command": command.command,
        "actor": command.actor,
        "idempotency_key": command.key,
        "digest": command.digest,
        "workflow_id": workflow_id,
        **more,
    }
    # The first entry stands: after a restore of Temporal's database the same command is the same two facts, at other times.
    return LedgerAppend(f"{workflow_id}/{phase}", KIND_COMMAND, {KIND_COMMAND: body}, first_wins=True)
