"""``POST /commands``: who may send what, and that a key is one command."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.errors import UnreachableError
from api.tokens import Caller, Scope, build_token_book
from rules.model import Policy, RuleSet
from tests.api.conftest import client_of
from tests.api.fakes import ALICE_TOKEN, BOUND, READ_TOKEN, FakeCommands, FakeEpisodes, RecordingSink, make_edge

ROBOT_TOKEN = "robot-token"
ROBOT = {"Authorization": f"Bearer {ROBOT_TOKEN}"}
UNBOUND = {"Authorization": f"Bearer {READ_TOKEN}"}
WISH: dict[str, Any] = {"command": "reduce-gain", "args": {"factor": 0.8}, "idempotency_key": "deploy-42"}


def policy() -> RuleSet:
    """Return a policy that lists two commands."""
    return RuleSet((), Policy(commands=("reduce-gain", "restart-exporter")), "sha256:none")


@pytest.fixture
def commands() -> FakeCommands:
    """Return no commands yet."""
    return FakeCommands()


@pytest.fixture
async def http(sink: RecordingSink, episodes: FakeEpisodes, commands: FakeCommands) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the application, in which one token may send commands."""
    robot = Caller(frozenset({Scope.COMMAND}), "robot@example.com")
    bound = BOUND | {hashlib.sha256(ROBOT_TOKEN.encode()).digest(): robot}
    edge = make_edge(sink, episodes, rules=policy, commands=commands)
    object.__setattr__(edge, "tokens", build_token_book([], [READ_TOKEN], bound, embedded=False))
    async with client_of(create_app(edge)) as client:
        yield client


@pytest.fixture
async def embedded(
    sink: RecordingSink, episodes: FakeEpisodes, commands: FakeCommands
) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the same in embedded mode."""
    edge = make_edge(sink, episodes, rules=policy, commands=commands, embedded=True)
    async with client_of(create_app(edge)) as client:
        yield client


async def test_a_command_starts_one_workflow_for_its_key(http: httpx.AsyncClient, commands: FakeCommands) -> None:
    """The same request again is the same workflow, whoever lost the first answer."""
    first = await http.post("/commands", json=WISH, headers=ROBOT)
    again = await http.post("/commands", json=WISH, headers=ROBOT)
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.json() == again.json()
    assert first.json()["idempotency_key"] == "deploy-42"
    [command] = commands.started.values()
    assert (command.actor, command.command, command.args) == ("robot@example.com", "reduce-gain", {"factor": 0.8})


async def test_without_a_key_each_request_is_a_command_of_its_own(
    http: httpx.AsyncClient, commands: FakeCommands
) -> None:
    """The answer tells the key that was made, so that the caller can ask again with it."""
    body = {"command": "reduce-gain"}
    answers = [(await http.post("/commands", json=body, headers=ROBOT)).json() for _ in range(2)]
    assert answers[0]["workflow_id"] != answers[1]["workflow_id"]
    assert {answer["idempotency_key"] for answer in answers} == set(commands.started)


@pytest.mark.parametrize("change", [{"command": "restart-exporter"}, {"args": {"factor": 0.7}}, {"args": {}}])
async def test_a_key_of_another_command_is_refused(http: httpx.AsyncClient, change: dict[str, Any]) -> None:
    """A key that is used for something else is a mistake of the caller, told with 409."""
    await http.post("/commands", json=WISH, headers=ROBOT)
    answer = await http.post("/commands", json=WISH | change, headers=ROBOT)
    assert answer.status_code == 409
    assert answer.json()["type"] == "urn:lumen:problem:other_command"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer nobody"}, 401),
        (UNBOUND, 403),
        ({"Authorization": f"Bearer {ALICE_TOKEN}"}, 403),
    ],
)
async def test_only_the_scope_command_may_send(
    http: httpx.AsyncClient, commands: FakeCommands, headers: dict[str, str], status: int
) -> None:
    """A token that may read, vote and override may still not command."""
    assert (await http.post("/commands", json=WISH, headers=headers)).status_code == status
    assert not commands.started


async def test_a_command_that_the_policy_does_not_list_is_refused(
    http: httpx.AsyncClient, commands: FakeCommands
) -> None:
    """The allow-list decides, and the answer says where it stands."""
    for name in ("drop-database", "Reduce-Gain", "reduce-gain ", ""):
        answer = await http.post("/commands", json=WISH | {"command": name}, headers=ROBOT)
        assert answer.status_code == 403
        assert "policy.yaml" in answer.json()["detail"]
    assert not commands.started


@pytest.mark.parametrize(
    "body",
    [
        WISH | {"dry_run": True},
        WISH | {"command": 7},
        WISH | {"args": [1]},
        WISH | {"args": {"n": 2**60}},
        WISH | {"args": {"blob": "x" * 70_000}},
        WISH | {"idempotency_key": "x" * 201},
        WISH | {"idempotency_key": "a\nb"},
        WISH | {"idempotency_key": "é"},
        WISH | {"idempotency_key": 7},
    ],
)
async def test_a_body_that_cannot_be_used_starts_nothing(
    http: httpx.AsyncClient, commands: FakeCommands, body: dict[str, Any]
) -> None:
    """What the ledger could not hold, or nobody understood, is refused before anything begins."""
    answer = await http.post("/commands", json=body, headers=ROBOT)
    assert answer.status_code == 400
    assert not commands.started


async def test_half_a_surrogate_pair_in_args_is_refused(http: httpx.AsyncClient, commands: FakeCommands) -> None:
    """JSON can spell what UTF-8, and so the ledger, cannot hold."""
    raw = rb'{"command":"reduce-gain","args":{"a":"\ud800"}}'
    assert (await http.post("/commands", content=raw, headers=ROBOT)).status_code == 400
    assert not commands.started


async def test_a_bound_token_commands_as_nobody_else(http: httpx.AsyncClient, commands: FakeCommands) -> None:
    """Whoever holds the token cannot put another name under what it does."""
    answer = await http.post("/commands", json=WISH | {"actor": "alice@example.com"}, headers=ROBOT)
    assert answer.status_code == 403
    assert not commands.started


async def test_an_unbound_token_names_the_person(embedded: httpx.AsyncClient, commands: FakeCommands) -> None:
    """In embedded mode the caller says who it is, and must."""
    assert (await embedded.post("/commands", json=WISH, headers=UNBOUND)).status_code == 400
    body = WISH | {"actor": "Alice@example.com"}
    assert (await embedded.post("/commands", json=body, headers=UNBOUND)).status_code == 202
    assert commands.started["deploy-42"].actor == "alice@example.com"


async def test_temporal_away_is_503(http: httpx.AsyncClient, commands: FakeCommands) -> None:
    """Nothing was accepted, and asking again with the key is harmless."""
    commands.error = UnreachableError("Temporal cannot be reached")
    answer = await http.post("/commands", json=WISH, headers=ROBOT)
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
