"""``lumen proof``: the ledger, as proofd tells it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from cli import proof_bundle, proof_erase, proof_export, proof_import, proof_schema
from cli.datadir import LEDGER_FILE
from cli.failure import FAILED, CommandError
from cli.options import Json
from cli.output import print_fields, print_json, say
from cli.remote import ledger
from cli.settings import ClientSettings, load_client

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None, help="Read and verify the ledger.")
app.command()(proof_export.export)
app.command()(proof_export.verifier)
app.command("import")(proof_import.import_)
app.command()(proof_bundle.bundle)
app.command()(proof_erase.erase)
app.command()(proof_schema.schema)


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
        seq = body.get("first_bad_seq")
        say(f"the ledger is broken{'' if seq is None else f' at entry {seq}'}: {body.get('reason')}")
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


@app.command()
def vkey(as_json: Json = False) -> None:
    """Print the public key that verifies the checkpoints, and nothing else.

    Keep it where whoever may change the ledger cannot change it: what is verified with it is only as good as that.
    """
    body = ledger(load_client()).get("/vkey").body
    if as_json:
        print_json(body)
    else:
        say(str(body.get("vkey")))


@app.command()
def rotate(
    reason: Annotated[str, typer.Option(help="Why the key is replaced; stands in the ledger.")] = "",
    finish: Annotated[bool, typer.Option("--finish", help="Take the old key out of the file.")] = False,
    as_json: Json = False,
) -> None:
    """Write a new signing key into the key file of this machine; proofd takes it when it starts again.

    From then on both keys sign every checkpoint, until `lumen proof rotate --finish` and one more start. In between,
    give the new vkey to everybody who verifies.

    \b
    Example: lumen proof rotate --reason "yearly rotation"
    """
    from proof.signing.keyfile import add_key, drop_old_keys  # noqa: PLC0415  # needs the cryptography package

    client = load_client()
    path = _key_file(client)
    origin = client.settings.proof_origin
    ring = drop_old_keys(path, origin, _last_signed(client)) if finish else add_key(path, origin, reason)
    keys = [str(key) for key in ring.verifiers]
    if as_json:
        print_json({"key_file": str(path), "vkeys": keys})
        return
    say(f"{path} now holds: {', '.join(keys)}")
    say("start proofd again" + ("" if finish else ": it records the rotation, and both keys sign from then on"))


def _key_file(client: ClientSettings) -> Path:
    return Path(client.settings.proof_key_file) if client.settings.proof_key_file else _beside(client)[0]


def _last_signed(client: ClientSettings) -> bytes:
    """Return the signed note that proofd goes on from, which shows whether the new key is in force."""
    from proof.files.reading import read_plain  # noqa: PLC0415  # what only this command needs
    from proof.format.note import MAX_NOTE_BYTES  # noqa: PLC0415  # needs the cryptography package

    path = Path(client.settings.proof_checkpoint_file or _beside(client)[1])
    try:
        return read_plain(path, MAX_NOTE_BYTES)
    except OSError as error:
        raise CommandError(
            f"cannot read the last signed checkpoint {path}: {error.strerror}: without it nobody can tell whether the new "
            "key is in force. Start proofd once, and name the same PROOF_CHECKPOINT_FILE here"
        ) from None


def _beside(client: ClientSettings) -> tuple[Path, Path]:
    from proof.store import beside, place  # noqa: PLC0415  # what only this command needs

    dsn = client.settings.proof_dsn
    return beside(place(dsn, client.data_dir) if dsn else client.data_dir / LEDGER_FILE)
