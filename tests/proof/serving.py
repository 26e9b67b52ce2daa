"""A real proofd on a port that the system chose: in this process, or in one of its own that can be killed."""

from __future__ import annotations

import asyncio
import contextlib
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from prometheus_client import CollectorRegistry

from proof.run import ProofdConfig, serve
from tests.proof.samples import ORIGIN, SALT

TOKEN = "correct-horse"
OLD_TOKEN = "battery-staple"
AUTH = {"Authorization": f"Bearer {TOKEN}"}
ROOT = Path(__file__).parents[2]
_SCRIPT = """
import asyncio, sys
from prometheus_client import CollectorRegistry
from proof.errors import ProofError
from proof.run import ProofdConfig, serve
dsn, folder, origin, salt, token, limit, lease = sys.argv[1:]
if limit != "0":
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
if lease != "0":
    import proof.postgres.store as store
    from proof.postgres.session import Timing
    store.Timing = lambda: Timing(lease=float(lease), beat=float(lease) / 10)
try:
    asyncio.run(serve(ProofdConfig("127.0.0.1", 0, dsn, origin, salt, (token,), state_dir=folder), CollectorRegistry(),
                      lambda host, port: print(f"http://{host}:{port}", flush=True)))
except ProofError as error:
    print(error, file=sys.stderr)
    sys.exit(1)
"""


def config(path: Path, **changes: Any) -> ProofdConfig:
    """Return a configuration for the ledger in ``path`` on a free port."""
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 0,
        "dsn": f"sqlite:///{path}",
        "origin": ORIGIN,
        "salt": SALT,
        "tokens": (TOKEN, OLD_TOKEN),
    }
    return ProofdConfig(**{**values, **changes})


@contextlib.asynccontextmanager
async def proofd(path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client, with token, of a proofd that runs in this event loop; stop it afterwards."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve(config(path), CollectorRegistry(), lambda host, port: ready.set_result(f"http://{host}:{port}"))
    )
    waiting: set[asyncio.Future[Any]] = {serving, ready}
    await asyncio.wait(waiting, timeout=30, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        await serving
    async with httpx.AsyncClient(base_url=ready.result(), headers=AUTH, timeout=30) as client:
        try:
            yield client
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving


@dataclass
class ProofdProcess:
    """A proofd of its own; ``url`` is empty if it did not start."""

    process: subprocess.Popen[str]
    url: str

    def end(self) -> tuple[int, str]:
        """Wait for the process to end by itself and return its exit code and what it said last."""
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


@contextlib.contextmanager
def proofd_process(path: Path, file_size_limit: int = 0, dsn: str = "", lease: float = 0) -> Iterator[ProofdProcess]:
    """Yield a proofd in a process of its own that has started or ended; kill it afterwards.

    ``dsn`` names a ledger on PostgreSQL, whose key and checkpoint are beside ``path``, and ``lease`` its ``Timing.lease``.
    """
    where = [dsn or f"sqlite:///{path}", str(path.parent)]
    arguments = [*where, ORIGIN, SALT.decode(), TOKEN, str(file_size_limit), str(lease)]
    process = subprocess.Popen(
        [sys.executable, "-c", _SCRIPT, *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            assert process.stdout is not None
            yield ProofdProcess(process, process.stdout.readline().strip())
        finally:
            process.kill()


def payload(idem: str, kind: str = "command", **parts: Any) -> dict[str, Any]:
    """Return the body of an append."""
    return {"idem": idem, "kind": kind, "parts": parts}


def assert_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """Check that ``answer`` is a problem with this status, and return it."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "detail"} <= body.keys()
    assert body["status"] == status
    assert body["detail"]
    return body


async def samples(client: httpx.AsyncClient, name: str) -> dict[str, float]:
    """Return the samples of one metric as ``{labels: value}``."""
    text = (await client.get("/metrics")).text
    return {m[1]: float(m[2]) for m in re.finditer(rf"^{name}(?:{{(.*)}})? (\S+)$", text, re.MULTILINE)}
