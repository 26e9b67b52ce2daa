"""A change of one object, made at most once however often it is sent.

Every try looks first. The patch carries the ``resourceVersion`` that was seen, so it is refused if anything changed in
between, and leaves the action's idempotency key in an annotation, so a later look tells that it was carried out. That
is why an answer that was lost can be followed by another look instead of a guess.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from lightkube.types import PatchType

from activities.kinds.kubernetes.asking import AnswerError, BusyError, NotSentError, UnclearError, ask
from activities.kinds.kubernetes.cluster import Cluster
from activities.kinds.kubernetes.course import Course

ANNOTATION = "lumen/idempotency-key"
PAUSES = (0.1, 0.3, 1.0, 2.0, 4.0)
"""Seconds between tries: there is one more try than pauses."""

Patch = dict[str, Any]
_T = TypeVar("_T")


async def patiently(course: Course, once: Callable[[], Awaitable[_T]]) -> _T:
    """Return what ``once`` returns, tried again after what another look can settle; raises what the last try raised."""
    for pause in PAUSES:
        try:
            return await once()
        except (BusyError, UnclearError):
            pass
        except NotSentError:
            # Before anything was sent this is plain. After a doubt the connection may come back, and settle it.
            if not course.doubt:
                raise
        await asyncio.sleep(pause)
    return await once()


async def look(cluster: Cluster, resource: type[Any], spec: dict[str, Any]) -> Any:
    """Return the object that ``spec`` names; raises :class:`AnswerError`."""
    return await ask(cluster.get(resource, spec["name"], **_within(spec)))


async def send(course: Course, request: Awaitable[_T]) -> _T:
    """Send what changes something and return the answer; until it has come, and if it never does, there is doubt."""
    before, course.doubt = course.doubt, "it was sent, and the answer has not come"
    try:
        return await ask(request)
    except UnclearError as error:
        course.doubt = str(error)
        raise
    except AnswerError:
        course.doubt = before
        raise


async def change(
    cluster: Cluster,
    resource: type[Any],
    spec: dict[str, Any],
    course: Course,
    decide: Callable[[Any], Patch | None],
) -> None:
    """Change the object as ``decide`` says from what was found; it returns None where nothing has to be changed.

    Raises :class:`AnswerError`, or what ``decide`` raises.
    """

    async def once() -> None:
        found = await look(cluster, resource, spec)
        key = (found.metadata.annotations or {}).get(ANNOTATION)
        patch = None if key == course.key else decide(found)
        if patch is None:
            course.done(already=True)
            return
        own = {"resourceVersion": found.metadata.resourceVersion, "annotations": {ANNOTATION: course.key}}
        body = {**patch, "metadata": own}
        request = cluster.patch(resource, spec["name"], body, patch_type=PatchType.MERGE, **_within(spec))
        await send(course, request)
        course.done(already=False)

    await patiently(course, once)


def _within(spec: dict[str, Any]) -> dict[str, Any]:
    return {"namespace": spec["namespace"]} if "namespace" in spec else {}
