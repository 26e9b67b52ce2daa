"""The ``lumen`` command: what there is, and how each command ends."""

from __future__ import annotations

import io
import logging
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from cli import completion, cooldown, decisions, freeze, ledger, link, reconcile, rule_files, run_rule
from cli.alert import commands as alert
from cli.failure import DONE, FAILED, USAGE, CommandError
from cli.options import Json
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
def demo(
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nobody: both voters approve.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Leave it running until Ctrl-C, and the data after it.")] = False,
    slack: Annotated[bool, typer.Option("--slack", help="Vote on a local page that stands in for Slack.")] = False,
    as_json: Json = False,
) -> None:
    """Let a small service hang and repair it, to see Lumen work in a minute; needs nothing else running.

    Exit code 0 if it was detected, approved by you, repaired once, and the record verifies.
    """
    from cli.demo.command import Wishes  # noqa: PLC0415  # what only this command needs
    from cli.demo.command import demo as run  # noqa: PLC0415  # what only this command needs

    run(Wishes(yes=yes, keep=keep, as_json=as_json, slack=slack))


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

    \b
    Example: lumen worker --runner edge-1 --runner edge-2
    """
    from cli.serve import serve_worker  # noqa: PLC0415  # what only this command needs

    serve_worker(tuple(runner or ()))


@app.command()
def proofd() -> None:
    """Serve the ledger (PROOFD_ADDR, PROOF_DSN). Exactly one process writes a ledger."""
    from cli.serve import serve_proofd  # noqa: PLC0415  # what only this command needs

    serve_proofd()


@app.command()
def doctor(as_json: Json = False) -> None:
    """Check everything that Lumen depends on but Slack, and say what is wrong and how to fix it.

    Changes nothing and sends nothing that has an effect. Exit code 1 if something fails.
    """
    from cli.doctor.command import doctor as run  # noqa: PLC0415  # what only this command needs

    run(as_json=as_json)


app.add_typer(alert.app, name="alert")
app.command("run")(run_rule.run_rule)
app.command()(decisions.approve)
app.command()(decisions.reject)
app.command()(decisions.override)
app.command()(link.link)
app.add_typer(cooldown.app, name="cooldown")
app.add_typer(freeze.app, name="freeze")
app.command()(reconcile.reconcile)
app.add_typer(rule_files.app, name="rules")
app.add_typer(ledger.app, name="proof")
app.command()(completion.completion)


def main() -> None:
    """Run the command line and end the process with 0 (done), 1 (failed) or 2 (usage)."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character shows its number; that is no reason to fail.
            stream.reconfigure(errors="backslashreplace", line_buffering=True)
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # a pipe, a terminal or a disk that takes no more
        code = code or FAILED
        os._exit(code)
    logging.shutdown()
    if "temporalio" in sys.modules:
        # A short-lived process with a Temporal client crashes now and then in the interpreter's own clean-up.
        os._exit(code)
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Carry out one command line and return its exit code; every expected failure has been said in one line."""
    completion.enable()
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
