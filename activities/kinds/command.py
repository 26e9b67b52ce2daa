"""``cmd``: a program, without a shell, in its own process group under a supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import asdict
from typing import Any

from activities.execution.command import CommandResult, CommandSpec, RunningCommand, finished
from activities.execution.environment import command_environment, holdable
from activities.execution.identity import Identity, IdentityError, identify
from activities.execution.program import resolve_argv
from activities.execution.resources import Resources
from activities.execution.secrets import SecretError, read_secrets
from activities.kinds.protocol import GRACE, Ended, KindContext
from lumen.messages import ExecuteRequest
from lumen.outcome import ActionStatus
from lumen.plan import Plan, PlannedAction

CAPTURE_BYTES = 16 * 1024
"""Bytes kept of each output stream, half from its start and half from its end; the hash is over all of it."""

TOLD_BYTES = 4000
"""Bytes of each stream that are told while the program runs."""


_BY_LIMIT = {int(signal.SIGXCPU): "cpu", int(signal.SIGXFSZ): "file_size"}


class CommandKind:
    """Runs programs."""

    def __init__(self, context: KindContext) -> None:
        """Keep where relative paths begin and which Python ``python`` means."""
        self._context = context
        self._running: dict[str, RunningCommand] = {}

    def said(self, key: str) -> dict[str, str]:
        """Return the end of what the running program has printed so far, by stream."""
        running = self._running.get(key)
        return running.said(TOLD_BYTES) if running else {}

    async def run(self, action: PlannedAction, plan: Plan, request: ExecuteRequest, cancel: asyncio.Event) -> Ended:
        """Run the program to its end. The idempotency key is in its environment as ``LUMEN_IDEMPOTENCY_KEY``."""
        try:
            spec = await asyncio.to_thread(self._spec, action, plan, request)
        except (OSError, IdentityError, SecretError) as error:
            return Ended(ActionStatus.FAILED, f"cannot start: {error}")
        running = self._running[request.key] = RunningCommand(spec, self._context.standby)
        ending = asyncio.create_task(finished(running))
        asked = asyncio.create_task(cancel.wait())
        try:
            await asyncio.wait({ending, asked}, return_when=asyncio.FIRST_COMPLETED)
            if not ending.done():
                running.request_cancel()
            result = await ending
        finally:
            asked.cancel()
            self._running.pop(request.key, None)
        return _ended(result, action)

    def cannot_start(self, action: PlannedAction) -> str:
        """Return why this worker cannot run the program as the plan wants it, or nothing."""
        try:
            _identity(action.spec)
        except IdentityError as error:
            return str(error)
        return ""

    def _spec(self, action: PlannedAction, plan: Plan, request: ExecuteRequest) -> CommandSpec:
        """Return what is to run; reads accounts and secrets."""
        argv = resolve_argv(tuple(action.spec["argv"]), self._context.root, self._context.python)
        identity = _identity(action.spec)
        secrets = read_secrets(action.spec.get("secrets", {}))
        env = _environment(action, plan, request) | secrets
        return CommandSpec(
            argv=argv,
            env=env | identity.environment if identity else env,
            cwd=str(self._context.root),
            timeout=action.timeout,
            grace=GRACE,
            capture_bytes=CAPTURE_BYTES,
            identity=identity,
            resources=Resources(**action.spec.get("resources", {})),
            hidden=tuple(secrets.values()),
        )


def _identity(spec: dict[str, Any]) -> Identity | None:
    """Return who the command becomes; refuses a limit that would not hold."""
    identity = identify(spec["user"], spec.get("groups", ())) if "user" in spec else None
    uid = identity.uid if identity else os.geteuid()
    if uid == 0 and "processes" in spec.get("resources", {}):
        raise IdentityError("the limit `processes` does not bind root: give the action a `user`")
    return identity


def _environment(action: PlannedAction, plan: Plan, request: ExecuteRequest) -> dict[str, str]:
    known = {
        "LUMEN_IDEMPOTENCY_KEY": request.key,
        "LUMEN_ALERT_KEY": request.alert.key,
        "LUMEN_WORKFLOW_ID": request.workflow_id,
        "LUMEN_RULE": plan.rule,
        "LUMEN_TARGET": plan.target,
        "LUMEN_ACTION": action.name,
        "LUMEN_ATTEMPT": str(request.attempt),
    }
    return command_environment({name: holdable(value) for name, value in known.items()}, request.alert.labels)


def _ended(result: CommandResult, action: PlannedAction) -> Ended:
    detail: dict[str, Any] = {
        "exit_code": result.exit_code,
        "signal": result.signal,
        "timed_out": result.timed_out,
        "stdout": asdict(result.stdout),
        "stderr": asdict(result.stderr),
        "survivors": list(result.survivors),
    }
    if not result.started:
        status = ActionStatus.CANCELLED if result.cancelled else ActionStatus.FAILED
        return Ended(status, result.start_error, detail)
    if result.cancelled:
        return Ended(ActionStatus.CANCELLED, "cancelled while it ran", detail)
    if result.timed_out:
        return Ended(ActionStatus.FAILED, f"still running after {action.timeout:g} s, so it was ended", detail)
    if result.lost:
        return Ended(ActionStatus.UNKNOWN, result.lost, detail)
    if result.exit_code == 0:
        return Ended(ActionStatus.SUCCEEDED, "", detail)
    how = f"exit code {result.exit_code}" if result.signal is None else f"ended by signal {result.signal}"
    limit = _BY_LIMIT.get(result.signal or 0, "")
    if limit in action.spec.get("resources", {}):
        how += f": it reached its limit `{limit}`"
    return Ended(ActionStatus.FAILED, how, detail)
