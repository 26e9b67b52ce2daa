"""Where a figure is measured: a whole Lumen and a bare worker on one Temporal server, all as processes of their own."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from temporalio.client import Client
from temporalio.service import RPCError

from benchmarks import bare
from benchmarks.http_pool import HttpPool
from benchmarks.marks import TOUCH, Marks
from benchmarks.measure import bounded
from cli.up import temporal_server
from lumen.settings import Settings
from tests.stack.processes import START_SECONDS, Child, free_port, temporal_binary
from tests.stack.site import API_TOKEN, PROOFD_TOKEN, WEBHOOK_TOKEN, ShippedSite

PLAIN, GUARDED, VOTED = "BenchPlain", "BenchGuarded", "BenchVoted"
VOTERS = ("alice@example.com", "bob@example.com")

_LONG = "6h"
_AT_ONCE = 16


class Stage(ShippedSite):
    """A site whose Temporal server has the flags of ``lumen up``, with the rules of the figures and a bare worker."""

    def __init__(self, folder: Path, **changes: str) -> None:
        """Choose ports and write the rules; nothing runs yet. ``changes`` are further settings of worker and API."""
        self._ui_port = free_port()
        super().__init__(folder, **changes)
        self.touches = Marks(folder / "marks")
        actions = [{"name": "touch", "cmd": self.command("{labels.instance}")}]
        approval = {"approve": 2, "allow": list(VOTERS), "timeout": _LONG, "window": _LONG}
        self.rulebook.add(PLAIN, mode="auto", actions=actions, cooldown=_LONG)
        self.rulebook.add(GUARDED, mode="auto", actions=actions, cooldown=_LONG, target="{labels.instance}")
        self.rulebook.add(VOTED, mode="approve", actions=actions, cooldown=_LONG, approval=approval)
        self.bare = Child("bare", [sys.executable, "-m", bare.__name__, self.temporal_address], {}, folder)

    def _temporal_argv(self) -> list[str]:
        settings = Settings(temporal_port=self._ports["temporal"], temporal_ui_port=self._ui_port)
        return list(temporal_server.arguments(temporal_binary(), settings, self.database))

    def start_temporal(self) -> None:
        """Start Temporal and register the search attributes, as ``lumen up`` does."""
        super().start_temporal()
        asyncio.run(self._ensure_attributes())

    async def _ensure_attributes(self) -> None:
        await temporal_server.ensure_attributes(await self.client())

    def start(self) -> None:
        """Start everything."""
        super().start()
        self.start_bare()

    def start_bare(self) -> None:
        """Start the bare worker and wait until it polls."""
        self.bare.start()
        deadline = time.monotonic() + START_SECONDS
        while bare.READY not in self.bare.log:
            if time.monotonic() > deadline:
                raise TimeoutError(f"the bare worker did not start:\n{self.bare.log[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """End everything."""
        self.bare.kill()
        super().stop()

    def pids(self) -> dict[str, int]:
        """Return the processes of Lumen by name."""
        return {child.name: child.pid for child in (self.worker, self.api, self.proofd, self.temporal)}

    async def client(self) -> Client:
        """Return a plain client of the running loop."""
        return await Client.connect(self.temporal_address)

    def api_pool(self) -> HttpPool:
        """Return connections to the API that may send alerts and vote."""
        return HttpPool(self._ports["api"], API_TOKEN)

    def webhook_pool(self) -> HttpPool:
        """Return connections to the API that may send alerts, as Alertmanager has them."""
        return HttpPool(self._ports["api"], WEBHOOK_TOKEN)

    def ledger_pool(self) -> HttpPool:
        """Return connections to the ledger."""
        return HttpPool(self._ports["proofd"], PROOFD_TOKEN)

    def command(self, name: str) -> list[str]:
        """Return the argv that touches the mark of this name: the same in every arm."""
        return [TOUCH, "--", self.touches.path(name)]


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    """Give a folder on the disk of the temporary files."""
    with tempfile.TemporaryDirectory(prefix="lumen-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextlib.contextmanager
def whole() -> Iterator[Stage]:
    """Run a whole stage while inside."""
    with folder() as place:
        stage = Stage(place)
        try:
            stage.start()
            yield stage
        finally:
            stage.stop()


async def clear(client: Client) -> None:
    """End every workflow that is open, so that the next arm does not carry the load of the one before."""
    ended: set[str] = set()

    async def end(workflow_id: str) -> None:
        with contextlib.suppress(RPCError):  # closed meanwhile
            await client.get_workflow_handle(workflow_id).terminate("the figure was taken")

    # What was ended is still listed for a moment.
    while found := [one.id async for one in client.list_workflows('ExecutionStatus="Running"')]:
        await bounded(_AT_ONCE, [partial(end, one) for one in found if one not in ended])
        ended.update(found)
