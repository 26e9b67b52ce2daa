"""Takes over a changed LUMEN_TOKENS_FILE while requests go on."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from api.tokens import TokenBook
from lumen.errors import SettingsError

TOKENS_SECONDS = 5.0
"""How long a token that was taken out of the file still counts, at most."""

_log = logging.getLogger("lumen.api")


async def keep_tokens_fresh(
    book: TokenBook, read: Callable[[], TokenBook], asked: asyncio.Event, seconds: float = TOKENS_SECONDS
) -> None:
    """Let ``book`` accept what ``read`` returns, every ``seconds`` and when ``asked`` is set, for ever.

    A file that cannot be used is logged once, and the last good one stays in force: it is never read in parts.
    """
    said = ""
    while True:
        try:
            async with asyncio.timeout(seconds):
                await asked.wait()
        except TimeoutError:
            pass
        asked.clear()
        try:
            fresh = await asyncio.to_thread(read)
        except SettingsError as error:
            if str(error) != said:
                _log.error("%s; the tokens of before stay in force", error)
            said = str(error)
            continue
        said = ""
        if book.become(fresh):
            _log.info("the tokens changed")
