"""Holds the rules in force: the last good set, looked at again whenever a file of the folder changed."""

from __future__ import annotations

from pathlib import Path

from lumen.errors import RulesError
from rules.loader import files_of, load
from rules.model import RuleSet


class RuleSource:
    """The rules of one folder. Safe to read from many threads; ``reload`` and ``refresh`` are for one at a time."""

    def __init__(self, folder: Path, default_min_rank: str = "link") -> None:
        """Load ``folder``; raises ``RulesError``, since without a good set there is nothing to hold."""
        self._folder, self._min_rank = folder, default_min_rank
        self._seen = self._state()
        self._current = load(folder, default_min_rank=default_min_rank)
        self._error = ""

    @property
    def current(self) -> RuleSet:
        """The last good set."""
        return self._current

    @property
    def error(self) -> str:
        """Why the newest state of the folder is not in force, or nothing."""
        return self._error

    def reload(self) -> str:
        """Load the folder again; return nothing, or what is wrong. On an error the last good set stays in force."""
        self._seen = self._state()  # before reading: a change during the load is seen next time
        try:
            self._current = load(self._folder, default_min_rank=self._min_rank)
        except RulesError as wrong:
            self._error = str(wrong)
        else:
            self._error = ""
        return self._error

    def refresh(self) -> str | None:
        """Reload if names, sizes or times of the files changed; return None if nothing did, else as :meth:`reload`."""
        return None if self._state() == self._seen else self.reload()

    def _state(self) -> tuple[tuple[str, int, int, int], ...]:
        try:
            stats = [(path.name, path.stat()) for path in files_of(self._folder)]
        except OSError:  # gone in between, or unreadable: load says so in words
            return ()
        return tuple((name, stat.st_mtime_ns, stat.st_size, stat.st_ino) for name, stat in stats)
