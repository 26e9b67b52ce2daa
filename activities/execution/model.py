"""What a command is asked to do and how it ended."""

from __future__ import annotations

import errno
import math
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from activities.execution.capture import Capture, Captured
from activities.execution.resources import Resources

if TYPE_CHECKING:
    from collections.abc import Mapping

    from activities.execution.identity import Identity

HINTS = {
    errno.ENOENT: "; the program or the interpreter in its first line is missing",
    errno.EACCES: "; it must be a file that this user may execute",
    errno.ENOEXEC: "; it must be a binary or begin with a #! line",
    errno.E2BIG: "; arguments and environment together are too long for the system",
    errno.EAGAIN: "; its user has more processes already than `processes` allows",
    errno.ENOMEM: "; it needs more than `memory` allows, or the machine has none left",
}


@dataclass(frozen=True, slots=True)
class CommandSpec:
    """What to run.

    `argv[0]` is an absolute path (program.py makes it one); no shell is involved. `env` is the whole environment, `cwd`
    the folder. `timeout` > 0 and `grace` >= 0 in seconds: after `timeout`, SIGTERM to the group, and SIGKILL `grace` later.
    Of each output stream at most `capture_bytes` are kept, half from its start and half from its end. `identity` is the
    user that the command becomes, None the worker's own; only root can become another. The texts in `hidden`, and their
    usual codings, are masked in the output.
    """

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    cwd: str
    timeout: float
    grace: float = 10
    capture_bytes: int = 65536
    identity: Identity | None = None
    resources: Resources = field(default_factory=Resources)
    hidden: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        """Refuse times and sizes that mean nothing (ValueError)."""
        if not (math.isfinite(self.timeout) and self.timeout > 0):
            raise ValueError(f"timeout must be a positive number of seconds, not {self.timeout!r}")
        if not (math.isfinite(self.grace) and self.grace >= 0):
            raise ValueError(f"grace must be 0 or more seconds, not {self.grace!r}")
        if self.capture_bytes < 0:
            raise ValueError(f"capture_bytes must be 0 or more, not {self.capture_bytes!r}")


@dataclass(frozen=True, slots=True)
class CommandResult:
    """How it ended.

    `started` is False only if the command surely did not run; `start_error` then says why. Of a command that ran,
    exactly one of `exit_code` and `signal` is set, or neither when its end is not known; `lost` then says why.
    `timed_out` and `cancelled` tell that the command was asked to end for that reason; the first reason counts.
    `survivors` are pids that could not be killed (set-uid, or stuck in the kernel). `duration_sec` is the command's own time.
    """

    started: bool
    exit_code: int | None
    signal: int | None
    timed_out: bool
    cancelled: bool
    start_error: str
    stdout: Captured
    stderr: Captured
    duration_sec: float
    lost: str = ""
    survivors: tuple[int, ...] = ()


def not_started(why: str, *, cancelled: bool = False) -> CommandResult:
    """The result of a command that surely did not run."""
    nothing = Capture(0).captured()
    return CommandResult(
        started=False,
        exit_code=None,
        signal=None,
        timed_out=False,
        cancelled=cancelled,
        start_error=why,
        stdout=nothing,
        stderr=nothing,
        duration_sec=0.0,
    )


def start_error(spec: CommandSpec, stage: str, number: int) -> str:
    """Put the supervisor's report of a failed start into words; `stage` and `number` (errno) as supervisor.py tells them."""
    reason = os.strerror(number)
    if stage == "cancel":
        return "cancelled before it started"
    user = f" as {spec.identity.name}" if spec.identity else ""
    if stage == "user":
        return f"cannot become the user{user.removeprefix(' as')}: {reason}"
    if stage == "cwd":
        return f"cannot enter the folder {spec.cwd!r}{user}: {reason}"
    if stage == "exec":
        return f"cannot execute {spec.argv[0]!r}{user}: {reason}{HINTS.get(number, '')}"
    return f"cannot start a process ({stage}): {reason}"
