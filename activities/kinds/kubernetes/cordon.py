"""``cordon`` and ``uncordon``: ``spec.unschedulable`` of a node."""

from __future__ import annotations

from typing import Any

from lightkube.resources.core_v1 import Node

from activities.kinds.kubernetes.changing import Patch, change
from activities.kinds.kubernetes.cluster import Cluster
from activities.kinds.kubernetes.course import Course


async def cordon(cluster: Cluster, spec: dict[str, Any], course: Course) -> None:
    """Let no new pods onto the node, or let them again."""
    wanted = spec["verb"] == "cordon"

    def decide(found: Any) -> Patch | None:
        current = bool(found.spec.unschedulable) if found.spec else False
        course.detail["unschedulable_before"] = current
        # Null takes the field away, which is how an uncordoned node looks.
        return None if current is wanted else {"spec": {"unschedulable": True if wanted else None}}

    await change(cluster, Node, spec, course, decide)
