"""A cluster in the loop: approved, changed once, proven; and what happens when the API answers nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.stack.bench import Bench
from tests.stack.kubernetes import FakeCluster, Fault

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"
TEMPLATE: dict[str, Any] = {"metadata": {"annotations": {}}}
ROLLED_OUT = {"observedGeneration": 2, "replicas": 3, "updatedReplicas": 3, "availableReplicas": 3}


@pytest.fixture
async def cluster(bench: Bench, tmp_path: Path) -> AsyncIterator[FakeCluster]:
    """A cluster with the deployment ``shop/web``, which the workers of the bench may change."""
    fake = FakeCluster()
    fake.put(WEB, spec={"replicas": 2, "selector": {}, "template": TEMPLATE})
    await fake.start()
    bench.settings = replace(bench.settings, kubeconfig=str(fake.kubeconfig(tmp_path / "kubeconfig")))
    yield fake
    await fake.stop()


async def test_an_approved_scale_is_made_awaited_and_proven(bench: Bench, cluster: FakeCluster) -> None:
    """People see the very change they approve; it is made with the action's key; the ledger has it without the token."""
    scale = {"namespace": "{labels.namespace}", "deployment": "{labels.deployment}", "by": 1, "most": 5, "wait": "20s"}
    text = {"name": "more", "kubernetes": {"scale": scale}}
    bench.rulebook.add("KubeScale", actions=[text], target="{labels.namespace}/{labels.deployment}")
    # JSON has no sign of its own for positive numbers, and the language wants to see it.
    file = bench.rulebook.folder / "test.yaml"
    file.write_text(file.read_text().replace('"by": 1', '"by": +1'))
    bench.source.reload()
    cluster.rolling[WEB] = [{}, {"observedGeneration": 1}, ROLLED_OUT]
    async with bench.working():
        handle = await bench.send(bench.alert("KubeScale", namespace="shop", deployment="web"))
        asked = await bench.until(handle, state="awaiting_approval")
        [action] = asked["plan"]["actions"]
        assert action["shown"] == "scale deployment shop/web by +1 (at most 5), and wait up to 20 s"
        assert cluster.asked == []
        await bench.vote(handle, "alice@example.com")
        done = await bench.until_attempts(handle, 1)
        assert done["outcome"] == "remediated", done["attempts"]
        [result] = done["attempts"][0]["results"]
        assert result["detail"] == {
            "object": "deployment shop/web",
            "replicas_before": 2,
            "replicas": 3,
            "already": False,
            "rollout": "complete",
        }
        web = cluster.objects[WEB]
        assert (web["spec"]["replicas"], len(cluster.writes())) == (3, 1)
        assert web["metadata"]["annotations"]["lumen/idempotency-key"] == result["key"]
        entries = await bench.entries_of(handle)
        kinds = [entry["kind"] for entry in entries]
        assert kinds == ["approval_quorum_decision", "action.started", "action.finished", "auto_remediation"]
        history = (await handle.fetch_history()).to_json()
        assert "cluster-token" not in str(entries) + str(done) + history


async def test_a_change_that_nobody_can_confirm_is_unknown(bench: Bench, cluster: FakeCluster) -> None:
    """The answer is lost and the API is away: nothing runs again by itself, and a human is asked."""
    away = [Fault("GET", answer=(503, b"", "text/plain")) for _ in range(6)]
    cluster.faults = [Fault("PATCH", drops=True), Fault("GET"), *away]
    restart = {"restart": {"namespace": "shop", "deployment": "web"}}
    bench.rulebook.add("KubeUnknown", mode="auto", actions=[{"name": "restart", "kubernetes": restart}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("KubeUnknown"))
        done = await bench.until_attempts(handle, 1)
        assert done["outcome"] == "unknown"
        [result] = done["attempts"][0]["results"]
        assert result["reason"].startswith("it may have been carried out")
        assert len(cluster.writes()) == 1


async def test_an_idempotent_restart_that_was_lost_is_found_done(bench: Bench, cluster: FakeCluster) -> None:
    """The second start carries the same key, finds it on the object, and restarts nothing again."""
    away = [Fault("GET", answer=(503, b"", "text/plain")) for _ in range(6)]
    cluster.faults = [Fault("PATCH", drops=True), Fault("GET"), *away]
    action = {
        "name": "restart",
        "kubernetes": {"restart": {"namespace": "shop", "deployment": "web"}},
        "idempotent": True,
        "retry": {"attempts": 2, "backoff": 0},
    }
    bench.rulebook.add("KubeRetry", mode="auto", actions=[action])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("KubeRetry"))
        done = await bench.until_attempts(handle, 1)
        assert done["outcome"] == "remediated", done["attempts"]
        assert done["attempts"][0]["results"][-1]["detail"]["already"] is True
        assert (len(cluster.writes()), cluster.objects[WEB]["metadata"]["generation"]) == (1, 2)


async def test_a_name_that_kubernetes_would_not_take_is_refused(bench: Bench, cluster: FakeCluster) -> None:
    """What an alert says is no path: the attempt is refused before anybody is asked, and nothing is sent."""
    delete = {"delete_pod": {"namespace": "shop", "pod": "{labels.pod}"}}
    bench.rulebook.add("KubeRefused", actions=[{"kubernetes": delete}])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("KubeRefused", pod="../../nodes/worker-1"))
        done = await bench.until_attempts(handle, 1)
        assert (done["outcome"], cluster.asked) == ("refused", [])
        assert "is no name of RFC 1123" in done["attempts"][0]["reason"]
