"""``lumen proof``: the ledger, as proofd tells it."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from cli.failure import FAILED
from cli.options import Json
from cli.output import print_fields, print_json, say
from cli.remote import ledger
from cli.settings import load_client

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Read and verify the ledger.")


@app.command()
def head(as_json: Json = False) -> None:
    """Print height, hash and size of the ledger."""
    body = ledger(load_client()).get("/head").body
    if as_json:
        print_json(body)
        return
    print_fields([("height", body.get("height")), ("head", body.get("head")), ("bytes", body.get("bytes"))])
    if not body.get("ok"):
        say("the ledger is frozen: `lumen proof verify` says why")
        raise typer.Exit(FAILED)


@app.command()
def verify(as_json: Json = False) -> None:
    """Verify every entry of the ledger; exit code 1 if one does not hold."""
    body = ledger(load_client()).post("/verify", {}).body
    if as_json:
        print_json(body)
    elif body.get("ok"):
        say(f"the ledger holds: {body.get('height')} entries verified")
    else:
        say(f"the ledger is broken at entry {body.get('first_bad_seq')}: {body.get('reason')}")
    if not body.get("ok"):
        raise typer.Exit(FAILED)


@app.command()
def show(seq: Annotated[int, typer.Argument(metavar="SEQ", min=0)], as_json: Json = False) -> None:
    """Print one entry with its parts.

    \b
    Example: lumen proof show 0
    """
    body = ledger(load_client()).get(f"/entries/{seq}").body
    if as_json:
        print_json(body)
        return
    print_fields((name, body.get(name)) for name in ("seq", "kind", "at", "idem", "leaf", "prev"))
    for name, part in (body.get("parts") or {}).items():
        say(f"{name}:")
        for line in json.dumps(part, indent=2, ensure_ascii=False).splitlines():
            say(f"  {line}")
