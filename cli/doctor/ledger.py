"""The ledger: proofd, its token, and whether what it keeps still holds."""

from __future__ import annotations

import asyncio
import secrets
import shutil
from contextlib import suppress
from pathlib import Path

from cli.doctor.finding import Finding, fail, ok, skip, warn
from cli.doctor.scene import Scene, is_proofd
from cli.doctor.sight import Sighting
from cli.doctor.tokens import judge_tokens
from proof.errors import BrokenChainError
from proof.format.entry import log_id
from proof.sqlite.verification import verify_file

_MOST_ENTRIES = 20_000
_MOST_FILE_BYTES = 64 * 1024 * 1024
"""What is longer takes more seconds to verify than a quick look may, and costs the server as much."""

_BROKEN = "keep a copy of the ledger as evidence and restore the last good backup; docs/ledger.md says what it shows"


async def proofd(scene: Scene) -> list[Finding]:
    """Look for proofd, and whether it takes entries."""
    seen, url = scene.proofd, scene.case.settings.proofd_url
    if is_proofd(seen):
        if seen.json["ok"]:
            return [ok(f"{url} answers; height {seen.json['height']}")]
        return [fail(f"{url} is frozen and takes no entries, so nothing is executed", "lumen proof verify says why")]
    if scene.case.own_ledger and (quiet := scene.unreachable_is_no_news("PROOFD_ADDR", "PROOFD_URL")):
        return [quiet]
    variable = "PROOFD_ADDR" if scene.case.own_ledger else "PROOFD_URL"
    if seen.trouble:
        found = f"no ledger at {url}: {seen.trouble}; actions wait for it"
        return [fail(found, f"{scene.start('proofd')}, or correct {variable}")]
    return [fail(f"what answers at {url} is not proofd (HTTP {seen.status})", f"correct {variable}")]


async def token(scene: Scene) -> list[Finding]:
    """Ask proofd whether it takes the tokens of ``PROOFD_TOKEN``, by reading."""
    if not is_proofd(scene.proofd):
        return [_not_asked(scene)]
    settings = scene.case.settings
    variable = (
        "PROOFD_TOKEN" if scene.case.environ.keys() & {"PROOFD_TOKEN", "PROOFD_TOKEN_FILE"} else "LUMEN_API_TOKEN"
    )
    if not settings.proofd_tokens:
        fix = "set PROOFD_TOKEN, or LUMEN_DATA_DIR to the data directory of `lumen up`"
        return [warn(f"no token is set here, so {settings.proofd_url} cannot be used", fix)]
    answers = await asyncio.gather(*(_entry(scene, 0, token) for token in settings.proofd_tokens))
    return judge_tokens(variable, [answer.status for answer in answers], f"proofd at {settings.proofd_url}")


async def ledger(scene: Scene) -> list[Finding]:
    """Verify the ledger, if that is quick: by proofd, or in its file where no proofd runs."""
    if is_proofd(scene.proofd):
        return [await _verified_by_proofd(scene)]
    path = scene.case.ledger_file
    if scene.case.up.held or not scene.case.own_ledger or path is None or not path.exists():
        return [_not_asked(scene)]
    if path.stat().st_size > _MOST_FILE_BYTES:
        return [skip(f"{path} is too large for a quick look; proofd verifies it when it starts")]
    settings, seconds = scene.case.settings, scene.eyes.seconds
    salt = settings.proof_salt.encode()
    try:
        async with asyncio.timeout(seconds):
            await _verify_aside(path, log_id(settings.proof_origin, salt))
    except TimeoutError:
        return [skip(f"{path} takes longer to verify than {seconds:g} s; proofd verifies it when it starts")]
    except BrokenChainError as error:
        where = "" if error.seq is None else f" at entry {error.seq}"
        if error.code == "log" and not salt:
            return [skip(f"{path} can only be verified with its PROOF_SALT, which is not set here")]
        if error.code == "log":
            return [
                fail(f"{path} does not belong to this PROOF_SALT", "set PROOF_SALT as it was, or move the file away")
            ]
        return [fail(f"{path} is broken{where} ({error}): proofd will not start with it", _BROKEN)]
    except OSError as error:
        return [
            warn(
                f"{path} cannot be read: {error.strerror}",
                "run this as the user that proofd runs as, with room on its disk",
            )
        ]
    return [ok(f"{path} holds: verified from its beginning to its end")]


async def _verify_aside(path: Path, log: str) -> None:
    """Verify a copy: opening the file itself would leave a write-ahead log behind, which looks like a lost ledger later."""
    folder = path.parent / f".doctor-{secrets.token_hex(8)}"
    try:
        await asyncio.to_thread(_verify_copy, path, folder, log)
    finally:
        # Here and not in the thread: after a timeout the process ends without waiting for that.
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _verify_copy(path: Path, folder: Path, log: str) -> None:
    folder.mkdir(mode=0o700)
    copy = folder / path.name
    for suffix in ("", "-wal"):
        with suppress(FileNotFoundError):
            shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
    verify_file(copy, log)


async def _verified_by_proofd(scene: Scene) -> Finding:
    head, tokens = scene.proofd.json, scene.case.settings.proofd_tokens
    if not head["ok"]:
        return fail("the ledger is frozen", _BROKEN)
    if not tokens or head["height"] > _MOST_ENTRIES:
        why = "it is long" if tokens else "no token is set here"
        return skip(f"height {head['height']}, not verified now, since {why}: lumen proof verify does it")
    answer = await scene.eyes.post_nothing(
        f"{scene.case.settings.proofd_url}/verify", {"Authorization": f"Bearer {tokens[0]}"}
    )
    verdict = answer.json
    if answer.status != 200 or "ok" not in verdict:
        return skip(f"not verified now ({answer.trouble or f'HTTP {answer.status}'}): lumen proof verify does it")
    if verdict["ok"]:
        return ok(f"it holds: verified up to height {verdict.get('height')}")
    return fail(f"it is broken at entry {verdict.get('first_bad_seq')}: {verdict.get('reason')}", _BROKEN)


async def newest(scene: Scene) -> Sighting | None:
    """Return the newest entry as proofd shows it, or None where there is none to see."""
    height = scene.proofd.json.get("height")
    tokens = scene.case.settings.proofd_tokens
    if not is_proofd(scene.proofd) or not tokens or not isinstance(height, int) or height < 1:
        return None
    return await _entry(scene, height - 1, tokens[0])


async def _entry(scene: Scene, seq: int, token: str) -> Sighting:
    url = f"{scene.case.settings.proofd_url}/entries/{seq}"
    return await scene.eyes.get(url, {"Authorization": f"Bearer {token}"})


def _not_asked(scene: Scene) -> Finding:
    return (scene.case.own_ledger and scene.unreachable_is_no_news("PROOFD_ADDR", "PROOFD_URL")) or skip(
        "no proofd to ask"
    )
