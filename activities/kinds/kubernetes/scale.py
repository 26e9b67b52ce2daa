"""``scale``: sets ``spec.replicas``."""

from __future__ import annotations

from typing import Any

from lightkube.resources.apps_v1 import Deployment, StatefulSet

from activities.kinds.kubernetes.changing import Patch, change
from activities.kinds.kubernetes.cluster import Cluster
from activities.kinds.kubernetes.course import Course, FailedError
from activities.kinds.kubernetes.rollout import complete

_RESOURCES: dict[str, type[Any]] = {"deployment": Deployment, "statefulset": StatefulSet}


async def scale(cluster: Cluster, spec: dict[str, Any], course: Course) -> None:
    """Set the number of replicas; by a number only within the bounds of the rule, and never in the other direction."""

    def decide(found: Any) -> Patch | None:
        current = 1 if found.spec.replicas is None else int(found.spec.replicas)
        wanted = int(spec["replicas"]) if "replicas" in spec else _by(current, spec)
        course.detail.update(replicas_before=current, replicas=wanted)
        return None if wanted == current else {"spec": {"replicas": wanted}}

    resource = _RESOURCES[spec["resource"]]
    await change(cluster, resource, spec, course, decide)
    if spec["wait"]:
        await complete(cluster, resource, spec, course)


def _by(current: int, spec: dict[str, Any]) -> int:
    by, least, most = spec["by"], spec["least"], spec["most"]
    if by > 0 and current >= most:
        raise FailedError(f"it has {current} replicas already, and {most} is the most that the rule allows")
    if by < 0 and current <= least:
        raise FailedError(f"it has {current} replicas only, and {least} is the least that the rule allows")
    return int(min(current + by, most) if by > 0 else max(current + by, least))
