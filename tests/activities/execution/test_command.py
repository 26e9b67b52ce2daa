"""A command runs as given and its result is what happened. All with real processes."""

from __future__ import annotations

import asyncio
import hashlib
import os
import resource
import signal
import sys
from dataclasses import replace

import pytest

from activities.execution.command import CommandSpec, RunningCommand, run_command
from activities.execution.environment import command_environment
from tests.activities.execution.observing import children, descriptors, new_mark, py, runs, sh, spec, zombies

HOSTILE = [
    "",
    " ",
    "$(touch /tmp/lumen-pwned)",
    "`id`",
    "; id; #",
    "a && b || c | d > e < f",
    "'\"\\",
    "*?[x]{a,b}~",
    "new\nline\r\n\ttab",
    "\x01\x1b[31m\x7f",
    "größe 한글 🦊",
    "--flag=x",
    "-",
    "\udcff\udc80",
]


OPEN_DESCRIPTORS = """
import os, sys
def target(fd):
    try:
        return os.readlink(f"/proc/self/fd/{fd}").partition("[")[0]
    except FileNotFoundError:  # the one that listed the folder
        return None
sys.stdout.write(str([(int(fd), target(fd)) for fd in os.listdir("/proc/self/fd") if target(fd)]))
"""


@pytest.mark.parametrize("code", [0, 1, 2, 126, 127, 255])
async def test_exit_code(code: int) -> None:
    """The exit code is the command's, also the ones that shells and supervisors use for themselves."""
    result = await run_command(sh('exit "$1"', str(code)))
    assert (result.started, result.exit_code, result.signal) == (True, code, None)
    assert (result.timed_out, result.cancelled, result.start_error, result.lost) == (False, False, "", "")


@pytest.mark.parametrize("number", ["TERM", "KILL", "SEGV", "INT", "HUP", "PIPE", "USR1"])
async def test_signal(number: str) -> None:
    """A command that a signal ended says which, and is not taken for a timeout or a cancel."""
    result = await run_command(sh(f"kill -{number} $$; sleep 60"))
    assert (result.started, result.exit_code, result.signal) == (True, None, signal.Signals[f"SIG{number}"].value)
    assert (result.timed_out, result.cancelled) == (False, False)


async def test_both_streams() -> None:
    """Standard output and standard error are kept apart."""
    result = await run_command(sh("echo out; echo err >&2"))
    assert (result.stdout.head, result.stderr.head) == ("out\n", "err\n")


async def test_every_argument_arrives_untouched() -> None:
    """No shell stands between: metacharacters, newlines, UTF-8 and even stray bytes arrive as they are."""
    result = await run_command(py("import sys; sys.stdout.write(ascii(sys.argv[1:]))", *HOSTILE))
    assert result.stdout.head == ascii(HOSTILE)


async def test_the_environment_is_exactly_the_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of the worker's environment reaches the command or its supervisor."""
    monkeypatch.setenv("LUMEN_API_TOKEN", "secret")
    env = command_environment({"LUMEN_RULE": "a=b\nc"}, {"instance": "$HOME 한글"})
    script = "import sys; sys.stdout.write(ascii([open(f'/proc/{p}/environ').read() for p in sys.argv[1:]]))"
    own = CommandSpec(
        (sys.executable, "-ISc", f"import os; p=('self', os.getppid()); {script}".replace("sys.argv[1:]", "p")),
        env,
        "/",
        60,
    )
    result = await run_command(own)
    mine = "".join(f"{name}={value}\0" for name, value in env.items())
    assert result.stdout.head == ascii([mine, ""])


async def test_no_descriptor_is_inherited() -> None:
    """Only 0, 1 and 2 reach the command, even if the worker holds an inheritable descriptor."""
    read, write = os.pipe()
    os.set_inheritable(write, True)
    try:
        result = await run_command(py(OPEN_DESCRIPTORS))
    finally:
        os.close(read)
        os.close(write)
    assert result.stdout.head == "[(0, '/dev/null'), (1, 'pipe:'), (2, 'pipe:')]"


async def test_standard_input_is_empty() -> None:
    """A command that reads its input gets the end at once and cannot wait for a terminal."""
    result = await run_command(sh("cat; tty; echo end"))
    assert result.stdout.head == "not a tty\nend\n"


async def test_signals_and_umask_are_as_in_a_fresh_login() -> None:
    """No signal is ignored or blocked, whatever Python, the worker or the supervisor ignore; umask is 022."""
    result = await run_command(sh("umask; grep -E '^Sig(Blk|Ign)' /proc/self/status"))
    umask, _, blocked, _, ignored = result.stdout.head.split()
    # 32 and 33 are glibc's own signals for its threads, out of reach of every program: they stay as they were inherited.
    ours = ~(0b11 << 31)
    assert (umask, int(blocked, 16) & ours, int(ignored, 16) & ours) == ("0022", 0, 0)


