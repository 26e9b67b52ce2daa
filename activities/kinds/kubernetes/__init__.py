"""``kubernetes``: one change of one object in a cluster, one file a verb. A new verb is a new file and a line here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from activities.kinds.kubernetes.asking import AnswerError
from activities.kinds.kubernetes.cluster import Cluster, Clusters, NoClusterError
from activities.kinds.kubernetes.cordon import cordon
from activities.kinds.kubernetes.course import Course, FailedError
from activities.kinds.kubernetes.delete_pod import PodDeleter
from activities.kinds.kubernetes.restart import restart
from activities.kinds.kubernetes.scale import scale
from activities.kinds.protocol import Ended, KindContext
from lumen.display import printable, truncate
from lumen.messages import ExecuteRequest
from lumen.outcome import ActionStatus
from lumen.plan import Plan, PlannedAction

Verb = Callable[[Cluster, dict[str, Any], Course], Awaitable[None]]
_REASON_BYTES = 1000


class KubernetesKind:
    """Changes objects of a cluster."""

    def __init__(self, context: KindContext) -> None:
        """Keep the way to the clusters; nothing is opened before the first action."""
        self._clusters = Clusters(context.kubeconfig)
        self._verbs: dict[str, Verb] = {
            "scale": scale,
            "restart": restart,
            "delete_pod": PodDeleter().delete,
            "cordon": cordon,
            "uncordon": cordon,
        }

    async def run(self, action: PlannedAction, plan: Plan, request: ExecuteRequest, cancel: asyncio.Event) -> Ended:  # noqa: ARG002 - the protocol's signature
        """Make the change, and wait for its rollout where the rule says so."""
        course = Course(request.key, request.tried, action.idempotent)
        course.detail.update(object=_named(action.spec))
        work = asyncio.create_task(self._work(action.spec, course))
        asked = asyncio.create_task(cancel.wait())
        try:
            await asyncio.wait({work, asked}, timeout=action.timeout, return_when=asyncio.FIRST_COMPLETED)
            if work.done():
                return work.result()
            if asked.done():
                return course.cancelled()
            made = "the change was made, and it waited for the rollout" if course.changed else course.doubt
            return course.failed(f"still at it after {action.timeout:g} s: {made or 'nothing was changed'}")
        finally:
            for task in (work, asked):
                task.cancel()
            await asyncio.gather(work, asked, return_exceptions=True)

    async def close(self) -> None:
        """Close the connections."""
        await self._clusters.close()

    async def _work(self, spec: dict[str, Any], course: Course) -> Ended:
        try:
            cluster = await self._clusters.client(spec["context"])
            await self._verbs[spec["verb"]](cluster, spec, course)
        except AnswerError as error:
            if error.code:
                course.detail["status_code"] = error.code
            return course.failed(str(error))
        except (NoClusterError, FailedError) as error:
            return course.failed(truncate(printable(str(error)), _REASON_BYTES))
        return Ended(ActionStatus.SUCCEEDED, "", course.detail)


def _named(spec: dict[str, Any]) -> str:
    place = f"{spec['namespace']}/" if "namespace" in spec else ""
    return f"{spec['resource']} {place}{spec['name']}"
