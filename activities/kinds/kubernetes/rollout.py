"""Waiting for a rollout: complete by the same signs as ``kubectl rollout status``."""

from __future__ import annotations

import asyncio
from typing import Any

from activities.kinds.kubernetes.asking import AnswerError, RefusedError
from activities.kinds.kubernetes.changing import look
from activities.kinds.kubernetes.cluster import Cluster
from activities.kinds.kubernetes.course import Course, FailedError

_FIRST = 0.2
_LONGEST = 2.0


async def complete(cluster: Cluster, resource: type[Any], spec: dict[str, Any], course: Course) -> None:
    """Return when the rollout is complete; raises :class:`FailedError` if it fails or is not by ``spec["wait"]`` seconds."""
    said = "nothing was seen of it"
    pause = _FIRST
    try:
        async with asyncio.timeout(spec["wait"]):
            while True:
                try:
                    said = progress(spec["resource"], await look(cluster, resource, spec))
                except RefusedError as error:
                    raise FailedError(f"the change was made, but its rollout cannot be seen: {error}") from None
                except AnswerError as error:
                    said = str(error)
                if not said:
                    course.detail["rollout"] = "complete"
                    return
                course.detail["rollout"] = said
                await asyncio.sleep(pause)
                pause = min(pause * 1.5, _LONGEST)
    except TimeoutError:
        raise FailedError(f"the change was made, but is not rolled out after {spec['wait']:g} s: {said}") from None


def progress(resource: str, found: Any) -> str:
    """Return what is missing to a complete rollout, or nothing; raises :class:`FailedError` if it will not complete."""
    status = found.status
    if status is None or (status.observedGeneration or 0) < (found.metadata.generation or 0):
        return "the controller has not seen the change yet"
    return {"deployment": _deployment, "statefulset": _stateful_set, "daemonset": _daemon_set}[resource](found)


def _deployment(found: Any) -> str:
    status, wanted = found.status, _wanted(found)
    for condition in status.conditions or ():
        if condition.type == "Progressing" and condition.reason == "ProgressDeadlineExceeded":
            raise FailedError(f"the change was made, but its rollout failed: {condition.message or condition.reason}")
    updated, available, every = status.updatedReplicas or 0, status.availableReplicas or 0, status.replicas or 0
    if updated < wanted:
        return f"{updated} of {wanted} pods are new"
    if every > updated:
        return f"{every - updated} old pods are still there"
    return "" if available >= updated else f"{available} of {updated} pods are available"


def _stateful_set(found: Any) -> str:
    status, wanted = found.status, _wanted(found)
    ready, updated = status.readyReplicas or 0, status.updatedReplicas or 0
    strategy = found.spec.updateStrategy
    if ready < wanted:
        return f"{ready} of {wanted} pods are ready"
    if (status.replicas or 0) > wanted:
        return f"{status.replicas - wanted} pods too many are still there"
    if strategy and strategy.type == "OnDelete":
        return ""  # its pods become new when somebody deletes them, so there is nothing to wait for
    kept = (strategy.rollingUpdate.partition or 0) if strategy and strategy.rollingUpdate else 0
    due = max(0, wanted - kept)
    if status.updateRevision != status.currentRevision and updated < due:
        return f"{updated} of {due} pods are new"
    return ""


def _daemon_set(found: Any) -> str:
    status = found.status
    wanted, updated = status.desiredNumberScheduled or 0, status.updatedNumberScheduled or 0
    strategy = found.spec.updateStrategy
    if updated < wanted and not (strategy and strategy.type == "OnDelete"):
        return f"{updated} of {wanted} pods are new"
    available = status.numberAvailable or 0
    return "" if available >= wanted else f"{available} of {wanted} pods are available"


def _wanted(found: Any) -> int:
    return 1 if found.spec.replicas is None else int(found.spec.replicas)
