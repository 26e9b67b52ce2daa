from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from api.app import create_app
from api.errors import EpisodeClosedError, NoWorkerError, UnknownEpisodeError
from lumen.ballot import is_authentic
from lumen.errors import BallotError
from lumen.names import alert_workflow_id
from tests.api.conftest import client_of
from tests.api.fakes import (
    ALICE_TOKEN,
    BOB_TOKEN,
    KEYS,
    READ_TOKEN,
    WEBHOOK_TOKEN,
    FakeEpisodes,
    RecordingSink,
    make_edge,
    open_description,
)

KEY = "alertmanager-0aa043e5d176c819"
VOTES, OVERRIDE = f"/alerts/{KEY}/votes", f"/alerts/{KEY}/override"
ALICE = {"Authorization": f"Bearer {ALICE_TOKEN}"}
UNBOUND = {"Authorization": f"Bearer {READ_TOKEN}"}
TALLY = {"status": "pending", "decision": "approve", "votes": {"approve": [], "reject": []}, "required": {"approve": 2}}
ASKING: dict[str, Any] = {
    "state": "awaiting_approval",
    "approval": {"id": "run.1.1", "required": {"approve": 2, "reject": 1}},
    "plan": {"digest": "sha256:shown", "actions": []},
}


@pytest.fixture
def episodes() -> FakeEpisodes:
    """Return one episode that asks for approval."""
    return FakeEpisodes(documents={KEY: ASKING}, described={KEY: open_description(KEY)}, tally=TALLY)


@pytest.fixture
async def embedded(sink: RecordingSink, episodes: FakeEpisodes) -> AsyncIterator[httpx.AsyncClient]:
    """Return a client of the application in embedded mode."""
    async with client_of(create_app(make_edge(sink, episodes, embedded=True))) as client:
        yield client


