"""Commands as actions: surroundings of the plan become those of the process, and secrets stay with it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import httpx
import pytest

from activities.execution.secrets import LARGEST
from activities.kinds.command import CommandKind
from activities.kinds.protocol import Ended, KindContext
from lumen.messages import ExecuteRequest
from lumen.outcome import ActionStatus
from lumen.plan import PlannedAction
from tests.activities.execution.observing import as_root
from tests.lumen.samples import plan
from tests.rules.documents import alert

SECRET = "hunter2-of-production"


async def run(folder: Path, *argv: str, cancel: bool = False, **spec: Any) -> Ended:
    """Run one command as an action."""
    action = PlannedAction("act", "cmd", {"argv": list(argv), **spec}, timeout=30)
    request = ExecuteRequest(alert(), "alert-x", "", "act", "alert-x/r/1/act", 1, 1)
    asked = asyncio.Event()
    if cancel:
        asked.set()
    async with httpx.AsyncClient(trust_env=False) as http:
        return await CommandKind(KindContext(http, folder, sys.executable)).run(action, plan(), request, asked)


def cannot_start(folder: Path, **spec: Any) -> str:
    """Return what the kind says before the claim."""
    context = KindContext(httpx.AsyncClient(trust_env=False), folder, sys.executable)
    return CommandKind(context).cannot_start(PlannedAction("act", "cmd", {"argv": ["true"], **spec}))


def secret_file(folder: Path, content: bytes) -> dict[str, Any]:
    """Return a reference to a file with this content."""
    (folder / "secret").write_bytes(content)
    return {"DB_PASSWORD": {"file": str(folder / "secret")}}


async def test_a_secret_reaches_the_command_and_nobody_else(tmp_path: Path) -> None:
    """The value is in the environment without its newline, in no argument, and masked in what is recorded."""
    script = 'printf %s "$DB_PASSWORD" | wc -c; echo "<$DB_PASSWORD>"; tr "\\0" " " < /proc/$$/cmdline; exit 3'
    ended = await run(tmp_path, "/bin/sh", "-c", script, secrets=secret_file(tmp_path, SECRET.encode() + b"\n"))
    head = ended.detail["stdout"]["head"]
    assert head.splitlines()[:2] == [str(len(SECRET)), "<(redacted)>"]
    assert "$DB_PASSWORD" in head
    assert (ended.status, ended.reason) == (ActionStatus.FAILED, "exit code 3")
    assert SECRET not in json.dumps(asdict(ended))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"x" * (LARGEST + 1), "is larger than 64 KiB"),
        (b"hunter2\0more", "holds a NUL"),
    ],
)
async def test_a_secret_that_cannot_be_one(tmp_path: Path, content: bytes, reason: str) -> None:
    """The failure names variable and file and nothing of the content; nothing runs."""
    ended = await run(tmp_path, "/bin/sh", "-c", "touch ran", secrets=secret_file(tmp_path, content))
    path = tmp_path / "secret"
    assert ended.status is ActionStatus.FAILED
    assert ended.reason.startswith(f"cannot start: the secret DB_PASSWORD {reason}")
    assert str(path) in ended.reason
    assert "hunter2" not in ended.reason
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"x" * LARGEST, b"x" * LARGEST + b"\n", b"\xff\xfe not text", b"two\nlines\n\n"])
async def test_a_secret_arrives_as_it_is(tmp_path: Path, content: bytes) -> None:
    """The largest one, one that is no text, and newlines but one at the end arrive byte by byte."""
    script = "import os; print(len(os.environb[b'DB_PASSWORD']))"
    ended = await run(tmp_path, "python", "-ISc", script, secrets=secret_file(tmp_path, content))
    assert ended.detail["stdout"]["head"].strip() == str(len(content.removesuffix(b"\n")))


async def test_a_secret_that_is_no_file(tmp_path: Path) -> None:
    """What is missing, a folder, or a pipe that nobody writes to is a failure at once."""
    os.mkfifo(tmp_path / "pipe")
    for name, reason in (("gone", "No such file"), (".", "not a regular file"), ("pipe", "not a regular file")):
        path = f"{tmp_path}/{name}"
        ended = await run(tmp_path, "/bin/true", secrets={"DB": {"file": path}})
        assert ended.reason.startswith(f"cannot start: the secret DB cannot be read from {path}: {reason}")


@as_root
async def test_a_command_of_another_user(tmp_path: Path) -> None:
    """User, group and the account's own variables are those of the plan; a secret that only root can read is there."""
    tmp_path.chmod(0o755)
    references = secret_file(tmp_path, SECRET.encode())
    (tmp_path / "secret").chmod(0o400)
    ended = await run(
        Path("/"),
        "/bin/sh",
        "-c",
        'id -un; id -Gn; echo "$USER $LOGNAME $HOME ${#DB_PASSWORD}"',
        user="nobody",
        groups=["tty"],
        secrets=references,
    )
    assert ended.detail["stdout"]["head"].splitlines() == [
        "nobody",
        "nogroup tty",
        f"nobody nobody /nonexistent {len(SECRET)}",
    ]


@as_root
def test_what_is_known_before_the_claim(tmp_path: Path) -> None:
    """A user or group that is not there, and a limit that would not hold, are told before anything is claimed."""
    assert cannot_start(tmp_path) == ""
    assert cannot_start(tmp_path, user="nobody", resources={"processes": 5}) == ""
    assert cannot_start(tmp_path, user="nobodyy") == "there is no user nobodyy on this machine"
    assert cannot_start(tmp_path, user="nobody", groups=["nogroupp"]) == "there is no group nogroupp on this machine"
    for spec in ({"user": "root"}, {}):
        assert "does not bind root" in cannot_start(tmp_path, resources={"processes": 5}, **spec)


@pytest.mark.parametrize(
    ("script", "resources", "reason"),
    [
        ("while :; do :; done", {"cpu": 1.0}, "ended by signal 24: it reached its limit `cpu`"),
        ("head -c 9000 /dev/zero > big; kill -XFSZ $$", {"file_size": 1000}, "25: it reached its limit `file_size`"),
        ("kill -XCPU $$", {"memory": 10**9}, "ended by signal 24"),
    ],
)
async def test_a_limit_is_named(tmp_path: Path, script: str, resources: dict[str, float], reason: str) -> None:
    """A command that a limit has ended says which one; a signal for another reason does not."""
    ended = await run(tmp_path, "/bin/sh", "-c", script, resources=resources)
    assert ended.status is ActionStatus.FAILED
    assert ended.reason.endswith(reason)
