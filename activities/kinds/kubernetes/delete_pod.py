"""``delete_pod``: deletes the pod that was there, and never the one that took its place and its name.

A pod that is gone has no annotations, so the key cannot be left on it. What tells is its uid: the delete is bound to the
one that was seen first, and what has the name with another uid afterwards is the replacement.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from lightkube.resources.core_v1 import Pod

from activities.kinds.kubernetes.asking import RefusedError
from activities.kinds.kubernetes.changing import look, patiently, send
from activities.kinds.kubernetes.cluster import Cluster
from activities.kinds.kubernetes.course import Course, FailedError

_REMEMBERED = 1000


class PodDeleter:
    """Deletes pods, and remembers which one each action was about, for a second start of it."""

    def __init__(self) -> None:
        """Begin without memories."""
        self._seen: OrderedDict[str, str] = OrderedDict()

    async def delete(self, cluster: Cluster, spec: dict[str, Any], course: Course) -> None:
        """Delete the pod. One that is not there at the first look, and that no uid was given for, is an error."""
        if course.tried > 1 and course.key not in self._seen and not spec["uid"]:
            raise FailedError("an earlier start may have deleted it, and a later pod has the same name: give its uid")
        self._remember(course.key, str(spec["uid"]) or self._seen.get(course.key, ""))
        await patiently(course, lambda: self._once(cluster, spec, course))

    def _remember(self, key: str, uid: str) -> None:
        self._seen[key] = uid
        self._seen.move_to_end(key)
        if len(self._seen) > _REMEMBERED:
            self._seen.popitem(last=False)

    async def _once(self, cluster: Cluster, spec: dict[str, Any], course: Course) -> None:
        """Look, and delete what was seen; what is gone, replaced or being deleted already is done."""
        uid = self._seen[course.key]
        try:
            found = await look(cluster, Pod, spec)
        except RefusedError as error:
            if error.code != 404 or not uid:
                raise
            course.done(already=True)
            return
        seen = str(found.metadata.uid)
        course.detail["uid"] = uid or seen
        if uid not in {"", seen} or found.metadata.deletionTimestamp:
            course.done(already=True)
            return
        self._remember(course.key, seen)
        await send(course, cluster.delete_exactly(spec["namespace"], spec["name"], seen))
        course.done(already=False)
