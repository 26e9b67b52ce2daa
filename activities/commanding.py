"""Commands of authorised callers, on their way to the control bus."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import httpx
from temporalio import activity
from temporalio.exceptions import ApplicationError

from activities.guarding import FreezeSwitch
from activities.kinds.http import send
from lumen.command import Command, CommandEnded, CommandStatus
from lumen.contracts import Commanding
from lumen.outcome import ActionStatus
from rules.source import RuleSource

_TIMEOUT = 30.0
_TRY_AGAIN = frozenset({408, 425, 429, *range(500, 600)})
_FROZEN_LOOK = timedelta(seconds=10)


class BusCommanding(Commanding):
    """Posts ``{"command", "args", "idempotency_key", "actor"}`` as JSON to the control bus."""

    def __init__(self, http: httpx.AsyncClient, url: str, token: str, source: RuleSource, freeze: FreezeSwitch) -> None:
        """``url`` and ``token`` are those of ``CONTROL_BUS_TARGET``; an empty ``url`` = not configured."""
        self._http = http
        self._url = url
        self._token = token
        self._source = source
        self._freeze = freeze

    @activity.defn(name="send_command")
    async def send_command(self, request: Command) -> CommandEnded:
        """Send it once. The allow-list is asked here too: nobody smuggles a command in through Temporal."""
        if request.command not in self._source.current.policy.commands:
            return CommandEnded(CommandStatus.REFUSED, f'"{request.command}" is not under commands in policy.yaml')
        if not self._url:
            return CommandEnded(CommandStatus.REFUSED, "CONTROL_BUS_TARGET is not set on this worker")
        if frozen := await self._freeze.reason(fresh=True):
            raise ApplicationError(frozen, type="frozen", next_retry_delay=_FROZEN_LOOK)
        return _judged(*await self._post(request))

    async def _post(self, request: Command) -> tuple[ActionStatus, str, dict[str, object]]:
        headers = {"Idempotency-Key": request.key}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        body = {
            "command": request.command,
            "args": request.args,
            "idempotency_key": request.key,
            "actor": request.actor,
        }
        ended = await send(self._http, asyncio.Event(), _TIMEOUT, "POST", self._url, headers=headers, json=body)
        return ended.status, ended.reason, ended.detail


def _judged(status: ActionStatus, reason: str, detail: dict[str, object]) -> CommandEnded:
    if status is ActionStatus.SUCCEEDED:
        return CommandEnded(CommandStatus.SENT, "", detail)
    code = detail.get("status_code")
    if code is None or code in _TRY_AGAIN:
        # The key makes it harmless to ask again, also where the last answer was lost.
        raise ApplicationError(f"the control bus: {reason}", type="bus_unavailable")
    return CommandEnded(CommandStatus.REFUSED, f"the control bus {reason}", detail)
