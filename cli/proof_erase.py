"""``lumen proof erase``: content that has to be forgotten, while the chain stays whole."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.options import Json
from cli.output import print_json, say
from cli.proof_import import ledger_places
from cli.settings import load_client


def erase(
    seq: Annotated[int, typer.Argument(metavar="SEQ", min=0, help="The number of the entry.")],
    name: Annotated[str, typer.Argument(metavar="PART", help="The part, as `lumen proof show SEQ` names it.")],
    reason: Annotated[str, typer.Option(help="Why; stands in the ledger for good, so name nobody.")],
    as_json: Json = False,
) -> None:
    """Erase what one part of an entry says. proofd must not be running.

    Hashes and proofs stay valid, and an entry of its own records the erasure. On PostgreSQL name, in PROOF_DSN, a role
    that may change the column. Backups and exports keep what they have.

    \b
    Example: lumen proof erase 42 approval --reason "request of 2026-01-31"
    """
    from proof.erasing import erase as erase_part  # noqa: PLC0415  # needs the cryptography package
    from proof.format.entry import log_id  # noqa: PLC0415  # likewise
    from proof.store import LogIdentity  # noqa: PLC0415  # likewise

    client = load_client()
    dsn, checkpoint_file = ledger_places(client)
    origin = client.settings.proof_origin
    identity = LogIdentity(origin, log_id(origin, client.settings.proof_salt.encode()))
    receipt = erase_part(dsn, identity, checkpoint_file, seq, name, reason)
    if as_json:
        print_json({"seq": receipt.seq, "leaf": receipt.leaf, "duplicate": receipt.duplicate})
        return
    say(
        f"the part {name} of entry {seq} is erased; entry {receipt.seq} records it, and the next start of proofd signs that"
    )
