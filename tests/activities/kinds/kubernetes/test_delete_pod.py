"""Deleting a pod: that one, once, and not the one that took its name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from activities.kinds.kubernetes.delete_pod import _REMEMBERED
from activities.kinds.protocol import Ended
from lumen.outcome import ActionStatus
from tests.activities.kinds.kubernetes.conftest import Hand
from tests.stack.kubernetes import FakeCluster, Fault

POD = "/api/v1/namespaces/shop/pods/web-0"


async def delete(hand: Hand, uid: str = "", **start: Any) -> Ended:
    """Run ``delete_pod`` on ``shop/web-0``."""
    return await hand.run("delete_pod", resource="pod", name="web-0", uid=uid, wait=..., **start)


@pytest.fixture
def uid(cluster: FakeCluster) -> str:
    """The uid of a pod of a stateful set: whenever it is deleted, another one gets its name."""
    cluster.replaces = True
    return str(cluster.put(POD)["metadata"]["uid"])


async def test_the_delete_is_bound_to_the_uid_that_was_seen(hand: Hand, cluster: FakeCluster, uid: str) -> None:
    """The precondition keeps a pod alive that took the name in between."""
    ended = await delete(hand)
    assert ended.status == ActionStatus.SUCCEEDED
    assert ended.detail == {"object": "pod shop/web-0", "uid": uid, "already": False}
    [asked] = cluster.writes()
    assert (asked.method, asked.path) == ("DELETE", POD)
    assert asked.body == {"kind": "DeleteOptions", "apiVersion": "v1", "preconditions": {"uid": uid}}
    assert cluster.objects[POD]["metadata"]["uid"] != uid


async def test_a_lost_answer_deletes_no_second_pod(hand: Hand, cluster: FakeCluster, uid: str) -> None:
    """The pod was deleted, the answer was lost: another uid under the name says that it was done."""
    cluster.faults.append(Fault("DELETE", drops=True))
    ended = await delete(hand)
    assert (ended.status, ended.detail["already"], len(cluster.writes())) == (ActionStatus.SUCCEEDED, True, 1)


async def test_a_lost_request_is_sent_again_for_the_same_pod(hand: Hand, cluster: FakeCluster, uid: str) -> None:
    """The connection broke before anything was done: the same uid is still there, and is deleted."""
    cluster.faults.append(Fault("DELETE", works=False, drops=True))
    ended = await delete(hand)
    assert (ended.status, ended.detail["already"], len(cluster.writes())) == (ActionStatus.SUCCEEDED, False, 2)


async def test_a_pod_replaced_before_the_delete_is_left_alone(hand: Hand, cluster: FakeCluster, uid: str) -> None:
    """The API answers 409 to a uid that is no more; the next look sees the other pod, and what should go is gone."""
    hold = asyncio.Event()
    cluster.faults.append(Fault("GET", hold=hold))
    running = asyncio.create_task(delete(hand))
    async with asyncio.timeout(10):
        while not cluster.asked:
            await asyncio.sleep(0.01)
    other = cluster.put(POD)["metadata"]["uid"]
    hold.set()
    ended = await running
    assert (ended.status, ended.detail) == (
        ActionStatus.SUCCEEDED,
        {"object": "pod shop/web-0", "uid": uid, "already": True},
    )
    assert cluster.objects[POD]["metadata"]["uid"] == other


async def test_a_second_start_remembers_which_pod_it_was(hand: Hand, cluster: FakeCluster, uid: str) -> None:
    """The first start never heard that it was done, whatever it asked; the second deletes nothing more."""
    cluster.faults += [Fault("DELETE", drops=True), *(Fault("GET", answer=(503, b"", "")) for _ in range(6))]
    cluster.faults.insert(0, Fault("GET"))
    first = await delete(hand, idempotent=True)
    assert (first.status, "it may have been carried out" in first.reason) == (ActionStatus.FAILED, True)
    again = await delete(hand, idempotent=True, tried=2)
    assert (again.status, again.detail["already"], len(cluster.writes())) == (ActionStatus.SUCCEEDED, True, 1)


async def test_a_second_start_elsewhere_needs_a_uid(hand: Hand, cluster: FakeCluster, uid: str) -> None:
    """A worker that does not know which pod was meant deletes none, and says what would help."""
    ended = await delete(hand, tried=2, idempotent=True)
    assert (ended.status, ended.reason.endswith("give its uid"), cluster.asked) == (ActionStatus.FAILED, True, [])
    ended = await delete(hand, uid, tried=2, idempotent=True)
    assert (ended.status, ended.detail["already"]) == (ActionStatus.SUCCEEDED, False)
    ended = await delete(hand, uid, tried=3, idempotent=True)
    assert (ended.status, ended.detail["already"], len(cluster.writes())) == (ActionStatus.SUCCEEDED, True, 1)


async def test_a_pod_that_is_not_there(hand: Hand, cluster: FakeCluster) -> None:
    """A name that names nothing is a failure; a uid that is gone is what was wanted."""
    ended = await delete(hand)
    assert (ended.status, ended.reason) == (ActionStatus.FAILED, 'the API answered 404: pods "web-0" not found')
    ended = await delete(hand, "uid-1")
    assert (ended.status, ended.detail["already"]) == (ActionStatus.SUCCEEDED, True)


async def test_a_pod_that_is_being_deleted_is_not_deleted_again(hand: Hand, cluster: FakeCluster) -> None:
    """A pod takes its time to end; a second delete could shorten it."""
    cluster.put(POD, metadata={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    ended = await delete(hand)
    assert (ended.status, ended.detail["already"], cluster.writes()) == (ActionStatus.SUCCEEDED, True, [])


async def test_the_memory_is_bounded(hand: Hand) -> None:
    """The oldest actions are forgotten."""
    deleter: Any = hand.kind._verbs["delete_pod"]
    for number in range(_REMEMBERED + 10):
        deleter.__self__._remember(f"key-{number}", "uid")
    assert len(deleter.__self__._seen) == _REMEMBERED
    assert "key-9" not in deleter.__self__._seen
