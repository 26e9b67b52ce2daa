"""The settings themselves, and the files that hold secrets."""

from __future__ import annotations

import asyncio
import stat
from pathlib import Path

from api.tokens import parse_tokens_file
from cli import datadir
from cli.doctor.finding import Finding, fail, ok, skip, warn
from cli.doctor.scene import Scene
from lumen.errors import SettingsError


async def settings(scene: Scene) -> list[Finding]:
    """Tell every value that cannot be used and every name that Lumen does not know."""
    return list(scene.case.findings) or [ok("every value can be used, and every LUMEN_* name is known")]


async def tokens_file(scene: Scene) -> list[Finding]:
    """Read ``LUMEN_TOKENS_FILE`` as the API would."""
    path = scene.case.settings.tokens_file
    if not path:
        return [skip("LUMEN_TOKENS_FILE is not set")]
    try:
        text = await asyncio.to_thread(Path(path).read_text, encoding="utf-8")
        callers = parse_tokens_file(text, path)
    except (OSError, UnicodeDecodeError) as error:
        return [fail(f"{path} cannot be read: {error}", "correct LUMEN_TOKENS_FILE, or the owner of the file")]
    except SettingsError as error:
        return [fail(str(error), f"correct that line of {path} and restart the API")]
    return [ok(f"{path}: {len(callers)} tokens")]


async def secret_files(scene: Scene) -> list[Finding]:
    """Look who may read the files that hold secrets."""
    return await asyncio.to_thread(_secret_files, scene)


def _secret_files(scene: Scene) -> list[Finding]:
    case = scene.case
    paths = [case.data_dir / name for name in (datadir.SECRETS_FILE, datadir.WEBHOOK_TOKEN_FILE)]
    if case.ledger_file is not None:
        paths.append(Path(f"{case.ledger_file}.key"))  # signs checkpoints, unless PROOF_KEY_FILE names another
    paths += [Path(path) for name, path in sorted(case.environ.items()) if name in _FILES and path]
    digests = {Path(case.settings.tokens_file)}
    findings, seen = [], 0
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            continue  # what cannot be read at all is told by the settings
        seen += 1
        if mode & stat.S_IWOTH:
            findings.append(fail(f"{path} can be changed by every user of this machine", f"chmod o-rwx {path}"))
        elif mode & stat.S_IROTH and path not in digests and _MOUNTED not in path.parents:
            findings.append(warn(f"{path} can be read by every user of this machine", f"chmod o-rwx {path}"))
    if not seen:
        return [skip("there are none yet")]
    return findings or [ok(f"{seen} files, none open to every user")]


_MOUNTED = Path("/run/secrets")  # what a container engine puts there is for the container alone, whatever its mode
_FILES = frozenset(
    {
        "LUMEN_TOKENS_FILE",
        "BRIDGE_SECRET_FILE",
        "LUMEN_WEBHOOK_TOKEN_FILE",
        "LUMEN_API_TOKEN_FILE",
        "PROOFD_TOKEN_FILE",
        "CONTROL_BUS_TOKEN_FILE",
        "PROOF_SALT_FILE",
        "PROOF_DSN_FILE",
        "PROOF_KEY_FILE",
    }
)
