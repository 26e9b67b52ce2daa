"""``lumen proof export``, ``verifier``: the ledger for people who do not trust this machine."""

from __future__ import annotations

import sys
import time
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.failure import USAGE, CommandError
from cli.options import Json
from cli.output import print_json, say
from cli.remote import ledger
from cli.settings import load_client

if TYPE_CHECKING:
    from cli.ledger_source import LedgerSource, SignedHead
    from proof.exporting.writer import ExportWriter

_SAY_EVERY = 2.0
_ROUNDS = 5


def export(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="A directory that does not exist yet, or an empty one.")
    ],
    anchors: Annotated[
        Path | None, typer.Option(help="A directory of checkpoints and receipts kept elsewhere, to be put in.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write the whole ledger, as of its newest signed checkpoint, into a directory that anybody can verify.

    It names people, and is readable by its owner only. docs/ledger-format.md defines every byte.

    \b
    Example: lumen proof export ledger-2026-01
    """
    from cli.ledger_source import LedgerSource  # noqa: PLC0415  # needs the cryptography package
    from proof.errors import BrokenChainError  # noqa: PLC0415  # likewise
    from proof.exporting.writer import ExportWriter  # noqa: PLC0415  # likewise

    outside = _anchor_files(anchors)
    source = LedgerSource(ledger(load_client()))
    head = source.head()
    try:
        with ExportWriter(folder, head.checkpoint.origin, head.log) as writer:
            _copy(source, head, writer)
            for name, content in outside.items():
                writer.add_anchor(name, content)
            manifest = writer.finish()
    except BrokenChainError as error:
        raise CommandError(
            f"the ledger does not hold: first bad seq {error.seq}: {error}. What is in {folder} is no export"
        ) from None
    except OSError as error:  # a full disk shows at any write, and when the files are closed
        raise CommandError(f"cannot write to {folder}: {error.strerror}. What is in it is no export") from None
    lost = sorted(set(writer.unrecorded.values()))
    if as_json:
        print_json({"folder": str(folder), **manifest, "unrecorded_erasures": lost})
        return
    say(f"wrote {manifest['height']} entries and {manifest['counts']['checkpoints']} checkpoints to {folder}")
    if lost:
        say(f"parts of these entries are gone, and no entry says that they were erased: {', '.join(map(str, lost))}")
    say(
        f"verify it elsewhere: lumen proof verifier > verify_lumen_proof.py; python3 -I verify_lumen_proof.py {folder} --vkey …"
    )


def verifier() -> None:
    """Print the offline verifier: one Python file that needs nothing else, for an export or a bundle.

    \b
    Example: lumen proof verifier > verify_lumen_proof.py
    """
    sys.stdout.write(files("proof").joinpath("verify_lumen_proof.py").read_text(encoding="utf-8"))


def _copy(source: LedgerSource, head: SignedHead, writer: ExportWriter) -> None:
    """Copy entries and checkpoints, among them one that covers them all.

    A part that is erased meanwhile is recorded beyond the first checkpoint: then a newer one is taken.
    """
    for _ in range(_ROUNDS):
        _copy_entries(source, head.checkpoint.tree.size, writer)
        if writer.tree != head.checkpoint.tree:
            raise CommandError(
                "the entries are not those that the ledger's checkpoint was signed over: `lumen proof verify`"
            )
        newer = source.head() if writer.unrecorded else head
        if newer.checkpoint.tree.size <= head.checkpoint.tree.size:
            break
        head = newer
    size = head.checkpoint.tree.size
    for kept, note in source.checkpoints(size):
        if kept < size:
            writer.add_checkpoint(kept, note)
    writer.add_checkpoint(size, head.note)


def _copy_entries(source: LedgerSource, size: int, writer: ExportWriter) -> None:
    next_word = time.monotonic() + _SAY_EVERY
    for stored in source.entries(writer.tree.size, size):
        writer.add(stored)
        if not stored.seq & 0xFF and time.monotonic() >= next_word:
            sys.stderr.write(f"{stored.seq + 1} of {size} entries\n")
            next_word = time.monotonic() + _SAY_EVERY


def _anchor_files(folder: Path | None) -> dict[str, bytes]:
    from proof.exporting.writer import anchor_limit  # noqa: PLC0415  # needs the cryptography package
    from proof.files.reading import read_plain  # noqa: PLC0415  # what only this command needs

    if folder is None:
        return {}
    try:
        # What begins with a dot is not about checkpoints: the directory may be a git repository.
        paths = [path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")]
        return {path.name: read_plain(path, anchor_limit(path.name)) for path in paths}
    except OSError as error:
        text = f"cannot read {error.filename or folder}: {error.strerror}: correct --anchors"
        raise CommandError(text, USAGE) from None
