"""The settings of this process: the only place of Lumen that reads the environment."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from cli.datadir import read_endpoints, read_secrets
from cli.failure import USAGE, CommandError
from lumen.display import printable
from lumen.setting_types import Address
from lumen.settings import Settings, check_forward_auth, parse_settings

_DEFAULT_DATA_DIR = "./var"


def environment() -> dict[str, str]:
    """Return the environment of this process as it is."""
    return dict(os.environ)  # noqa: TID251  # this module is where the environment is read


def load(environ: Mapping[str, str]) -> Settings:
    """Return the settings in ``environ`` with what follows from them filled in; unknown names are told on stderr.

    ``proofd_url`` defaults to the address of proofd, ``proofd_tokens`` to the tokens of the API.

    Raises:
        SettingsError: a value cannot be used, or values cannot be used together.

    """
    settings, warnings = parse_settings(environ, _read_text)
    for warning in warnings:
        sys.stderr.write(f"lumen: warning: {printable(warning)}\n")
    check_forward_auth(settings)
    return replace(
        settings,
        proofd_url=settings.proofd_url or local_url(settings.proofd_addr),
        proofd_tokens=settings.proofd_tokens or settings.api_tokens,
    )


def load_process() -> Settings:
    """Return the settings of a process that serves: the environment alone."""
    return load(environment())


@dataclass(frozen=True)
class ClientSettings:
    """What a command that talks to a running Lumen needs to know; ``api_url`` is where the API answers."""

    settings: Settings
    api_url: str
    data_dir: Path


def load_client() -> ClientSettings:
    """Return the settings of a command that talks to a running Lumen.

    What the environment does not say comes from the data directory, where ``lumen up`` leaves its addresses and the
    secrets it generated. The API is looked for at its listen address if the environment names it, else at
    ``PUBLIC_BASE_URL`` if that is set, else where the data directory says.
    """
    environ = environment()
    folder = Path(environ.get("LUMEN_DATA_DIR", "") or _DEFAULT_DATA_DIR)
    settings = load(layered(environ, read_secrets(folder) | read_endpoints(folder)))
    if environ.get("PUBLIC_BASE_URL") and not environ.get("LUMEN_API_ADDR"):
        return ClientSettings(settings, settings.public_base_url, folder.absolute())
    return ClientSettings(settings, local_url(settings.api_addr), folder.absolute())


def layered(environ: Mapping[str, str], defaults: Mapping[str, str]) -> dict[str, str]:
    """Return ``environ`` with the values of ``defaults`` for names that it does not set, neither directly nor by file."""
    added = {
        name: value for name, value in defaults.items() if not environ.get(name) and not environ.get(f"{name}_FILE")
    }
    return {**environ, **added}


def local_url(address: Address) -> str:
    """Return the URL under which something that listens on ``address`` is reached from this machine."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address.host, address.host)  # noqa: S104  # compared # nosec B104
    return f"http://{Address(host, address.port)}"


def require(settings: Settings, **wanted: str) -> None:
    """Refuse to go on without the settings of the given attributes; ``wanted`` maps each to the variable that gives it.

    Raises:
        CommandError: names every variable that is missing.

    """
    missing = [variable for attribute, variable in wanted.items() if not getattr(settings, attribute)]
    if missing:
        raise CommandError(
            f"not set: {', '.join(missing)}. `lumen up` generates what it needs; a process started on its own wants "
            "them in its environment (or in a file named by the same variable with _FILE)",
            USAGE,
        )


def _read_text(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")
