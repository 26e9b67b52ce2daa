"""Waiting for a rollout: complete, not yet, or never, by the signs that kubectl goes by."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from lightkube.resources.apps_v1 import DaemonSet, Deployment, StatefulSet

from activities.kinds.kubernetes.course import FailedError
from activities.kinds.kubernetes.rollout import progress
from lumen.outcome import ActionStatus
from tests.activities.kinds.kubernetes.conftest import WEB, Hand
from tests.stack.kubernetes import FakeCluster, Fault

STUCK = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "message": "no nodes"}
SEEN = {"observedGeneration": 2}
DONE = {**SEEN, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
SETS = {"replicas": 2, "readyReplicas": 2, "updatedReplicas": 2, "currentRevision": "a", "updateRevision": "a"}
DAEMONS = {
    **SEEN,
    **dict.fromkeys(("currentNumberScheduled", "desiredNumberScheduled", "updatedNumberScheduled"), 3),
    "numberAvailable": 3,
    "numberReady": 3,
    "numberMisscheduled": 0,
}
PARTLY = {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}}
ON_DELETE = {"updateStrategy": {"type": "OnDelete"}}

CASES: list[tuple[str, dict[str, Any], dict[str, Any] | None, str]] = [
    ("deployment", {}, None, "the controller has not seen the change yet"),
    ("deployment", {}, {"observedGeneration": 1, "updatedReplicas": 2}, "the controller has not seen the change yet"),
    ("deployment", {}, SEEN, "0 of 2 pods are new"),
    ("deployment", {}, {**DONE, "replicas": 3}, "1 old pods are still there"),
    ("deployment", {}, {**DONE, "availableReplicas": 1}, "1 of 2 pods are available"),
    ("deployment", {}, DONE, ""),
    ("deployment", {"replicas": 0}, SEEN, ""),
    ("statefulset", {}, {**SEEN, "replicas": 2, "readyReplicas": 1}, "1 of 2 pods are ready"),
    ("statefulset", {}, {**SEEN, **SETS, "replicas": 3}, "1 pods too many are still there"),
    ("statefulset", {}, {**SEEN, **SETS, "updateRevision": "b", "updatedReplicas": 1}, "1 of 2 pods are new"),
    ("statefulset", PARTLY, {**SEEN, **SETS, "updateRevision": "b", "updatedReplicas": 1}, ""),
    ("statefulset", ON_DELETE, {**SEEN, **SETS, "updateRevision": "b", "updatedReplicas": 0}, ""),
    ("statefulset", {}, {**SEEN, **SETS}, ""),
    ("daemonset", {}, {**DAEMONS, "updatedNumberScheduled": 2}, "2 of 3 pods are new"),
    ("daemonset", {}, {**DAEMONS, "numberAvailable": 2}, "2 of 3 pods are available"),
    ("daemonset", ON_DELETE, {**DAEMONS, "updatedNumberScheduled": 0}, ""),
    ("daemonset", {}, DAEMONS, ""),
]


@pytest.mark.parametrize(("resource", "spec", "status", "missing"), CASES)
def test_what_is_missing_to_a_rollout(
    resource: str, spec: dict[str, Any], status: dict[str, Any] | None, missing: str
) -> None:
    """Each kind of workload is complete by its own signs, and not before its controller has seen the change."""
    types: dict[str, Any] = {"deployment": Deployment, "statefulset": StatefulSet, "daemonset": DaemonSet}
    full = {"selector": {}, "template": {}, "serviceName": "x"} | ({} if resource == "daemonset" else {"replicas": 2})
    found = types[resource].from_dict({"metadata": {"generation": 2}, "spec": full | spec, "status": status})
    assert progress(resource, found) == missing


def test_a_rollout_that_kubernetes_gave_up_fails() -> None:
    """The deadline of the deployment itself has passed: waiting on would not help."""
    status = {**SEEN, "conditions": [STUCK]}
    found = Deployment.from_dict(
        {"metadata": {"generation": 2}, "spec": {"selector": {}, "template": {}}, "status": status}
    )
    with pytest.raises(FailedError, match="its rollout failed: no nodes"):
        progress("deployment", found)


async def test_a_restart_waits_until_the_rollout_is_complete(hand: Hand, cluster: FakeCluster) -> None:
    """The action ends when the new pods are available, however many looks that takes."""
    old = {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2}
    cluster.rolling[WEB] = [
        old,
        old,
        {**old, **SEEN, "updatedReplicas": 0},
        {**DONE, "replicas": 3, "availableReplicas": 1},
        DONE,
    ]
    ended = await hand.run("restart", wait=15.0)
    assert (ended.status, ended.detail["rollout"]) == (ActionStatus.SUCCEEDED, "complete")
    assert cluster.rolling[WEB] == []


async def test_a_rollout_that_takes_too_long_fails(hand: Hand, cluster: FakeCluster) -> None:
    """The change was made, so the result is known: failed, with what was missing."""
    cluster.rolling[WEB] = [{}, SEEN]
    ended = await hand.run("scale", replicas=3, wait=1.0)
    assert ended.status == ActionStatus.FAILED
    assert ended.reason == "the change was made, but is not rolled out after 1 s: 0 of 3 pods are new"
    assert ended.detail["rollout"] == "0 of 3 pods are new"


async def test_answers_that_are_missing_while_it_waits_harm_nothing(hand: Hand, cluster: FakeCluster) -> None:
    """An API that is away for a moment is asked again."""
    cluster.rolling[WEB] = [{}, DONE]
    away = Fault("GET", answer=(503, b"", "text/plain"))
    cluster.faults = [Fault("GET"), Fault("GET", works=False, drops=True), away]
    ended = await hand.run("restart", wait=15.0)
    assert (ended.status, ended.detail["rollout"]) == (ActionStatus.SUCCEEDED, "complete")


async def test_a_deployment_that_goes_away_while_it_waits_fails(hand: Hand, cluster: FakeCluster) -> None:
    """There is nothing to wait for any more."""
    cluster.faults = [Fault("GET"), Fault("GET", answer=(404, b'{"message": "gone"}', "application/json"))]
    ended = await hand.run("restart", wait=15.0)
    assert ended.status == ActionStatus.FAILED
    assert ended.reason == "the change was made, but its rollout cannot be seen: the API answered 404: gone"


async def test_a_cancel_ends_the_wait(hand: Hand, cluster: FakeCluster) -> None:
    """Whoever cancels learns that the change was made."""
    running = asyncio.create_task(hand.run("restart", wait=15.0))
    async with asyncio.timeout(10):
        while len(cluster.asked) < 3:
            await asyncio.sleep(0.01)
    hand.cancel.set()
    ended = await running
    assert ended.status == ActionStatus.CANCELLED
    assert ended.reason == "cancelled while it waited for the rollout; the change was made"
