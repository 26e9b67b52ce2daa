"""Keeping the rules fresh while serving: look every few seconds, and at once on SIGHUP."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from lumen.errors import RulesError

REFRESH_SECONDS = 2.0

_log = logging.getLogger("lumen.api")


async def keep_fresh(refresh: Callable[[], object], wake: asyncio.Event, seconds: float = REFRESH_SECONDS) -> None:
    """Call ``refresh`` (blocking; it keeps the last good rules when it raises) for ever.

    A failure is logged once, not every few seconds; the next different one, or the same after a success, again.
    """
    said = ""
    while True:
        try:
            async with asyncio.timeout(seconds):
                await wake.wait()
            said = ""
        except TimeoutError:
            pass
        wake.clear()
        said = await _refresh_once(refresh, said)


async def _refresh_once(refresh: Callable[[], object], said: str) -> str:
    try:
        await asyncio.to_thread(refresh)
    except (RulesError, OSError) as error:
        if str(error) != said:
            _log.error("the changed rules cannot be used, the last good ones stay: %s", error)
        return str(error)
    if said:
        _log.info("the rules can be used again")
    return ""
