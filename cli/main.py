"""The ``lumen`` command: what there is, and how each command ends."""

from __future__ import annotations

import logging
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from cli.failure import DONE, FAILED, USAGE, CommandError
from cli.output import complain
from lumen.errors import LumenError, SettingsError

app = typer.Typer(
    name="lumen",
    help="Alert remediation with human approval and a tamper-evident ledger.\n\nStart here: lumen up",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]


def _version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"lumen {version('lumen-remediation')}\n")
        raise typer.Exit


@app.callback()
def lumen(
    _: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")] = False,
) -> None:
    """Alert remediation with human approval and a tamper-evident ledger."""


@app.command()
def up(as_json: Json = False) -> None:
    """Start Temporal, ledger, worker and API here; Ctrl-C stops them.

    Data and generated secrets go to LUMEN_DATA_DIR (./var). With TEMPORAL_ADDRESS set, that Temporal server is used.
    """
    from cli.up.command import up as run  # noqa: PLC0415  # what only this command needs

    run(as_json=as_json)


@app.command()
def api() -> None:
    """Serve the HTTP API (LUMEN_API_ADDR)."""
    from cli.serve import serve_api  # noqa: PLC0415  # what only this command needs

    serve_api()


@app.command()
def worker(
    runner: Annotated[list[str] | None, typer.Option(help="Run only the actions of this runner. Repeatable.")] = None,
) -> None:
    """Work on episodes: plan, ask, act, verify. Metrics and health at LUMEN_WORKER_ADDR.

    Example: lumen worker --runner edge-1 --runner edge-2
    """
    from cli.serve import serve_worker  # noqa: PLC0415  # what only this command needs

    serve_worker(tuple(runner or ()))


@app.command()
def proofd() -> None:
    """Serve the ledger (PROOFD_ADDR, PROOF_DSN). Exactly one process writes a ledger."""
    from cli.serve import serve_proofd  # noqa: PLC0415  # what only this command needs

    serve_proofd()


def main() -> None:
    """Run the command line and end the process with 0 (done), 1 (failed) or 2 (usage)."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        code = code or FAILED
        os._exit(code)
    logging.shutdown()
    if "temporalio" in sys.modules:
        # A short-lived process with a Temporal client crashes now and then in the interpreter's own clean-up.
        os._exit(code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Carry out one command line and return its exit code; every expected failure has been said in one line."""
    try:
        app(arguments, prog_name="lumen")
    except SystemExit as end:
        return _code(end.code)
    except CommandError as error:
        complain(str(error))
        return error.code
    except SettingsError as error:
        complain(str(error))
        return USAGE
    except LumenError as error:
        complain(str(error))
        return FAILED
    return DONE


def _code(code: str | int | None) -> int:
    if code is None:
        return DONE
    return code if isinstance(code, int) else FAILED


if __name__ == "__main__":
    main()
