"""What ``lumen up`` keeps in its data directory: generated secrets and the addresses of the running processes.

Both files are JSON objects of environment variables, so that reading them back is one more layer under the environment.
"""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Container, Mapping
from pathlib import Path

from cli.failure import CommandError

LEDGER_FILE = "proof.db"
SECRETS_FILE = "secrets.json"
ENDPOINTS_FILE = "endpoints.json"
WEBHOOK_TOKEN_FILE = "webhook.token"  # noqa: S105  # the name of a file


def create(folder: Path) -> None:
    """Make the data directory, readable by its owner only.

    Raises:
        CommandError: it cannot be made or written to.

    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.chmod(0o700)
        (folder / "logs").mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise CommandError(
            f"cannot use the data directory {folder}: {error.strerror}: set LUMEN_DATA_DIR to one that can be written"
        ) from None


def ensure_secrets(folder: Path, given: Container[str] = ()) -> dict[str, str]:
    """Return the secrets of this installation by variable; generate and keep those that are not there yet.

    Raises ``CommandError`` when a ledger is there whose salt is lost, unless the salt is among the ``given`` variables.
    """
    known = read_secrets(folder)
    if "PROOF_SALT" not in known and "PROOF_SALT" not in given and (folder / LEDGER_FILE).exists():
        raise CommandError(
            f"{folder / SECRETS_FILE} is missing or has lost PROOF_SALT, and the ledger {folder / LEDGER_FILE} belongs to it: "
            "put the file back from your backup, or move the ledger away to begin a new one"
        )
    fresh = {
        "BRIDGE_SECRET": f"k1:{secrets.token_urlsafe(32)}",
        "LUMEN_WEBHOOK_TOKEN": secrets.token_urlsafe(32),
        "LUMEN_API_TOKEN": secrets.token_urlsafe(32),
        "PROOF_SALT": secrets.token_urlsafe(16),
    }
    if set(fresh) - set(known):
        known = fresh | known
        write_private(folder / SECRETS_FILE, json.dumps(known, indent=2) + "\n")
    return known


def read_secrets(folder: Path) -> dict[str, str]:
    """Return the generated secrets by variable; none if this directory has none or they are not ours to read."""
    return _read(folder / SECRETS_FILE)


def read_endpoints(folder: Path) -> dict[str, str]:
    """Return the addresses that the last ``lumen up`` left, by variable."""
    return _read(folder / ENDPOINTS_FILE)


def write_endpoints(folder: Path, endpoints: Mapping[str, str]) -> None:
    """Leave the addresses of the running processes for the other commands."""
    write_private(folder / ENDPOINTS_FILE, json.dumps(dict(endpoints), indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


def _read(path: Path) -> dict[str, str]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return {}
    except (OSError, ValueError) as error:
        raise CommandError(f"cannot read {path}: {error}: restore it or remove it") from None
    if not isinstance(content, dict):
        raise CommandError(f"cannot read {path}: not a JSON object: restore it or remove it")
    return {name: value for name, value in content.items() if isinstance(value, str)}