async def test_the_folder() -> None:
    """The command runs in the given folder."""
    result = await run_command(replace(spec("/bin/pwd"), cwd="/usr"))
    assert result.stdout.head == "/usr\n"


async def test_it_leads_its_own_session() -> None:
    """Session and group are the command's own pid, the one that is reported."""
    running = RunningCommand(sh("cut -d' ' -f5,6 /proc/$$/stat; echo $$"))
    assert await running.started()
    pid = running.pid
    assert (await running.wait()).stdout.head.split() == [str(pid)] * 3


async def test_an_output_flood_stays_out_of_memory() -> None:
    """256 MiB of output, counted and digested whole, grow the worker by a few MiB at most."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    result = await run_command(spec("/usr/bin/head", "-c", str(256 << 20), "/dev/zero", timeout=200))
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    digest = hashlib.sha256()
    for _ in range(256):
        digest.update(bytes(1 << 20))
    assert (result.stdout.bytes, result.stdout.sha256) == (256 << 20, digest.hexdigest())
    assert (result.stdout.truncated, len(result.stdout.head), len(result.stdout.tail)) == (True, 32768, 32768)
    assert grown < 32 << 10  # KiB


async def test_binary_output() -> None:
    """Every byte value can be printed; what is not UTF-8 is escaped, the digest is of the bytes."""
    every = bytes(range(256))
    result = await run_command(py("import os; os.write(1, bytes(range(256)))"))
    assert result.stdout.head == every.decode(errors="backslashreplace")
    assert result.stdout.sha256 == hashlib.sha256(every).hexdigest()


async def test_a_command_that_closes_its_output_still_runs() -> None:
    """The end of the output is not the end of the command."""
    result = await run_command(sh("exec >&- 2>&-; sleep 0.3; exit 7"))
    assert (result.exit_code, result.stdout.bytes) == (7, 0)
    assert result.duration_sec >= 0.3


async def test_many_at_once_leave_nothing() -> None:
    """Twenty at the same time keep their outputs apart and leave no zombie, no child and no descriptor."""
    await run_command(sh("true"))
    before = (sorted(children(os.getpid())), descriptors())
    results = await asyncio.gather(*(run_command(sh('echo "$1"; exit "$1"', str(number))) for number in range(20)))
    assert [result.exit_code for result in results] == list(range(20))
    assert [result.stdout.head for result in results] == [f"{number}\n" for number in range(20)]
    assert zombies() == []
    assert (sorted(children(os.getpid())), descriptors()) == before


async def test_progress_is_told_of_a_silent_command() -> None:
    """on_progress is called about once a second while nothing is printed."""
    calls: list[None] = []
    result = await run_command(sh("sleep 2.5"), on_progress=lambda: calls.append(None))
    assert result.exit_code == 0
    assert 1 <= len(calls) <= 3


async def test_an_error_of_the_progress_callback_ends_the_command() -> None:
    """A caller that fails does not leave its command behind."""
    mark = new_mark()
    others = set(children(os.getpid()))
    pids: list[int] = []

    def fail() -> None:
        pids.extend(pid for pid in children(os.getpid()) if pid not in others and runs(pid))
        raise LookupError("no more")

    with pytest.raises(LookupError):
        await run_command(sh("sleep 60", mark=mark, grace=1), on_progress=fail)
    assert pids
    assert not any(runs(pid) for pid in pids)


@pytest.mark.parametrize(
    ("name", "value"),
    [("timeout", 0), ("timeout", float("nan")), ("timeout", float("inf")), ("grace", -1), ("capture_bytes", -1)],
)
def test_times_and_sizes_that_mean_nothing(name: str, value: float) -> None:
    """A timeout of zero, no number or no end is refused before anything runs."""
    values: dict[str, float] = {"timeout": 1, name: value}
    with pytest.raises(ValueError, match=name):
        CommandSpec(("/bin/true",), {}, "/", **values)  # type: ignore[arg-type]  # wrong on purpose


async def test_other_systems_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is no Linux the error says so before anything starts."""
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(NotImplementedError, match="run this worker on Linux"):
        await run_command(sh("true"))


def test_without_a_loop_that_goes_on() -> None:
    """A loop that ends before its command does takes the command with it."""
    mark = new_mark()

    async def leave() -> int:
        running = RunningCommand(sh("sleep 60", mark=mark))
        assert await running.started()
        assert running.pid
        return running.pid

    assert not runs(asyncio.run(leave()))
