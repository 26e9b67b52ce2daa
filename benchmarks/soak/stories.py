"""What happens to one episode from its first alert until it only cools down and watches: each sort of it once."""

from __future__ import annotations

import asyncio
import random
import time
import zlib
from collections.abc import Awaitable, Callable
from typing import Any

from benchmarks import load
from benchmarks.soak.calls import Calls
from benchmarks.soak.stage import HOSTS, PEOPLE

_PATIENCE = 180.0

Story = Callable[[Calls, str], Awaitable[str]]


class NotReachedError(Exception):
    """An episode did not come where it had to."""


async def until(calls: Calls, key: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until the status of an episode holds. NotReachedError, with where it stands, after three minutes."""
    deadline = time.monotonic() + _PATIENCE
    document: dict[str, Any] = {}
    while time.monotonic() < deadline:
        document = await calls.status(key) or document
        if document and holds(document):
            return document
        await asyncio.sleep(1)
    seen = {name: document.get(name) for name in ("rule", "state", "state_reason", "outcome")}
    raise NotReachedError(f"{key} stands at {seen}")


def _ended(document: dict[str, Any]) -> bool:
    return bool(document["attempts"])


def _asks(document: dict[str, Any]) -> bool:
    return bool(document["state"] == "awaiting_approval")


async def _finish(calls: Calls, rule: str, name: str, key: str, **labels: str) -> str:
    """Wait for an ended attempt, resolve the alert, and return the outcome."""
    document = await until(calls, key, _ended)
    await calls.alert(rule, name, "resolved", **labels)
    return str(document["attempts"][0]["outcome"])


async def auto(calls: Calls, name: str) -> str:
    """Repaired without asking, and sent three times at once, as HA senders do."""
    keys = await asyncio.gather(*(calls.alert("SoakAuto", name) for _ in range(3)))
    return await _finish(calls, "SoakAuto", name, keys[0])


async def guarded(calls: Calls, name: str) -> str:
    """Repaired under the lock of one of a few targets."""
    host = f"host-{zlib.crc32(name.encode()) % HOSTS}"
    return await _finish(calls, "SoakGuarded", name, await calls.alert("SoakGuarded", name, host=host), host=host)


async def output(calls: Calls, name: str) -> str:
    """A command of ten seconds that prints."""
    return await _finish(calls, "SoakOutput", name, await calls.alert("SoakOutput", name))


async def condition(calls: Calls, name: str) -> str:
    """A condition that Prometheus answers."""
    return await _finish(calls, "SoakWhen", name, await calls.alert("SoakWhen", name))


async def votes(calls: Calls, name: str) -> str:
    """Two people approve by the API."""
    key = await calls.alert("SoakVotes", name)
    await until(calls, key, _asks)
    for person in PEOPLE[:2]:
        await calls.vote(key, person)
    return await _finish(calls, "SoakVotes", name, key)


async def link(calls: Calls, name: str) -> str:
    """One person approves by a link."""
    key = await calls.alert("SoakLink", name)
    await calls.decide_by_link(await until(calls, key, _asks), PEOPLE[0])
    return await _finish(calls, "SoakLink", name, key)


async def rejected(calls: Calls, name: str) -> str:
    """One person rejects."""
    key = await calls.alert("SoakVotes", name)
    await until(calls, key, _asks)
    await calls.vote(key, PEOPLE[2], "reject")
    return await _finish(calls, "SoakVotes", name, key)


async def expired(calls: Calls, name: str) -> str:
    """Nobody votes in time."""
    return await _finish(calls, "SoakExpires", name, await calls.alert("SoakExpires", name))


async def resolved(calls: Calls, name: str) -> str:
    """It is over before anybody votes."""
    key = await calls.alert("SoakVotes", name)
    await until(calls, key, _asks)
    await calls.alert("SoakVotes", name, "resolved")
    return str((await until(calls, key, _ended))["attempts"][0]["outcome"])


async def fails(calls: Calls, name: str) -> str:
    """The command fails and is rolled back; people are told."""
    return await _finish(calls, "SoakFails", name, await calls.alert("SoakFails", name))


async def flaps(calls: Calls, name: str) -> str:
    """It comes and goes, with repeats."""
    key = ""
    for _ in range(4):
        for status in ("firing", "firing", "resolved"):
            key = await calls.alert("SoakAuto", name, status)
            await asyncio.sleep(3)
    return await _finish(calls, "SoakAuto", name, key)


async def overridden(calls: Calls, name: str) -> str:
    """Somebody decides past the quorum."""
    key = await calls.alert("SoakVotes", name)
    await until(calls, key, _asks)
    words = {"decision": "cancel", "actor": PEOPLE[0], "reason": "soak"}
    await calls.api("POST", f"/alerts/{key}/override", 202, json=words)
    return await _finish(calls, "SoakVotes", name, key)


async def storm(calls: Calls, name: str) -> str:
    """Twenty-five alerts in one body, sent twice, and resolved in one."""
    alerts = [load.alert("SoakStorm", f"{name}-{number}") for number in range(25)]
    keys = [one["key"] for one in (await calls.webhook(alerts))["alerts"]]
    await calls.webhook(alerts)
    for key in keys:
        await until(calls, key, _ended)
    await calls.webhook([one | {"status": "resolved"} for one in alerts])
    return "storm"


STORIES: tuple[tuple[Story, int], ...] = (
    *((auto, 20), (guarded, 15), (output, 5), (condition, 10), (votes, 15), (link, 10), (rejected, 5)),
    *((expired, 5), (resolved, 5), (fails, 3), (flaps, 4), (overridden, 2), (storm, 1)),
)
"""Every sort with its weight."""

OUTCOMES: dict[Story, tuple[str, ...]] = {
    auto: ("remediated",),
    guarded: ("remediated", "suppressed"),  # another episode of the same target has just ended
    output: ("remediated",),
    condition: ("remediated",),
    votes: ("remediated",),
    link: ("remediated",),
    rejected: ("rejected",),
    expired: ("expired",),
    resolved: ("resolved",),
    fails: ("rolled_back",),
    flaps: ("remediated", "resolved"),  # on a busy machine it is over before anything begins
    overridden: ("cancelled",),
    storm: ("storm",),
}
"""How the first attempt of each may end."""


def draw(luck: random.Random) -> Story:
    """Return a sort of story by weight."""
    return luck.choices([story for story, _ in STORIES], [weight for _, weight in STORIES])[0]
