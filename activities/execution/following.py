"""What the supervisor does: follows one command from its start until nothing of it is left. See supervisor.py."""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # without its enum wrappers, which are a quarter of the start
import os
import select
import sys
import time

from activities.execution.freezing import freeze_descendants
from activities.execution.processes import (
    PR_SET_CHILD_SUBREAPER,
    become_command,
    children_of,
    delivered,
    prctl,
    read_request,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from activities.execution.processes import Request

DRAIN = 2.0  # seconds that leftovers of a command that ended by itself may still take
KILL_WAIT = 5.0  # seconds after SIGKILL until a process counts as unkillable (set-uid, or stuck in the kernel)
TICK = 1.0  # longest sleep: orphans are reaped and the parent is checked at least this often
RUNNING, TERMINATING, KILLED = range(3)


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
        self.began = 0.0
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
            self.reap()
            self.advance()
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
        self.began = time.monotonic()
        self.deadline = self.began + self.request.timeout

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
        """Escalate when the time is up. A command that has ended meanwhile did so by itself."""
        late = time.monotonic() >= self.deadline
        if self.ended:
            return
        if self.worker_gone and self.phase != KILLED:
            self.kill()
        elif late and self.phase == RUNNING:
            self.terminate("timeout")
        elif self.cancelled and self.phase == RUNNING and self.failure < 0:  # before, it would not hear a SIGTERM
            self.terminate("cancel")
        elif late and self.phase == TERMINATING:
            self.kill()
        elif late:
            self.tell_end("lost", 0)

    def tell_end(self, how: str, number: int) -> None:
        """The command has ended, or will not."""
        self.ended = True
        self.tell(f"ended {how} {number} {self.cause} {time.monotonic() - self.began:.6f}")

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
            self.tell_end(how, info.si_status)

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
            if killing:
                freeze_descendants(os.getpid())
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
