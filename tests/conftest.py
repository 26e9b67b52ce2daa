"""Fixtures that more than one folder of tests uses."""

from __future__ import annotations

import itertools
import os
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from prometheus_client import CollectorRegistry
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.testing import WorkflowEnvironment

from activities.metrics import WorkerMetrics
from cli.up import temporal_server
from lumen import names
from rules.source import RuleSource
from tests.stack.bench import Bench, bench_settings
from tests.stack.postgres import Postgres, installed, running_postgres
from tests.stack.processes import Child, LumenChild, free_port, lumen_command, temporal_binary
from tests.stack.receiver import Receiver
from tests.stack.rulebook import Rulebook

LONGEST_FIRST = (
    "tests/soak/",
    "tests/chaos/",
    "tests/workflows/test_showing.py",
    "tests/acceptance/",
    "tests/drill/",
    "tests/fuzz/",
    "tests/workflows/test_command.py",
    "tests/docs/",
    "tests/deploy/",
    "tests/cli/up/",
    "tests/proof/test_",
    "tests/cli/",
)
"""What takes long begins first, so that no process of the run is left alone with it at the end."""

_SKIPPING = ("frontend.WorkflowTimeSkippingEnabled=true", 'history.timerProcessorMaxTimeShift="10ms"')
TIME_SKIPPING = [word for one in (*temporal_server.DYNAMIC, *_SKIPPING) for word in ("--dynamic-config-value", one)]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest folders first; within one the order stays."""

    def place(item: pytest.Item) -> int:
        places = [number for number, prefix in enumerate(LONGEST_FIRST) if item.nodeid.startswith(prefix)]
        return min(places, default=len(LONGEST_FIRST))

    items.sort(key=place)


@pytest.fixture(scope="session")
def require_all() -> bool:
    """Whether a missing program must fail a test instead of skipping it (``REQUIRE_ALL=1``, as in CI)."""
    return os.environ.get("REQUIRE_ALL") == "1"  # noqa: TID251 - the one switch of the tests


@pytest.fixture(scope="session")
def postgres(require_all: bool) -> Iterator[Postgres]:
    """A PostgreSQL server with an empty cluster; a test that stops it starts it again."""
    programs = installed()
    if programs is None and not require_all:
        pytest.skip("not installed: PostgreSQL (Debian: postgresql)")
    assert programs is not None, "not installed: PostgreSQL (Debian: postgresql)"
    with running_postgres(programs) as server:
        yield server


@pytest_asyncio.fixture(scope="session")
async def skipping_env() -> AsyncIterator[WorkflowEnvironment]:
    """A real Temporal server whose workflows have clocks that can be moved."""
    env = await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=temporal_binary(),
        dev_server_extra_args=TIME_SKIPPING,
        dev_server_startup_timeout=timedelta(seconds=30),
        search_attributes=[SearchAttributeKey.for_keyword(name) for name in names.ATTRIBUTES],
    )
    async with env:
        yield env


@pytest.fixture(scope="session")
def start_proofd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[], tuple[Child, str]]]:
    """A function that starts a proofd with an empty ledger and returns the process and its URL."""
    started: list[Child] = []
    numbers = itertools.count()

    def start() -> tuple[Child, str]:
        folder = tmp_path_factory.mktemp(f"proofd-{next(numbers)}")
        port = free_port()
        env = {
            "PROOFD_ADDR": f"127.0.0.1:{port}",
            "PROOF_DSN": f"sqlite:///{folder}/ledger.db",
            "PROOFD_TOKEN": "proofd-token",
            "PROOF_SALT": "tests",
        }
        child = LumenChild("proofd", lumen_command("proofd"), env, folder)
        child.start()
        started.append(child)
        child.wait_until(f"http://127.0.0.1:{port}/healthz")
        return child, f"http://127.0.0.1:{port}"

    yield start
    for child in started:
        child.kill()


@pytest.fixture(scope="session")
def proofd_url(start_proofd: Callable[[], tuple[Child, str]]) -> str:
    """The URL of a proofd that the whole run shares; a test that stops one starts its own."""
    return start_proofd()[1]


@pytest.fixture
def rulebook(tmp_path: Path) -> Rulebook:
    """A rule folder with the example policy and no rules."""
    return Rulebook(tmp_path / "rules")


@pytest_asyncio.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """A loopback server that stands for Prometheus, Alertmanager, a webhook and a control bus."""
    one = Receiver()
    await one.start()
    yield one
    await one.stop()


@pytest_asyncio.fixture
async def bench(skipping_env: WorkflowEnvironment, rulebook: Rulebook, proofd_url: str) -> AsyncIterator[Bench]:
    """A bench without a running worker; ``async with bench.working()`` runs one."""
    source = RuleSource(rulebook.folder, "signal")
    settings = bench_settings(rulebook.folder, proofd_url)
    # The environment's own client lets everything that it starts skip time at once, guards and freezes too.
    plain = await Client.connect(skipping_env.client.service_client.config.target_host)
    one = Bench(skipping_env, rulebook, source, settings, WorkerMetrics(CollectorRegistry(), "tests"), plain)
    yield one
    await one.end_everything()
