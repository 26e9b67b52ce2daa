"""Running all checks at once, each for a bounded time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cli.doctor import CHECKS
from cli.doctor.case import Case, read_case
from cli.doctor.finding import Check, Finding, fail, warn
from cli.doctor.scene import Scene, look
from cli.doctor.sight import Eyes
from lumen.redaction import Redactor, secrets_of

SECONDS = 2.0
"""For each request, and for each check after the first look: all of it ends within three times that."""

_MORE = 0.5


@dataclass(frozen=True)
class Result:
    """What one check found."""

    check: str
    finding: Finding


def examine(environ: Mapping[str, str], checks: Sequence[Check] = CHECKS, seconds: float = SECONDS) -> list[Result]:
    """Return what ``checks`` find in the configuration of ``environ``, in their order and without secrets."""
    # Not asyncio.run: that would wait for a thread that hangs in a name server or a network file system.
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(_examine(environ, checks, seconds))
    finally:
        loop.close()


async def _examine(environ: Mapping[str, str], checks: Sequence[Check], seconds: float) -> list[Result]:
    try:
        async with asyncio.timeout(seconds):
            case = await asyncio.to_thread(read_case, environ)
    except TimeoutError:
        found = f"the settings could not be read within {seconds:g} s"
        return [Result("settings", fail(found, "look at the files that *_FILE and LUMEN_DATA_DIR name"))]
    eyes = Eyes(seconds)
    try:
        scene = await look(case, eyes)
        found_by_check = await asyncio.gather(*(_bounded(check, scene) for check in checks))
    finally:
        await eyes.close()
    redactor = _redactor(case)
    return [
        Result(check.name, replace(one, found=_line(one.found, redactor), fix=_line(one.fix, redactor)))
        for check, findings in zip(checks, found_by_check, strict=True)
        for one in findings
    ]


async def _bounded(check: Check, scene: Scene) -> Sequence[Finding]:
    try:
        # A little more than for one request, so that a request can still say what it waited for.
        async with asyncio.timeout(scene.eyes.seconds + _MORE):
            return await check.look(scene)
    except TimeoutError:
        return [
            fail(f"no result within {scene.eyes.seconds + _MORE:g} s", "try again; if it stays so, that part hangs")
        ]
    except OSError as error:
        found = f"this user cannot look: {error.strerror}{f': {error.filename}' if error.filename else ''}"
        return [warn(found, "run this as the user that Lumen runs as")]
    except Exception as error:  # noqa: BLE001  # a check that breaks must not hide what the others found
        return [warn(f"this check itself broke: {type(error).__name__}: {error}", "report it, with this line")]


def _redactor(case: Case) -> Redactor:
    return Redactor(secrets_of(case.settings))


def _line(text: str, redactor: Redactor) -> str:
    return redactor.text(" ".join(text.split()))
