"""What each verb asks of the API, and that it is done once."""

from __future__ import annotations

import re
from typing import Any

import pytest

from activities.kinds.kubernetes.changing import ANNOTATION
from activities.kinds.kubernetes.restart import RESTARTED_AT
from lumen.outcome import ActionStatus
from tests.activities.kinds.kubernetes.conftest import WEB, Hand
from tests.stack.kubernetes import FakeCluster

NODE = "/api/v1/nodes/worker-1"
A_NODE: dict[str, Any] = {"resource": "node", "namespace": ..., "name": "worker-1", "wait": ...}


async def test_scale_patches_the_replicas_with_version_key_and_manager(hand: Hand, cluster: FakeCluster) -> None:
    """One merge patch: the number, the version that was seen, the key; sent as ``lumen``, with the token."""
    seen = cluster.objects[WEB]["metadata"]["resourceVersion"]
    ended = await hand.run("scale", replicas=5)
    assert (ended.status, ended.reason) == (ActionStatus.SUCCEEDED, "")
    assert ended.detail == {"object": "deployment shop/web", "replicas_before": 2, "replicas": 5, "already": False}
    [asked] = cluster.writes()
    assert (asked.method, asked.path, asked.query) == ("PATCH", WEB, {"fieldManager": "lumen"})
    assert asked.headers["content-type"] == "application/merge-patch+json"
    assert asked.headers["authorization"] == "Bearer cluster-token"
    assert asked.body == {
        "spec": {"replicas": 5},
        "metadata": {"resourceVersion": seen, "annotations": {ANNOTATION: "alert-x/r/1/act"}},
    }


async def test_scale_to_what_is_changes_nothing(hand: Hand, cluster: FakeCluster) -> None:
    """To scale to a number is idempotent by nature: where it is so already, nothing is sent."""
    ended = await hand.run("scale", replicas=2)
    assert (ended.status, ended.detail["already"]) == (ActionStatus.SUCCEEDED, True)
    assert cluster.writes() == []


async def test_a_deployment_without_a_number_has_one_replica(hand: Hand, cluster: FakeCluster) -> None:
    """The default of Kubernetes counts when scaling by a number."""
    cluster.put(WEB, spec={"selector": {}, "template": {}})
    ended = await hand.run("scale", by=1, least=None, most=5)
    assert (ended.detail["replicas_before"], ended.detail["replicas"]) == (1, 2)


@pytest.mark.parametrize(
    ("current", "by", "least", "most", "becomes"),
    [(2, 3, None, 9, 5), (8, 3, None, 9, 9), (5, -2, 1, None, 3), (2, -5, 1, None, 1), (1, -1, 0, None, 0)],
)
async def test_scale_by_stays_within_its_bounds(
    hand: Hand, cluster: FakeCluster, current: int, by: int, least: int | None, most: int | None, becomes: int
) -> None:
    """A step that would cross a bound ends at it."""
    cluster.objects[WEB]["spec"]["replicas"] = current
    ended = await hand.run("scale", by=by, least=least, most=most)
    assert ended.status == ActionStatus.SUCCEEDED
    assert cluster.objects[WEB]["spec"]["replicas"] == becomes


@pytest.mark.parametrize(("current", "by"), [(6, 1), (10, 1), (3, -1), (1, -1)])
async def test_scale_by_never_moves_the_other_way(hand: Hand, cluster: FakeCluster, current: int, by: int) -> None:
    """At or beyond the bound it is a failure, and nothing is sent: a person should know that it helps no more."""
    cluster.objects[WEB]["spec"]["replicas"] = current
    ended = await hand.run("scale", by=by, least=3, most=6)
    assert (ended.status, "that the rule allows" in ended.reason) == (ActionStatus.FAILED, True)
    assert cluster.writes() == []


@pytest.mark.parametrize("resource", ["deployment", "statefulset", "daemonset"])
async def test_restart_changes_the_pod_template_as_kubectl_does(
    hand: Hand, cluster: FakeCluster, resource: str
) -> None:
    """The annotation of the template is set, what stood there stays, and the key stands on the object."""
    path = WEB.replace("deployments", f"{resource}s")
    cluster.put(
        path, spec={"selector": {}, "template": {"metadata": {"annotations": {"a": "b"}}}, "updateStrategy": {}}
    )
    ended = await hand.run("restart", resource=resource)
    assert ended.status == ActionStatus.SUCCEEDED, ended
    annotations = cluster.objects[path]["spec"]["template"]["metadata"]["annotations"]
    assert annotations["a"] == "b"
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", annotations[RESTARTED_AT])
    assert cluster.objects[path]["metadata"]["annotations"] == {ANNOTATION: "alert-x/r/1/act"}
    assert cluster.objects[path]["metadata"]["generation"] == 2


async def test_a_second_start_with_the_same_key_restarts_nothing(hand: Hand, cluster: FakeCluster) -> None:
    """The key on the object says that it was done; another key is another restart."""
    await hand.run("restart")
    again = await hand.run("restart", tried=2, idempotent=True)
    assert (again.status, again.detail["already"], len(cluster.writes())) == (ActionStatus.SUCCEEDED, True, 1)
    await hand.run("restart", key="alert-x/r/2/act")
    assert len(cluster.writes()) == 2


async def test_a_paused_deployment_is_not_restarted(hand: Hand, cluster: FakeCluster) -> None:
    """Nothing would happen, so it is a failure that says why."""
    cluster.objects[WEB]["spec"]["paused"] = True
    ended = await hand.run("restart")
    assert (ended.status, "paused" in ended.reason, cluster.writes()) == (ActionStatus.FAILED, True, [])


@pytest.mark.parametrize(
    ("verb", "before", "after"),
    [
        ("cordon", {}, {"unschedulable": True}),
        ("uncordon", {"unschedulable": True}, {}),
        ("cordon", None, {"unschedulable": True}),
    ],
)
async def test_cordon_and_uncordon(
    hand: Hand, cluster: FakeCluster, verb: str, before: dict[str, Any] | None, after: dict[str, Any]
) -> None:
    """The field is set, or taken away; nothing else of the node changes."""
    cluster.put(NODE, **({} if before is None else {"spec": {"podCIDR": "10.0.0.0/24", **before}}))
    ended = await hand.run(verb, **A_NODE)
    assert ended.status == ActionStatus.SUCCEEDED
    assert cluster.objects[NODE]["spec"] == ({} if before is None else {"podCIDR": "10.0.0.0/24"}) | after


@pytest.mark.parametrize(("verb", "unschedulable"), [("cordon", True), ("uncordon", False)])
async def test_a_node_that_is_so_already_is_left_alone(
    hand: Hand, cluster: FakeCluster, verb: str, unschedulable: bool
) -> None:
    """Both are idempotent by nature."""
    cluster.put(NODE, spec={"unschedulable": unschedulable})
    ended = await hand.run(verb, **A_NODE)
    assert (ended.status, ended.detail["already"], cluster.writes()) == (ActionStatus.SUCCEEDED, True, [])
