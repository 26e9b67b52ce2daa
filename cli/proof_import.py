"""``lumen proof import``: an export becomes a new ledger on this machine."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from cli import datadir
from cli.failure import USAGE, CommandError
from cli.options import Json
from cli.output import print_json, say
from cli.settings import ClientSettings, load_client

_SAY_EVERY = 2.0


def import_(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What `lumen proof export` wrote.")],
    vkey: Annotated[list[str], typer.Option(help="A key that you trust to have signed it. Repeatable.")],
    as_json: Json = False,
) -> None:
    """Make a new ledger of an export, after verifying all of it. proofd must not be running.

    Entries keep their numbers and bytes. The place (PROOF_DSN) must be empty, and PROOF_ORIGIN and PROOF_SALT those that the
    ledger was made with. To go on with it, proofd also needs its signing key (PROOF_KEY_FILE).

    \b
    Example: lumen proof import ledger-2026-01 --vkey lumen.local/ledger+d9d68de7+AepK…
    """
    from proof.errors import BrokenChainError, NoteError  # noqa: PLC0415  # likewise
    from proof.exporting.importing import import_export  # noqa: PLC0415  # likewise
    from proof.format.entry import log_id  # noqa: PLC0415  # needs the cryptography package
    from proof.format.note import VerifierKey  # noqa: PLC0415  # likewise
    from proof.store import LogIdentity  # noqa: PLC0415  # likewise

    client = load_client()
    dsn, checkpoint_file = ledger_places(client)
    settings = client.settings
    try:
        keys = [VerifierKey.parse(text) for text in vkey]
    except NoteError as error:
        raise CommandError(f"--vkey: {error}", USAGE) from None
    identity = LogIdentity(settings.proof_origin, log_id(settings.proof_origin, settings.proof_salt.encode()))
    try:
        imported = import_export(folder, dsn, identity, keys, checkpoint_file, _progress())
    except BrokenChainError as error:
        place = "" if error.seq is None else f"first bad seq {error.seq}: "
        raise CommandError(f"{folder} does not hold: {place}{error}. Nothing was taken in") from None
    if as_json:
        print_json(
            {"height": imported.height, "head": imported.head, "checkpoints": imported.checkpoints, "key": imported.key}
        )
        return
    say(
        f"took in {imported.height} entries and {imported.checkpoints} checkpoints; the last signed one is {checkpoint_file}"
    )
    say(f"proofd goes on with it when it has the signing key {imported.key}: put its file in place (PROOF_KEY_FILE)")


def ledger_places(client: ClientSettings) -> tuple[str, Path]:
    """Return the DSN of the ledger and the file of its last signed checkpoint; make the data directory if it is used."""
    from proof.store import beside, place  # noqa: PLC0415  # what only this command needs

    settings = client.settings
    dsn = settings.proof_dsn
    if not dsn:
        datadir.create(client.data_dir)
        dsn = f"sqlite:///{client.data_dir / datadir.LEDGER_FILE}"
    return dsn, Path(settings.proof_checkpoint_file or beside(place(dsn, client.data_dir))[1])


def _progress() -> Callable[[int], None]:
    started = time.monotonic()
    said = started

    def say_now_and_then(count: int) -> None:
        nonlocal said
        if not count & 0x3FF and time.monotonic() - said >= _SAY_EVERY:
            said = time.monotonic()
            sys.stderr.write(f"{count} entries\n")

    return say_now_and_then
