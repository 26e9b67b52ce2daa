"""The small process between the worker and one command. Started as `python -I -S supervisor.py`, never imported by the worker.

File descriptors at start: 0 is a stream socket to the worker, 1 and 2 are the pipes the command writes to.
The worker sends `<length>\n<body>`, the body being NUL-separated fields (argv and environment cannot hold a NUL, and a
JSON reader would cost a third of the start): timeout, grace (seconds), cwd, argc, argv…, `NAME=value`…; later at most one
byte, which means cancel. The supervisor answers in lines: `starting`, then `failed <stage> <errno>` or `started <pid>`,
`ended <exit|signal|lost> <number> <timeout|cancel|->`, `done <pids it could not kill>…`. Closing the socket is the
worker's death, however it died.

What holds:
- The command leads its own session. Timeout or cancel: SIGTERM to its group, grace, SIGKILL to its group.
- The worker's death is SIGKILL at once, without grace: nobody is left to record how a grace would have ended, and a new
  worker may already be asking what happened, so the shortest overlap is the safest.
- Being the child subreaper, the supervisor inherits every orphan, also from other sessions, so it finds and ends them all.
- Its own death takes the command along (PR_SET_PDEATHSIG; the kernel drops that for set-uid programs). Orphans of
  other sessions are then the worker's to find.
- It ignores SIGTERM and the terminal's signals, which go to whole services: what happens to the command is the worker's word.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # without its enum wrappers, which are a quarter of the start
import ctypes
import os
import select
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
DRAIN = 2.0  # seconds that leftovers of a command that ended by itself may still take
KILL_WAIT = 5.0  # seconds after SIGKILL until a process counts as unkillable (set-uid, or stuck in the kernel)
TICK = 1.0  # longest sleep: orphans are reaped and the parent is checked at least this often
RUNNING, TERMINATING, KILLED = range(3)


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
    """What to run: program and arguments, environment, folder, times in seconds."""

    def __init__(self, body: bytes) -> None:
        timeout, grace, self.cwd, count, *rest = body.split(b"\0")
        self.timeout = float(timeout)
        self.grace = float(grace)
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
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
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
        os.write(failure, f"{stage} {getattr(error, 'errno', None) or 0}".encode())
    finally:
        os._exit(127)


class Supervisor:
    """Follows one command from its start until nothing of it is left."""

    def __init__(self, control: int, worker: int, request: Request) -> None:
        self.control = control
        self.worker = worker
        self.request = request
        self.pid = 0
        self.failure = -1  # pipe that closes when the child has become the command
        self.phase = RUNNING
        self.cause = "-"
        self.deadline = 0.0
        self.ended = False
        self.worker_gone = False
        self.cancelled = False
        self.woken, waker = os.pipe()
        os.set_blocking(self.woken, False)
        os.set_blocking(waker, False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        self.poll = select.poll()
        self.poll.register(control, select.POLLIN)
        self.poll.register(self.woken, select.POLLIN)

    def tell(self, line: str) -> None:
        """Send one line to the worker; a worker that is gone is noticed by the reading side."""
        try:
            os.write(self.control, line.encode() + b"\n")
        except OSError:
            self.worker_gone = True

    def run(self) -> None:
        """Start the command, follow it, end what it left behind."""
        prctl(PR_SET_CHILD_SUBREAPER, 1)
        self.wait(0)
        if self.worker_gone or self.cancelled:
            self.tell("failed cancel 0")
            return
        self.tell("starting")
        try:
            self.start()
        except OSError as error:
            self.tell(f"failed fork {error.errno}")
            return
        while not self.ended:
            self.wait(self.deadline - time.monotonic())
            self.advance()
            self.reap()
        self.tell(f"done {' '.join(str(pid) for pid in self.end_leftovers())}".rstrip())

    def start(self) -> None:
        """Fork the command; the supervisor keeps neither of its output pipes."""
        self.failure, failure = os.pipe()
        supervisor = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            become_command(self.request, supervisor, failure)
        os.close(failure)
        os.dup2(0, 1)
        os.dup2(0, 2)
        self.poll.register(self.failure, select.POLLIN)
        self.deadline = time.monotonic() + self.request.timeout

    def wait(self, seconds: float) -> None:
        """Sleep until something happens, at most `seconds`, and take in what happened."""
        for fd, _ in self.poll.poll(max(0.0, min(seconds, TICK)) * 1000):
            if fd == self.failure:
                self.note_start()
            elif fd == self.control:
                self.note_word()
            else:
                os.read(fd, 4096)
        self.worker_gone = self.worker_gone or os.getppid() != self.worker

    def note_start(self) -> None:
        """The start pipe holds the reason of a failure, or closed because the program was executed."""
        reason = os.read(self.failure, 100).decode()
        self.poll.unregister(self.failure)
        os.close(self.failure)
        self.failure = -1
        self.tell(f"failed {reason}" if reason else f"started {self.pid}")
        if reason:
            sys.exit(0)

    def note_word(self) -> None:
        """Any byte is the cancel request; the end of the stream is the worker's death."""
        try:
            word = os.read(self.control, 100)
        except OSError:  # ECONNRESET: it died with lines of ours unread
            word = b""
        if not word:
            self.worker_gone = True
            self.poll.unregister(self.control)
        else:
            self.cancelled = True

    def advance(self) -> None:
        """Escalate when the time is up."""
        late = time.monotonic() >= self.deadline
        if self.worker_gone and self.phase != KILLED:
            self.kill()
        elif late and self.phase == RUNNING:
            self.terminate("timeout")
        elif self.cancelled and self.phase == RUNNING and self.failure < 0:  # before, it would not hear a SIGTERM
            self.terminate("cancel")
        elif late and self.phase == TERMINATING:
            self.kill()
        elif late:
            self.ended = True
            self.tell(f"ended lost 0 {self.cause}")

    def terminate(self, cause: str) -> None:
        """Ask the group to end. A stopped process takes a SIGTERM only once it continues."""
        self.cause = cause
        self.phase = TERMINATING
        self.deadline = time.monotonic() + self.request.grace
        if self.request.grace > 0:
            self.signal_group(signal.SIGTERM)
            self.signal_group(signal.SIGCONT)

    def kill(self) -> None:
        """End the group."""
        self.phase = KILLED
        self.deadline = time.monotonic() + KILL_WAIT
        self.signal_group(signal.SIGKILL)

    def signal_group(self, number: int) -> None:
        """Signal the group of the command, which is not waited for yet, so that the number cannot mean another group."""
        if not delivered(os.killpg, self.pid, number):  # forked, but not yet the leader of its group; or set-uid
            delivered(os.kill, self.pid, number)

    def reap(self) -> None:
        """Collect ended orphans; of the command itself only read how it ended, which keeps its group number taken."""
        while not self.ended:
            info = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if info is None:
                return
            if info.si_pid != self.pid:
                os.waitpid(info.si_pid, 0)
                continue
            if self.failure >= 0:
                self.note_start()
            how = "exit" if info.si_code == os.CLD_EXITED else "signal"
            self.ended = True
            self.tell(f"ended {how} {info.si_status} {self.cause}")

    def end_leftovers(self) -> list[int]:
        """Wait for what the command left behind, then kill it; the pids that could not be killed.

        Only own children are signalled: nobody else waits for them, so their numbers stay theirs. Deeper ones become
        own children as soon as their parents are dead.
        """
        kill_at = time.monotonic() + (0 if self.phase == KILLED else DRAIN)
        give_up_at = kill_at + KILL_WAIT
        while (left := self.leftovers()) is not None:
            now = time.monotonic()
            killing = now >= kill_at or self.worker_gone
            if now >= give_up_at:
                return left
            if killing and self.pid:
                self.signal_group(signal.SIGKILL)
            for pid in left if killing else ():
                delivered(os.kill, pid, signal.SIGKILL)
            self.wait(0.02 if killing else kill_at - now)
        return []

    def leftovers(self) -> list[int] | None:
        """Reap what has ended; the children that still run, or None when the kernel says that there are none.

        The command is waited for last, since its number names the group. The list may miss one while others end.
        """
        left = [pid for pid in children_of(os.getpid()) if pid != self.pid and os.waitpid(pid, os.WNOHANG)[0] == 0]
        if left:
            return left
        if self.pid and os.waitpid(self.pid, os.WNOHANG)[0] == 0:
            return [self.pid]
        self.pid = 0
        try:
            os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return None
        return left


def main() -> None:
    """Read the request and follow it. Started with the socket to the worker as standard input."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(number, signal.SIG_IGN)
    worker = os.getppid()
    control = os.dup(0)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    request = read_request(control)
    if request is not None:
        Supervisor(control, worker, request).run()


if __name__ == "__main__":
    main()
