"""A link whose time is up or whose request is over, and an episode that refuses or cannot answer: each has its own status."""

from __future__ import annotations

from typing import Any

import pytest

from api.errors import EpisodeClosedError, NoWorkerError
from lumen.errors import BallotError
from tests.api.fakes import open_description
from tests.api.pages.samples import HOME, KEY, stage, token


async def test_expired() -> None:
    """An expired link is 410, to look at and to decide with, and says how to get a new one."""
    here = stage()
    good = token(here.clock)
    here.clock.forward(900)
    async with here.client() as client:
        seen = await client.get("/decision", params={"token": good})
        sent = await client.post("/decision", json={"token": good, "decision": "approve"})
        form = await client.post("/decision", data={"token": good, "decision": "approve"}, headers=HOME)
    assert (seen.status_code, sent.status_code, form.status_code) == (410, 410, 410)
    assert sent.json()["type"] == "urn:lumen:problem:expired"
    assert "lumen link" in seen.text
    assert "lumen link" in form.text
    assert here.recorded == []


@pytest.mark.parametrize(
    ("refusal", "status", "says"),
    [
        (BallotError("used", "Link already used"), 409, "Link already used"),
        (BallotError("plan_changed", "the plan changed"), 409, "The plan has changed"),
        (BallotError("not_allowed", "eve may not vote"), 403, "eve may not vote"),
        (BallotError("rank_too_low", "this wants slack"), 403, "this wants slack"),
        (BallotError("closed", "closed"), 410, "a new message brings a new link"),
        (EpisodeClosedError("this episode is over"), 410, "a new message brings a new link"),
    ],
)
async def test_refusals_of_the_episode(refusal: Exception, status: int, says: str) -> None:
    """Each refusal of the episode is its own status, as a problem to a program and in plain words to a person."""
    here = stage()
    here.episodes.tally = refusal
    fields = {"token": token(here.clock), "decision": "approve"}
    async with here.client() as client:
        problem = await client.post("/decision", json=fields)
        page = await client.post("/decision", data=fields, headers=HOME)
    assert (problem.status_code, page.status_code) == (status, status)
    assert problem.json()["status"] == status
    assert says in page.text
    if status == 409:
        assert problem.json()["detail"] == str(refusal)


def closed(document: dict[str, Any]) -> None:
    """Nothing is asked any more."""
    document.update(state="executing", approval=None)


def asked_anew(document: dict[str, Any]) -> None:
    """A later request stands."""
    document["approval"]["id"] = "run.2.1"


def other_plan(document: dict[str, Any]) -> None:
    """The same request is about another plan."""
    document["plan"]["digest"] = "sha256:other"


@pytest.mark.parametrize(("change", "status"), [(closed, 410), (asked_anew, 410), (other_plan, 409)])
async def test_an_old_link_shows_no_form(change: Any, status: int) -> None:
    """A link whose request is over, was replaced or has another plan says so, and offers nothing to press."""
    here = stage(change=change)
    async with here.client() as client:
        page = await client.get("/decision", params={"token": token(here.clock)})
    assert page.status_code == status
    assert "<form" not in page.text


async def test_an_episode_that_is_gone() -> None:
    """A link whose episode Temporal has forgotten is closed, not unknown."""
    here = stage()
    here.episodes.documents.clear()
    async with here.client() as client:
        assert (await client.get("/decision", params={"token": token(here.clock)})).status_code == 410


async def test_no_worker() -> None:
    """Without a worker the page says that it cannot show everything, and a vote is kept and answered with 202."""
    here = stage()
    here.episodes.documents[KEY] = NoWorkerError("no worker")
    here.episodes.described[KEY] = open_description(KEY)
    here.episodes.tally = NoWorkerError("no worker")
    fields = {"token": token(here.clock), "decision": "reject", "reason": "not now"}
    async with here.client() as client:
        page = await client.get("/decision", params={"token": fields["token"]})
        form = await client.post("/decision", data=fields, headers=HOME)
        program = await client.post("/decision", json=fields)
    assert page.status_code == 200
    assert "No worker answers now" in page.text
    assert 'value="reject"' in page.text
    assert (form.status_code, program.status_code) == (202, 202)
    assert "You rejected." in form.text
    assert "Nobody has counted it yet" in form.text
    assert [(signal, ballot.decision) for _, signal, ballot in here.episodes.sent] == [("vote", "reject")] * 2
    here.episodes.described[KEY] = open_description(KEY, "closed", is_open=False)
    async with here.client() as client:
        assert (await client.get("/decision", params={"token": fields["token"]})).status_code == 410


async def test_temporal_down() -> None:
    """While Temporal is away the answer is 503, and the page can send the same vote again with one press."""
    here = stage()
    here.episodes.down = True
    fields = {"token": token(here.clock), "decision": "reject", "reason": 'no "way"', "other": "field"}
    async with here.client() as client:
        form = await client.post("/decision", data=fields, headers=HOME)
        program = await client.post("/decision", json=fields)
        page = await client.get("/decision", params={"token": fields["token"]})
    assert (form.status_code, program.status_code, page.status_code) == (503, 503, 503)
    assert form.headers["retry-after"]
    assert 'name="reason" value="no &#34;way&#34;"' in form.text
    assert 'name="other"' not in form.text
    assert "<form" not in page.text
