"""The process calls of the supervisor. Imports as little as possible, since each start of a command pays for it."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # without its enum wrappers, which are a quarter of the start
import ctypes
import errno
import os
import resource

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36


def prctl(option: int, value: int) -> None:
    """Linux prctl(2) with one argument; OSError when the kernel refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def children_of(parent: int) -> list[int]:
    """Pids of the children of a single-threaded process, ended ones that nobody has waited for included."""
    try:
        with open(f"/proc/{parent}/task/{parent}/children", "rb") as listing:  # noqa: PTH123  # pathlib costs 10 ms
            return [int(pid) for pid in listing.read().split()]
    except FileNotFoundError:  # a kernel without CONFIG_PROC_CHILDREN
        return [int(pid) for pid in os.listdir("/proc") if pid.isdigit() and parent_of(pid) == parent]  # noqa: PTH208


def parent_of(pid: str) -> int:
    """Parent of a process by /proc/<pid>/stat (its name may hold blanks and brackets), 0 if it is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:  # noqa: PTH123  # pathlib costs 10 ms
            return int(stat.read().rpartition(b")")[2].split()[1])
    except OSError:
        return 0


def delivered(kill: Callable[[int, int], None], pid: int, number: int) -> bool:
    """Whether the signal was sent: no if there is no such process or group, or it is another user's (set-uid)."""
    try:
        kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


class Request:
    """What to run: program and arguments, environment, folder, user (or None), limits, times in seconds."""

    def __init__(self, body: bytes) -> None:
        timeout, grace, self.cwd, identity, limits, count, *rest = body.split(b"\0")
        self.timeout = float(timeout)
        self.grace = float(grace)
        self.identity = [int(number) for number in identity.split()]
        self.limits = [[int(number) for number in limit.split(b":")] for limit in limits.split()]
        self.argv = rest[: int(count)]
        self.env = dict(item.split(b"=", 1) for item in rest[int(count) :])


def read_request(control: int) -> Request | None:
    """Read the request; None when the worker was gone before it was complete, so that nothing may start."""
    data = b""
    while b"\n" not in data:
        data += (chunk := os.read(control, 1))
        if not chunk:
            return None
    missing = int(data)
    chunks = []
    while missing:
        chunks.append(chunk := os.read(control, missing))
        if not chunk:
            return None
        missing -= len(chunk)
    return Request(b"".join(chunks))


def become_command(request: Request, supervisor: int, failure: int) -> None:
    """In the forked child: turn into the command, or tell through `failure` why not. Never returns."""
    stage = "setup"
    try:
        os.setsid()
        stage = "limits"  # before the user, since the change to one that has too many processes is what is refused
        for number, soft, hard in request.limits:
            limit(number, soft, hard)
        if request.identity:
            stage = "user"
            become_user(*request.identity)
        stage = "setup"
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)  # after the change of user, which would take it back
        if os.getppid() != supervisor:  # it died before the line above could count
            os._exit(127)
        for number in signal.valid_signals():
            if signal.getsignal(number) == signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.umask(0o022)
        stage = "cwd"
        os.chdir(request.cwd)
        stage = "exec"
        os.execve(request.argv[0], request.argv, request.env)  # noqa: S606  # no shell is the point
    except BaseException as error:  # noqa: BLE001  # a process edge: without a reason the start would count as done
        number = errno.ENOMEM if isinstance(error, MemoryError) else getattr(error, "errno", None) or 0
        os.write(failure, b"%s %d" % (stage.encode(), number))
    finally:
        os._exit(127)


def become_user(uid: int, gid: int, *groups: int) -> None:
    """Give up root for good. The output pipes go along, so that /dev/stdout and /dev/stderr can be opened anew."""
    os.fchown(1, uid, gid)
    os.fchown(2, uid, gid)
    os.setgroups(groups)
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)
    if os.getresuid() != (uid, uid, uid) or os.getresgid() != (gid, gid, gid):  # -1 means "as it is" to the kernel
        raise PermissionError(errno.EPERM, "still somebody else")


def limit(number: int, soft: int, hard: int) -> None:
    """Set one resource limit, never above the one that already holds."""
    _, most = resource.getrlimit(number)
    if most != resource.RLIM_INFINITY:
        soft, hard = min(soft, most), min(hard, most)
    resource.setrlimit(number, (soft, hard))
