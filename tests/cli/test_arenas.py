"""What a process that serves holds on to."""

from __future__ import annotations

import platform
import subprocess
import sys

import pytest

from cli import serve

_TELLS = """
import ctypes, sys, threading
from cli.arenas import share_arenas
if sys.argv[1] == "shared":
    share_arenas()
libc = ctypes.CDLL(None)
libc.malloc.restype = ctypes.c_void_p
# Each thread holds what it got until all have theirs, so that none takes over the pool of one that has ended.
have = threading.Barrier(8)
def get():
    libc.malloc(100_000)
    have.wait(30)
threads = [threading.Thread(target=get) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
libc.malloc_stats()
"""


def _arenas(how: str) -> int:
    argv = [sys.executable, "-c", _TELLS, how]
    told = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60).stderr
    return told.count("Arena ")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library has no such pools")
def test_eight_threads_share_two_pools() -> None:
    """Without it eight threads have more: that is what the limit is for."""
    assert _arenas("each") > 2
    assert _arenas("shared") == 2


def test_every_service_shares_its_pools_before_it_does_anything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    """API, worker and ledger: once other threads run it would be too late."""

    class ReachedError(Exception):
        """The call that was to be first."""

    def reached() -> None:
        raise ReachedError

    monkeypatch.setattr(serve, "share_arenas", reached)
    for service in (serve.serve_api, lambda: serve.serve_worker(()), serve.serve_proofd):
        with pytest.raises(ReachedError):
            service()
