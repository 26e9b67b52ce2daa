"""Every answer of the API, and every way to get none, ends as what it is: done, failed, or not known."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import Any

import pytest

from activities.kinds.kubernetes import changing
from activities.kinds.kubernetes.asking import NotSentError, ask
from lumen.outcome import ActionStatus
from tests.activities.kinds.kubernetes.conftest import WEB, Hand
from tests.stack.kubernetes import FakeCluster, Fault

JSON = "application/json"
GONE = [Fault("GET", answer=(503, b"", "text/plain")) for _ in range(6)]


async def test_an_object_that_is_not_there_fails_with_the_message_of_the_api(hand: Hand, cluster: FakeCluster) -> None:
    """404: nothing was changed, and the API says what is missing."""
    ended = await hand.run("scale", name="wep", replicas=3)
    assert (ended.status, ended.reason) == (ActionStatus.FAILED, 'the API answered 404: deployments "wep" not found')
    assert ended.detail == {"object": "deployment shop/wep", "status_code": 404}


@pytest.mark.parametrize("method", ["GET", "PATCH"])
async def test_what_is_forbidden_fails_with_the_message_of_the_api(
    hand: Hand, cluster: FakeCluster, method: str
) -> None:
    """403: the message names what the role lacks."""
    cluster.forbidden.add((method, "deployments"))
    ended = await hand.run("restart")
    assert ended.status == ActionStatus.FAILED
    assert ended.reason.startswith('the API answered 403: deployments "web" is forbidden')


async def test_what_is_invalid_fails_with_the_message_of_the_api(hand: Hand, cluster: FakeCluster) -> None:
    """422: the API refused the object as it would be."""
    ended = await hand.run("scale", replicas=9999)
    assert (ended.status, ended.detail["status_code"]) == (ActionStatus.FAILED, 422)
    assert "must be less than or equal to 9000" in ended.reason
    assert cluster.objects[WEB]["spec"]["replicas"] == 2


async def test_a_wrong_token_fails_and_is_told_nowhere(
    hand: Hand, cluster: FakeCluster, caplog: pytest.LogCaptureFixture
) -> None:
    """401: neither the reason nor the log holds the token, even at the most talkative level."""
    cluster.token = "another-token"
    with caplog.at_level(logging.DEBUG):
        ended = await hand.run("restart")
    assert (ended.status, ended.reason) == (ActionStatus.FAILED, "the API answered 401: Unauthorized")
    assert "cluster-token" not in caplog.text + repr(ended)


async def test_a_conflict_is_looked_at_anew(hand: Hand, cluster: FakeCluster) -> None:
    """409: somebody else wrote in between, so nothing was done: look, decide, and send again."""
    cluster.faults.append(Fault("PATCH", answer=(409, b'{"message": "modified"}', JSON)))
    ended = await hand.run("scale", by=1, least=None, most=5)
    assert (ended.status, cluster.objects[WEB]["spec"]["replicas"]) == (ActionStatus.SUCCEEDED, 3)
    assert [asked.method for asked in cluster.asked] == ["GET", "PATCH", "GET", "PATCH"]


async def test_a_conflict_that_does_not_end_fails(hand: Hand, cluster: FakeCluster) -> None:
    """Nothing was done, so the result is known."""
    cluster.faults += [Fault("PATCH", answer=(409, b'{"message": "modified"}', JSON)) for _ in range(6)]
    ended = await hand.run("restart")
    assert (ended.status, ended.reason) == (ActionStatus.FAILED, "the API answered 409: modified")


@pytest.mark.parametrize("verb", ["restart", "scale"])
async def test_a_lost_answer_is_followed_by_a_look(hand: Hand, cluster: FakeCluster, verb: str) -> None:
    """The work was done and the connection broke: the key on the object says so, and nothing is done twice."""
    cluster.faults.append(Fault("PATCH", drops=True))
    ended = await (hand.run("restart") if verb == "restart" else hand.run("scale", by=1, least=None, most=9))
    assert (ended.status, ended.detail["already"], len(cluster.writes())) == (ActionStatus.SUCCEEDED, True, 1)
    assert cluster.objects[WEB]["metadata"]["generation"] == 2


async def test_a_lost_request_is_sent_again(hand: Hand, cluster: FakeCluster) -> None:
    """The connection broke before the work: no key on the object, so it is sent again."""
    cluster.faults.append(Fault("PATCH", works=False, drops=True))
    ended = await hand.run("scale", by=1, least=None, most=9)
    assert (ended.status, cluster.objects[WEB]["spec"]["replicas"]) == (ActionStatus.SUCCEEDED, 3)
    assert len(cluster.writes()) == 2


@pytest.mark.parametrize(
    "answer",
    [
        (500, b'{"message": "etcd is away"}', JSON),
        (504, b"<html>timeout</html>", "text/html"),
        (503, b"", ""),
        (200, b"<html>hello</html>", "text/html"),
        (200, b"[1, 2", JSON),
        (403, b"[]", JSON),
    ],
)
async def test_an_answer_that_says_nothing_leaves_the_result_unknown(
    hand: Hand, cluster: FakeCluster, answer: tuple[int, bytes, str]
) -> None:
    """A change that was sent and then is seen by nobody is unknown; an action that may start again has failed."""
    for idempotent, status in ((False, ActionStatus.UNKNOWN), (True, ActionStatus.FAILED)):
        cluster.faults = [Fault("PATCH", answer=answer), Fault("GET"), *GONE]
        ended = await hand.run("restart", key=f"alert-x/r/{idempotent}/act", idempotent=idempotent)
        assert (ended.status, ended.reason.split(": ")[0]) == (status, "it may have been carried out"), answer


async def test_nothing_that_only_looked_is_unknown(hand: Hand, cluster: FakeCluster) -> None:
    """As long as nothing was sent but questions, nothing was changed."""
    cluster.faults = [*GONE]
    ended = await hand.run("restart")
    assert (ended.status, cluster.writes()) == (ActionStatus.FAILED, [])
    assert ended.reason.startswith("the API answered 503")


async def test_too_much_to_do_is_waited_out(hand: Hand, cluster: FakeCluster) -> None:
    """429 says that nothing was done."""
    cluster.faults = [Fault("GET", answer=(429, b"{}", JSON)), Fault("PATCH", answer=(429, b"{}", JSON))]
    ended = await hand.run("restart")
    assert (ended.status, len(cluster.writes())) == (ActionStatus.SUCCEEDED, 2)


async def test_a_redirect_is_not_followed(hand: Hand, cluster: FakeCluster) -> None:
    """The approved change goes to the server of the kubeconfig and to no other."""
    cluster.faults = [Fault("GET", answer=(302, b"", "text/plain"))]
    ended = await hand.run("restart")
    assert (ended.status, ended.reason.startswith("the API answered 302")) == (ActionStatus.FAILED, True)


async def test_a_server_that_is_not_there_fails(hand: Hand, monkeypatch: pytest.MonkeyPatch) -> None:
    """Refused before anything was sent: failed, and not unknown, and at once."""
    monkeypatch.setattr(changing, "PAUSES", (60.0,))
    ended = await hand.run("restart", context="elsewhere")
    assert ended.status == ActionStatus.FAILED
    assert ended.reason.startswith("could not connect: ConnectError")


async def test_a_server_that_comes_back_settles_a_doubt(
    hand: Hand, cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was lost with the server; when it is back, the look tells that the change was made."""
    refused = asyncio.Event()

    async def watched(request: Awaitable[Any]) -> Any:
        try:
            return await ask(request)
        except NotSentError:
            refused.set()
            raise

    monkeypatch.setattr(changing, "ask", watched)
    monkeypatch.setattr(changing, "PAUSES", (0.01, 1.0, 1.0, 1.0))
    hold = asyncio.Event()
    cluster.faults = [Fault("PATCH", drops=True, hold=hold)]
    running = asyncio.create_task(hand.run("restart"))
    async with asyncio.timeout(10):
        while not cluster.writes():
            await asyncio.sleep(0.01)
        stopping = asyncio.create_task(cluster.stop())
        await asyncio.sleep(0)  # it listens no more, and waits for the request that is held
        hold.set()
        await stopping
        await refused.wait()
    await cluster.start()
    ended = await running
    assert (ended.status, ended.detail["already"], len(cluster.writes())) == (ActionStatus.SUCCEEDED, True, 1)


