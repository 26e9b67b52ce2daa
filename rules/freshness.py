"""Keeping the rules fresh while serving: look every few seconds, and load them again at once when asked (SIGHUP)."""

from __future__ import annotations

import asyncio
import logging

from rules.source import RuleSource

REFRESH_SECONDS = 0.5

_log = logging.getLogger("lumen.rules")


async def keep_fresh(source: RuleSource, asked: asyncio.Event, seconds: float = REFRESH_SECONDS) -> None:
    """Refresh ``source`` every ``seconds``, and reload it when ``asked`` is set, for ever.

    Rules that cannot be used are logged once for each change of the files; the last good ones stay in force.
    """
    while True:
        try:
            async with asyncio.timeout(seconds):
                await asked.wait()
        except TimeoutError:
            pass
        await _look(source, reload=asked.is_set())
        asked.clear()


async def _look(source: RuleSource, *, reload: bool) -> None:
    try:
        wrong = await asyncio.to_thread(source.reload if reload else source.refresh)
    except Exception:  # noqa: BLE001 - said below; a bug in reading rules must not silently end the reloading
        _log.exception("looking for changed rules failed")
        return
    if wrong:
        _log.error("the changed rules cannot be used, the last good ones stay in force:\n%s", wrong)
    elif wrong is not None:
        _log.info("loaded %d rules", len(source.current.rules), extra={"rules_digest": source.current.digest})
