"""What guards hold back, in the words of the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def describe(guard: dict[str, Any]) -> Iterator[str]:
    """Say in lines what a guard holds back apart from its cooldowns."""
    if guard.get("stale"):
        yield f"{guard['id']}: no worker answers for this guard now"
    for place in guard.get("places") or ():
        yield f"{guard['id']}: held by {place.get('holder')} ({place.get('rule')}) until {place.get('lease_until')}"
    for waiting in guard.get("waiting") or ():
        yield f"{guard['id']}: {waiting.get('holder')} ({waiting.get('rule')}) waits"
