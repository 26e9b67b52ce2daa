"""``lumen proof schema``: the tables of a ledger on PostgreSQL."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from cli.failure import USAGE, CommandError


def schema(
    role: Annotated[str, typer.Option(help="The role as which proofd connects; it must exist.")] = "lumen_proofd",
) -> None:
    """Print the SQL that makes the tables of a ledger on PostgreSQL, and says what proofd may do with them.

    Run it once, in a database of its own, as the role that is to own the tables. proofd itself makes nothing.

    \b
    Example: lumen proof schema | psql --set ON_ERROR_STOP=1 ledger
    """
    from proof.postgres.schema import schema_sql  # noqa: PLC0415  # what only this command needs

    try:
        sys.stdout.write(schema_sql(role))
    except ValueError as error:
        raise CommandError(f"--role: {error}", USAGE) from None
