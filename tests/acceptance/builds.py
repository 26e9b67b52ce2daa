"""Copies of the source tree that run as builds of their own, some with a change planted in the workflow code."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.stack.processes import Child, lumen_command
from tests.stack.site import Site

_ROOT = Path(__file__).parents[2]
_NOT_RUN = {"tests", "benchmarks"}
_BEFORE_STEPS = (
    '        """Plan, condition, guard; ask, wait; re-check; act. Whatever does not stand any more begins anew."""\n'
)
_BEFORE_ACTING = "        if plan.pretends:\n"
_TIMER = "        {condition}await workflow.sleep(0.05)\n"
PATCHES = ("drill-before-steps", "drill-before-acting")
"""The ids under which :func:`patched_build` hides its two timers."""


@dataclass(frozen=True)
class Build:
    """A source tree in ``folder``; its processes run from there and log as those of the site."""

    folder: Path

    def child(self, site: Site, name: str, log: str = "", environ: Mapping[str, str] | None = None) -> Child:
        """Return the process ``name`` of this build; nothing runs yet. ``log`` names it where there are two."""
        argv = ["env", "-C", str(self.folder), *lumen_command(name)]
        return Child(log or name, argv, {**site.env, **(environ or {})}, site.folder)

    def install(self, site: Site) -> None:
        """Let worker and API of ``site`` be those of this build from their next start on."""
        site.worker, site.api = self.child(site, "worker"), self.child(site, "api")


def old_build(folder: Path) -> Build:
    """Copy the tree as it is."""
    for package in sorted(_ROOT.glob("*/__init__.py")):
        if package.parent.name not in _NOT_RUN:
            ignored = shutil.ignore_patterns("__pycache__")
            shutil.copytree(package.parent, folder / package.parent.name, ignore=ignored)
    return Build(folder)


def patched_build(folder: Path) -> Build:
    """Copy the tree with one timer more before the steps and one before acting, each behind ``workflow.patched``."""
    return _planted(folder, [f'if workflow.patched("{patch}"):\n            ' for patch in PATCHES])


def careless_build(folder: Path) -> Build:
    """Copy the tree with the same two timers for everybody: open episodes do not fit it."""
    return _planted(folder, ["", ""])


def _planted(folder: Path, conditions: list[str]) -> Build:
    build = old_build(folder)
    path = folder / "workflows" / "attempt.py"
    text = path.read_text()
    before, after = (_TIMER.format(condition=condition) for condition in conditions)
    for place, changed in ((_BEFORE_STEPS, _BEFORE_STEPS + before), (_BEFORE_ACTING, after + _BEFORE_ACTING)):
        assert text.count(place) == 1, f"{place!r} does not stand once in {path.name}: choose another place to plant at"
        text = text.replace(place, changed)
    path.write_text(text)
    return build
