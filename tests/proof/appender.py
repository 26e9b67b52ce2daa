"""A program whose children append to ledgers under strace: it forks one for each line it reads, so that imports cost once.

A line is JSON: ``{"path": ledger, "options": strace's options, "count": appends, "now": whether the calling thread writes}``.
The answer is one line of JSON: ``{"acknowledged": [[idem, leaf], …], "status": wait status of the child, "log": what strace
wrote}``. The child has opened the ledger before strace is attached, so that only appends and signatures are traced.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from proof.ledger import open_ledger
from tests.proof.samples import IDENTITY, append, append_now, draft, places

SECONDS = 60.0
FAILED = 3


def main() -> None:
    """Answer line after line until there are no more."""
    logging.disable()  # what fails is what is wanted here
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line))), flush=True)


def _run(case: dict[str, Any]) -> dict[str, Any]:
    go_read, go_write = os.pipe()
    told_read, told_write = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(go_write)
        os.close(told_read)
        _append(Path(case["path"]), case["count"], case["now"], (go_read, told_write))
    os.close(go_read)
    os.close(told_write)
    with os.fdopen(told_read, "r", encoding="utf-8") as told, tempfile.NamedTemporaryFile("r") as log:
        assert told.readline() == "open\n"
        strace = subprocess.Popen(
            ["strace", "-f", "-y", "-o", log.name, *case["options"], "-p", str(child)],
            stderr=subprocess.PIPE,
            text=True,
        )
        assert strace.stderr is not None
        assert "attached" in strace.stderr.readline()
        os.close(go_write)
        acknowledged = [line.split() for line in told]
        _, status = os.waitpid(child, 0)
        strace.communicate(timeout=SECONDS)
        return {"acknowledged": acknowledged, "status": status, "log": log.read()}


def _append(path: Path, count: int, now: bool, pipes: tuple[int, int]) -> None:
    """Be the child: it tells what was acknowledged by writev and waits by readv, which nobody makes fail."""
    go, told = pipes
    ledger = open_ledger(f"sqlite:///{path}", IDENTITY, places(path), CollectorRegistry(), lambda _: os._exit(FAILED))
    os.writev(told, [b"open\n"])
    os.readv(go, [bytearray(1)])
    try:
        for number in range(count):
            idem = f"new-{number}"
            item = draft(idem, action=number)
            receipt = append_now(ledger.store, item) if now else append(ledger.store, item)
            os.writev(told, [f"{idem} {receipt.leaf}\n".encode()])
            ledger.notary.covering(receipt.height, SECONDS)
    except BaseException:  # noqa: BLE001 - the edge of the process: every failure ends it in the same way
        os._exit(FAILED)
    os._exit(0)


if __name__ == "__main__":
    main()
