"""A cluster with a deployment, and the kind of action that changes it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from activities.kinds.kubernetes import KubernetesKind, changing
from activities.kinds.protocol import Ended, KindContext
from lumen.messages import ExecuteRequest
from lumen.plan import PlannedAction
from tests.lumen.samples import firing, plan
from tests.stack.kubernetes import FakeCluster

WEB = "/apis/apps/v1/namespaces/shop/deployments/web"


@dataclass
class Hand:
    """Runs ``kubernetes`` actions against the fake cluster."""

    cluster: FakeCluster
    kind: KubernetesKind
    cancel: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(
        self,
        verb: str,
        *,
        key: str = "alert-x/r/1/act",
        tried: int = 1,
        seconds: float = 20.0,
        idempotent: bool = False,
        **spec: Any,
    ) -> Ended:
        """Run one action on the deployment ``shop/web``, unless ``spec`` names something else."""
        named = {"resource": "deployment", "namespace": "shop", "name": "web"}
        full = {"verb": verb, "context": "", "wait": 0.0, **named, **spec}
        action = PlannedAction("act", "kubernetes", {name: value for name, value in full.items() if value != ...})
        action = PlannedAction(action.name, action.kind, action.spec, timeout=seconds, idempotent=idempotent)
        request = ExecuteRequest(firing(), "alert-x", "sha256:0", "act", key, tried=tried, attempt=1)
        return await self.kind.run(action, plan(), request, self.cancel)


@pytest.fixture
async def cluster() -> AsyncIterator[FakeCluster]:
    """A cluster with the deployment ``shop/web``, which has two replicas."""
    fake = FakeCluster()
    fake.put(WEB, spec={"replicas": 2, "selector": {}, "template": {"metadata": {"annotations": {"a": "b"}}}})
    await fake.start()
    yield fake
    await fake.stop()


@pytest.fixture
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let tries follow each other quickly."""
    monkeypatch.setattr(changing, "PAUSES", (0.01,) * 5)


@pytest.fixture
async def hand(cluster: FakeCluster, tmp_path: Path, short_pauses: None) -> AsyncIterator[Hand]:
    """What runs actions on the cluster."""
    kubeconfig = cluster.kubeconfig(tmp_path / "kubeconfig")
    async with httpx.AsyncClient(trust_env=False) as http:
        kind = KubernetesKind(KindContext(http, tmp_path, sys.executable, kubeconfig=str(kubeconfig)))
        yield Hand(cluster, kind)
        await kind.close()