async def test_vote(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """A vote carries its person, what is asked now, a fresh id and a signature for this episode alone."""
    answer = await http.post(VOTES, json={"decision": "approve", "reason": "seen"}, headers=ALICE)
    assert (answer.status_code, answer.json()) == (200, TALLY)
    ((key, ballot),) = episodes.voted
    assert key == KEY
    assert (ballot.decision, ballot.actor, ballot.reason) == ("approve", "alice@example.com", "seen")
    assert (ballot.approval_id, ballot.digest) == ("run.1.1", "sha256:shown")
    assert (ballot.channel, ballot.rank) == ("token", "token")
    assert uuid.UUID(ballot.id).version == 4
    assert ballot.at.endswith("Z")
    assert ballot.auth.startswith("k2:")
    assert is_authentic(ballot, alert_workflow_id(KEY), KEYS)
    assert not is_authentic(ballot, alert_workflow_id("another"), KEYS)


async def test_vote_on_what_was_shown(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """A client that says what it was shown votes on that, even if something else is asked now."""
    body = {"decision": "reject", "approval_id": "run.1.0", "digest": "sha256:older"}
    await http.post(VOTES, json=body, headers=ALICE)
    ((_, ballot),) = episodes.voted
    assert (ballot.approval_id, ballot.digest) == ("run.1.0", "sha256:older")


async def test_a_person_votes_as_themselves(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """A bound token votes as its person only; naming oneself, in any case, is fine."""
    same = await http.post(VOTES, json={"decision": "approve", "actor": "Alice@Example.com"}, headers=ALICE)
    assert same.status_code == 200
    for actor in ("bob@example.com", "", 5, ["alice@example.com"]):
        other = await http.post(VOTES, json={"decision": "approve", "actor": actor}, headers=ALICE)
        assert other.status_code == 403
    assert len(episodes.voted) == 1


async def test_what_a_body_cannot_set(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """Channel, rank, id, time and signature come from Lumen, whatever the body says."""
    body = {
        "decision": "approve",
        "channel": "oidc",
        "rank": "oidc",
        "id": "mine",
        "at": "x",
        "auth": "k1:00",
        "jti": "j",
    }
    await http.post(VOTES, json=body, headers=ALICE)
    ((_, ballot),) = episodes.voted
    assert (ballot.channel, ballot.rank, ballot.jti) == ("token", "token", "")
    assert ballot.id != "mine"
    assert is_authentic(ballot, alert_workflow_id(KEY), KEYS)


async def test_unbound_token(http: httpx.AsyncClient, embedded: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """An unbound token votes only in embedded mode, for whom it names, with the lowest rank."""
    body = {"decision": "approve", "actor": "Carol@example.com"}
    refused = await http.post(VOTES, json=body, headers=UNBOUND)
    assert refused.status_code == 403
    assert "LUMEN_TOKENS_FILE" in refused.json()["detail"]
    assert (await embedded.post(VOTES, json=body, headers=UNBOUND)).status_code == 200
    ((_, ballot),) = episodes.voted
    assert (ballot.actor, ballot.channel, ballot.rank) == ("carol@example.com", "signal", "signal")
    assert (await embedded.post(VOTES, json={"decision": "approve"}, headers=UNBOUND)).status_code == 400


@pytest.mark.parametrize("path", [VOTES, OVERRIDE])
@pytest.mark.parametrize(("token", "status"), [(None, 401), ("wrong", 401), (WEBHOOK_TOKEN, 403), (BOB_TOKEN, 403)])
async def test_who_may_decide(
    http: httpx.AsyncClient, episodes: FakeEpisodes, path: str, token: str | None, status: int
) -> None:
    """Deciding needs the scope for it."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    answer = await http.post(path, json={"decision": "approve", "reason": "r"}, headers=headers)
    assert answer.status_code == status
    assert (episodes.voted, episodes.sent) == ([], [])


@pytest.mark.parametrize("path", [VOTES, OVERRIDE])
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"{}",
        b'{"decision":"maybe"}',
        b'{"decision":1,"reason":"r"}',
        b'{"decision":"approve","reason":5}',
        b'{"decision":"approve","reason":"\\u0000"}',
        b'{"decision":"approve","reason":"\\ud800"}',
        b'{"decision":"approve","reason":"' + b"x" * 2001 + b'"}',
        b'{"decision":"approve","reason":"r","approval_id":7}',
        b'{"decision":"approve","reason":"r","digest":"' + b"x" * 600 + b'"}',
        b"[" * 100_000,
    ],
)
async def test_malformed(http: httpx.AsyncClient, episodes: FakeEpisodes, path: str, content: bytes) -> None:
    """A decision that cannot be read is a 400 and reaches no episode."""
    answer = await http.post(path, content=content, headers=ALICE)
    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert (episodes.voted, episodes.sent) == ([], [])


@pytest.mark.parametrize("path", [VOTES, OVERRIDE])
async def test_get_does_not_decide(http: httpx.AsyncClient, path: str) -> None:
    """A GET never decides."""
    assert (await http.get(path, headers=ALICE)).status_code == 405


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("malformed", 400),
        ("not_allowed", 403),
        ("rank_too_low", 403),
        ("forged", 403),
        ("plan_changed", 409),
        ("used", 409),
        ("closed", 410),
    ],
)
async def test_refused_by_the_episode(
    http: httpx.AsyncClient, episodes: FakeEpisodes, reason: str, status: int
) -> None:
    """Each reason of the episode's refusal has its status, and the reason stands in the problem's type."""
    episodes.tally = BallotError(reason, "because")
    answer = await http.post(VOTES, json={"decision": "approve"}, headers=ALICE)
    assert answer.status_code == status
    assert answer.json()["type"] == f"urn:lumen:problem:{reason}"
    assert answer.json()["detail"] == "because"
    assert episodes.sent == []


async def test_no_worker(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """When no worker counts the vote in time, the same ballot is left as a signal and the answer is 202."""
    episodes.tally = NoWorkerError("none")
    answer = await http.post(VOTES, json={"decision": "approve"}, headers=ALICE)
    assert (answer.status_code, answer.json()["status"]) == (202, "pending")
    ((key, signal, ballot),) = episodes.sent
    assert (key, signal, ballot.id) == (KEY, "vote", answer.json()["id"])
    assert (ballot.approval_id, ballot.digest) == ("run.1.1", "sha256:shown")
    assert is_authentic(ballot, alert_workflow_id(KEY), KEYS)


async def test_no_worker_at_all(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """When not even the status can be asked, the vote is left for whatever the open episode asks."""
    episodes.documents[KEY] = NoWorkerError("none")
    answer = await http.post(VOTES, json={"decision": "approve"}, headers=ALICE)
    assert answer.status_code == 202
    assert episodes.voted == []
    assert [signal for _, signal, _ in episodes.sent] == ["vote"]


@pytest.mark.parametrize("state", ["planning", "executing", "closed"])
async def test_not_asking(http: httpx.AsyncClient, episodes: FakeEpisodes, state: str) -> None:
    """An episode that does not wait for votes answers 410 with its state, with and without a worker."""
    episodes.documents[KEY] = {"state": state, "approval": None}
    answer = await http.post(VOTES, json={"decision": "approve"}, headers=ALICE)
    assert (answer.status_code, state in answer.json()["detail"]) == (410, True)
    episodes.documents[KEY] = NoWorkerError("none")
    episodes.described[KEY] = open_description(KEY, state)
    answer = await http.post(VOTES, json={"decision": "approve"}, headers=ALICE)
    assert (answer.status_code, state in answer.json()["detail"]) == (410, True)
    assert (episodes.voted, episodes.sent) == ([], [])


async def test_closed_without_worker(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """A closed episode is a 410 even if its last known state was waiting."""
    episodes.documents[KEY] = NoWorkerError("none")
    episodes.described[KEY] = open_description(KEY, is_open=False)
    assert (await http.post(VOTES, json={"decision": "approve"}, headers=ALICE)).status_code == 410


@pytest.mark.parametrize(("error", "status"), [(EpisodeClosedError("over"), 410), (UnknownEpisodeError("none"), 404)])
async def test_gone_while_voting(
    http: httpx.AsyncClient, episodes: FakeEpisodes, error: Exception, status: int
) -> None:
    """An episode that ended between the question and the vote is a 410, one that never was a 404."""
    episodes.tally = error
    assert (await http.post(VOTES, json={"decision": "approve"}, headers=ALICE)).status_code == status
    episodes.send_error = error
    body = {"decision": "cancel", "reason": "r"}
    assert (await http.post(OVERRIDE, json=body, headers=ALICE)).status_code == status


async def test_unknown(http: httpx.AsyncClient) -> None:
    """A vote on an episode that does not exist is a 404."""
    answer = await http.post("/alerts/alertmanager-none/votes", json={"decision": "approve"}, headers=ALICE)
    assert answer.status_code == 404


@pytest.mark.parametrize("path", [VOTES, OVERRIDE])
async def test_temporal_down(http: httpx.AsyncClient, episodes: FakeEpisodes, path: str) -> None:
    """A decision that Temporal does not take is a 503: the client knows that it was not recorded."""
    episodes.down = True
    answer = await http.post(path, json={"decision": "approve", "reason": "r"}, headers=ALICE)
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")


@pytest.mark.parametrize("decision", ["approve", "reject", "cancel", "retry"])
async def test_override(http: httpx.AsyncClient, episodes: FakeEpisodes, decision: str) -> None:
    """An override is signed like a vote and left with the episode."""
    answer = await http.post(OVERRIDE, json={"decision": decision, "reason": "because"}, headers=ALICE)
    told = answer.json()
    assert (answer.status_code, told["status"], told["workflow_id"]) == (202, "sent", alert_workflow_id(KEY))
    assert (told["state"], told["takes_effect"]) == ("awaiting_approval", decision != "retry")
    ((key, signal, ballot),) = episodes.sent
    assert (key, signal, ballot.decision, ballot.actor) == (KEY, "override", decision, "alice@example.com")
    assert is_authentic(ballot, alert_workflow_id(KEY), KEYS)


@pytest.mark.parametrize("reason", [None, "", "  "])
async def test_override_needs_a_reason(http: httpx.AsyncClient, episodes: FakeEpisodes, reason: str | None) -> None:
    """An override without a reason is refused."""
    answer = await http.post(OVERRIDE, json={"decision": "cancel", "reason": reason}, headers=ALICE)
    assert (answer.status_code, episodes.sent) == (400, [])


async def test_recorded_decisions_are_counted(http: httpx.AsyncClient, episodes: FakeEpisodes) -> None:
    """Votes and overrides count when they were recorded, and only then."""
    await http.post(VOTES, json={"decision": "approve"}, headers=ALICE)
    await http.post(OVERRIDE, json={"decision": "retry", "reason": "r"}, headers=ALICE)
    episodes.tally = BallotError("used", "because")
    await http.post(VOTES, json={"decision": "approve"}, headers=ALICE)
    text = (await http.get("/metrics")).text
    assert 'lumen_api_ballots_total{action="approve"} 1.0' in text
    assert 'lumen_api_ballots_total{action="override_retry"} 1.0' in text
    assert 'lumen_api_ballots_total{action="reject"} 0.0' in text
