"""How much freed memory a process holds on to."""

from __future__ import annotations

import contextlib
import ctypes

_ARENA_MAX = -8  # M_ARENA_MAX of glibc's malloc.h
_ARENAS = 2


def share_arenas() -> None:
    """Let all threads share two memory pools; call it before there are other threads.

    glibc gives threads up to eight pools a core, and each keeps what it once needed. Threads come and go here, so every
    pool would in time hold the largest need of any request. Does nothing where the C library is another one.
    """
    # musl and macOS have no mallopt with this option, and no such pools either.
    with contextlib.suppress(AttributeError, OSError, TypeError):
        ctypes.CDLL(None).mallopt(_ARENA_MAX, _ARENAS)
