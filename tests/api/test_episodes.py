from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from typing import Any, TypeVar

import pytest
import pytest_asyncio
from temporalio.client import Client
from temporalio.common import SearchAttributeKey
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.routing import AlertRouter
from api.episodes import TemporalEpisodes
from api.errors import EpisodeClosedError, NoWorkerError, UnknownEpisodeError, UnreachableError
from api.ports import Episodes, Filters
from lumen import names
from lumen.alert import Alert, fingerprint
from lumen.ballot import Ballot, sign
from lumen.errors import BallotError
from tests.api.fakes import KEYS
from tests.api.stub_workflow import StubAlertWorkflow
from tests.stack.processes import temporal_binary

PATIENCE = 60.0
T = TypeVar("T")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client() -> AsyncIterator[Client]:
    """Return a client of a real Temporal server."""
    env = await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(),
        search_attributes=[SearchAttributeKey.for_keyword(name) for name in names.ATTRIBUTES],
    )
    async with env:
        yield env.client


def worker_of(client: Client) -> Worker:
    """Return a worker that runs the stub workflow while it is entered."""
    return Worker(client, task_queue=names.TASK_QUEUE, workflows=[StubAlertWorkflow])


async def opened(client: Client, rule: str = "r", name: str = "DiskFull") -> str:
    """Open an episode as the API does and return its key."""
    labels = {"alertname": name, "instance": uuid.uuid4().hex}
    alert = Alert("alertmanager", fingerprint(labels), labels, datetime.now(UTC), starts_at="2026-11-22T07:00:29Z")
    await AlertRouter(client).route(alert, rule)
    return alert.key


def ballot(decision: str = "approve", reason: str = "seen") -> Ballot:
    """Return a ballot with an id of its own."""
    draft = Ballot(decision, "a@example.com", reason, id=str(uuid.uuid4()), channel="token", rank="token")
    return sign(draft, "alert-x", KEYS)


async def eventually(ask: Callable[[], Awaitable[T]], good: Callable[[T], bool]) -> T:
    """Ask until the answer is good or patience ends."""
    async with asyncio.timeout(PATIENCE):
        while True:
            answer = await ask()
            if good(answer):
                return answer
            await asyncio.sleep(0.1)


async def test_status(client: Client) -> None:
    """With a worker, the status is the workflow's own document."""
    key = await opened(client)
    async with worker_of(client):
        assert (await TemporalEpisodes(client).status(key))["state"] == "awaiting_approval"


async def test_how_the_run_stands(client: Client) -> None:
    """The document says whether the episode is open, and one that was cut short in Temporal says how."""
    episodes = TemporalEpisodes(client)
    key = await opened(client)
    async with worker_of(client):
        document = await episodes.status(key)
        assert (document["open"], document["run_status"]) == (True, "running")
        await client.get_workflow_handle(names.alert_workflow_id(key)).terminate("by the test")
        document = await eventually(lambda: episodes.status(key), lambda found: not found["open"])
        assert (document["state"], document["run_status"]) == ("awaiting_approval", "terminated")
        key = await opened(client)
        await episodes.send(key, names.SIGNAL_OVERRIDE, ballot("cancel"))
        document = await eventually(lambda: episodes.status(key), lambda found: not found["open"])
        assert document["run_status"] == "completed"


async def test_without_worker(client: Client) -> None:
    """Without a worker neither status nor vote hang; Temporal itself still tells what it knows, and takes a signal."""
    episodes = TemporalEpisodes(client)
    key = await opened(client, rule="a-rule")
    vote = ballot()
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(NoWorkerError):
            await episodes.status(key)
        with pytest.raises(NoWorkerError):
            await episodes.vote(key, vote)
    found = await episodes.describe(key)
    assert found.open
    assert (found.row["key"], found.row["rule"], found.row["state"]) == (key, "a-rule", "planning")
    assert (found.row["status"], found.row["closed_at"]) == ("running", None)
    assert found.memo["labels"]["alertname"] == "DiskFull"
    assert found.memo["starts_at"] == "2026-11-22T07:00:29Z"
    await episodes.send(key, names.SIGNAL_VOTE, vote)
    async with worker_of(client):
        document = await eventually(lambda: episodes.status(key), lambda found: bool(found["votes"]))
    assert asdict(vote) in document["votes"]


async def test_vote(client: Client) -> None:
    """A vote arrives field by field as it was signed, and its tally comes back; the same id again changes nothing."""
    episodes = TemporalEpisodes(client)
    key = await opened(client)
    async with worker_of(client):
        vote = ballot()
        for _ in range(2):
            assert await episodes.vote(key, vote) == {"status": "pending", "decision": "approve"}
        assert (await episodes.status(key))["votes"] == [asdict(vote)]


