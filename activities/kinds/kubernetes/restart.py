"""``restart``: a rollout restart, by the annotation of the pod template that kubectl uses."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from lightkube.resources.apps_v1 import DaemonSet, Deployment, StatefulSet

from activities.kinds.kubernetes.changing import Patch, change
from activities.kinds.kubernetes.cluster import Cluster
from activities.kinds.kubernetes.course import Course, FailedError
from activities.kinds.kubernetes.rollout import complete

RESTARTED_AT = "kubectl.kubernetes.io/restartedAt"
_RESOURCES: dict[str, type[Any]] = {"deployment": Deployment, "statefulset": StatefulSet, "daemonset": DaemonSet}


async def restart(cluster: Cluster, spec: dict[str, Any], course: Course) -> None:
    """Change the pod template so that its controller replaces every pod."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")

    def decide(found: Any) -> Patch:
        if getattr(found.spec, "paused", None):
            raise FailedError("its rollouts are paused, so a restart would do nothing: resume it first")
        return {"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: now}}}}}

    resource = _RESOURCES[spec["resource"]]
    await change(cluster, resource, spec, course, decide)
    if spec["wait"]:
        await complete(cluster, resource, spec, course)
