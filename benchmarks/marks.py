"""Files that commands touch, so that each tells by itself when it started."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.measure import until

TOUCH = "/usr/bin/touch"
"""What every arm runs: a small program that sets the time of one file to now."""


class Marks:
    """One file for each command, in one folder."""

    def __init__(self, folder: Path) -> None:
        """Make the folder."""
        self._folder = folder
        folder.mkdir(exist_ok=True)

    def path(self, name: str) -> str:
        """Return what the command of this name touches."""
        return str(self._folder / name)

    def prepare(self, names: list[str]) -> None:
        """Make the files, never touched.

        A file that exists and was looked at gets its next time to the nanosecond (Linux 6.13 on), a new one only to the
        tick of the kernel (1 to 4 ms early, in every arm alike).
        """
        for name in names:
            file = self._folder / name
            file.touch()
            os.utime(file, (0, 0))
            file.stat()

    def touched(self, names: list[str]) -> dict[str, float]:
        """Return when the commands that have started did (epoch seconds)."""
        times = {name: (self._folder / name).stat().st_mtime_ns / 1e9 for name in names}
        return {name: moment for name, moment in times.items() if moment > 0}

    async def all_touched(self, names: list[str], seconds: float) -> list[float]:
        """Wait for all and return when each command started, in the order of ``names``. TimeoutError after ``seconds``."""
        missing = list(names)

        async def complete() -> bool:
            missing[:] = [name for name in missing if name not in self.touched(missing)]
            return not missing

        await until(complete, seconds, "every command has started", every=0.25)
        times = self.touched(names)
        return [times[name] for name in names]