async def test_a_message_is_cut_and_made_printable(hand: Hand, cluster: FakeCluster) -> None:
    """What an API says reaches people without control characters, in bounded length."""
    cluster.faults = [Fault("GET", answer=(422, b'{"message": "a\\u001b[31m\\u202e' + b"x" * 5000 + b'"}', JSON))]
    ended = await hand.run("restart")
    assert "\\x1b[31m\\u202exxx" in ended.reason
    assert len(ended.reason) < 600


async def test_a_slow_answer_after_the_change_is_unknown(hand: Hand, cluster: FakeCluster) -> None:
    """The action's time is over while the answer to the change has not come."""
    hold = asyncio.Event()
    cluster.faults = [Fault("PATCH", hold=hold)]
    ended = await hand.run("restart", seconds=1.0)
    hold.set()
    assert (ended.status, "still at it after 1 s" in ended.reason) == (ActionStatus.UNKNOWN, True)


async def test_a_slow_answer_before_the_change_fails(hand: Hand, cluster: FakeCluster) -> None:
    """The action's time is over before anything was sent."""
    hold = asyncio.Event()
    cluster.faults = [Fault("GET", hold=hold)]
    ended = await hand.run("restart", seconds=0.5)
    hold.set()
    assert (ended.status, ended.reason) == (ActionStatus.FAILED, "still at it after 0.5 s: nothing was changed")


@pytest.mark.parametrize(
    ("method", "reason"),
    [("GET", "cancelled before anything was changed"), ("PATCH", "it may have been carried out")],
)
async def test_a_cancel_ends_it_and_says_how_far_it_was(
    hand: Hand, cluster: FakeCluster, method: str, reason: str
) -> None:
    """Whoever cancels learns whether something was changed."""
    hold = asyncio.Event()
    cluster.faults = [Fault(method, hold=hold)]
    running = asyncio.create_task(hand.run("restart"))
    async with asyncio.timeout(10):
        while not cluster.asked or cluster.asked[-1].method != method:
            await asyncio.sleep(0.01)
    hand.cancel.set()
    ended = await running
    hold.set()
    assert ended.status == ActionStatus.CANCELLED
    assert reason in ended.reason