@pytest.mark.parametrize(
    "reason", ["malformed", "closed", "plan_changed", "not_allowed", "rank_too_low", "forged", "used"]
)
async def test_refused_vote(client: Client, reason: str) -> None:
    """A refusal of the workflow comes back as the same error with the same reason and sentence."""
    key = await opened(client)
    async with worker_of(client):
        with pytest.raises(BallotError, match="because") as error:
            await TemporalEpisodes(client).vote(key, ballot(reason=f"refuse:{reason}"))
    assert error.value.reason == reason


async def test_unforeseen_refusal(client: Client) -> None:
    """A failure that is no refusal leaves the signal to be tried: the vote is not lost."""
    key = await opened(client)
    async with worker_of(client):
        with pytest.raises(NoWorkerError):
            await TemporalEpisodes(client).vote(key, ballot(reason="refuse:SomethingElse"))


async def test_closed(client: Client) -> None:
    """After its end an episode takes no decision, and says so; its status can still be asked."""
    episodes = TemporalEpisodes(client)
    key = await opened(client)
    async with worker_of(client):
        await episodes.send(key, names.SIGNAL_OVERRIDE, ballot("cancel"))
        await client.get_workflow_handle(names.alert_workflow_id(key)).result()
        with pytest.raises(EpisodeClosedError):
            await episodes.vote(key, ballot())
        with pytest.raises(EpisodeClosedError):
            await episodes.send(key, names.SIGNAL_VOTE, ballot())
        assert (await episodes.status(key))["overrides"]
    found = await episodes.describe(key)
    assert (found.open, found.row["status"]) == (False, "completed")
    assert found.row["closed_at"] is not None


async def test_unknown(client: Client) -> None:
    """A key without an episode is unknown to every call."""
    episodes = TemporalEpisodes(client)
    for call in (
        episodes.status("alertmanager-none"),
        episodes.describe("alertmanager-none"),
        episodes.vote("alertmanager-none", ballot()),
        episodes.send("alertmanager-none", names.SIGNAL_VOTE, ballot()),
    ):
        with pytest.raises(UnknownEpisodeError):
            await call


async def all_rows(episodes: Episodes, filters: Filters, limit: int) -> list[dict[str, Any]]:
    """Return the rows of all pages."""
    rows: list[dict[str, Any]] = []
    after = b""
    while True:
        page = await episodes.page(filters, limit, after)
        assert len(page.rows) <= limit
        rows += page.rows
        after = page.after
        if not after:
            return rows


async def test_pages(client: Client) -> None:
    """Paging gives every episode of a rule once, newest first, and nothing but episodes."""
    episodes = TemporalEpisodes(client)
    rule = f"paged {uuid.uuid4()}"
    keys = [await opened(client, rule) for _ in range(5)]
    filters = Filters(state="planning", rule=rule)
    rows = await eventually(lambda: all_rows(episodes, filters, 2), lambda rows: len(rows) >= 5)
    assert [row["key"] for row in rows] == keys[::-1]
    assert {row["state"] for row in rows} == {"planning"}
    assert await all_rows(episodes, Filters(state="executing", rule=rule), 2) == []
    assert await all_rows(episodes, Filters(outcome="failed", rule=rule), 2) == []


@pytest.mark.parametrize(
    "odd",
    [
        "it's",
        'say "hi"',
        "back\\slash",
        "\\' OR 1=1 --",
        "' OR '1'='1",
        "100%_!",
        "유니코드",
        "two\nlines",
        "'",
        '"',
        "\\",
    ],
)
async def test_odd_rule_names(client: Client, odd: str) -> None:
    """A rule of any name finds its own episodes and no others: its name is never part of the query's language."""
    episodes = TemporalEpisodes(client)
    stamp = uuid.uuid4().hex
    for rule in (f"{stamp}{odd}", f"{odd}{stamp}"):
        key = await opened(client, rule)
        await opened(client, stamp)
        rows = await eventually(partial(all_rows, episodes, Filters(rule=rule), 100), bool)
        assert [row["key"] for row in rows] == [key]


async def test_healthy(client: Client) -> None:
    """Temporal that answers is healthy."""
    assert await TemporalEpisodes(client).healthy()


@pytest.fixture(params=["refused", "silent"])
def unreachable(request: pytest.FixtureRequest) -> Any:
    """Return an address where nothing listens, or where something accepts and never answers."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        if request.param == "silent":
            listener.listen()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


async def test_unreachable(unreachable: str) -> None:
    """Without Temporal every call says so after a while and never hangs, and it is not healthy."""
    episodes = TemporalEpisodes(await Client.connect(unreachable, lazy=True))
    async with asyncio.timeout(PATIENCE):
        for call in (
            episodes.status("k"),
            episodes.describe("k"),
            episodes.page(Filters(), 10, b""),
            episodes.send("k", names.SIGNAL_VOTE, ballot()),
        ):
            with pytest.raises((UnreachableError, NoWorkerError)):
                await call
        assert not await episodes.healthy()
