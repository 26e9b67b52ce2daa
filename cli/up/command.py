"""``lumen up``: everything on one machine, in one terminal."""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import suppress
from pathlib import Path

import typer

from cli import core_logs, datadir
from cli.causes import plain_cause
from cli.failure import DONE, FAILED, CommandError
from cli.output import complain, print_json, say
from cli.settings import environment
from cli.up import plan as planning
from cli.up import status, temporal_server
from cli.up.children import Children, StopRequestedError
from cli.up.lock import only_one
from cli.up.ports import require_free
from lumen.errors import RulesError


def up(*, as_json: bool) -> None:
    """Start everything, wait, stop everything.

    Raises:
        CommandError: something that is needed is missing, or something that ran ended by itself.

    """
    environ = environment()
    data_dir = Path(environ.get("LUMEN_DATA_DIR", "") or "./var").absolute()
    rules_dir = Path(environ.get("LUMEN_RULES", "") or "rules/").absolute()
    datadir.create(data_dir)
    with only_one(data_dir):
        plan = planning.make_plan(environ, datadir.ensure_secrets(data_dir, environ), data_dir, rules_dir)
        program = temporal_server.find_program() if plan.own_temporal else ""
        rules = _checked_rules(plan)
        require_free(plan.wanted())
        datadir.write_private(data_dir / datadir.WEBHOOK_TOKEN_FILE, plan.settings.webhook_tokens[0])
        code = asyncio.run(_run(plan, program, rules, as_json=as_json))
    raise typer.Exit(code)


def _checked_rules(plan: planning.Plan) -> status.Loaded:
    """Return what was found; a mistake in them is found before anything starts."""
    from rules.loader import load as load_rules  # noqa: PLC0415  # pulls in YAML and PromQL, which --help can do without
    from rules.loader import sources  # noqa: PLC0415  # see above
    from rules.report import render  # noqa: PLC0415  # see above

    folder = Path(plan.settings.rules)
    try:
        found = load_rules(folder, default_min_rank="signal" if plan.own_temporal else "link")
    except RulesError as error:
        shown = render(error.findings, sources(folder)) or str(error)
        raise CommandError(f"the rules in {folder} do not load; nothing was started:\n{shown}") from None
    for warning in found.warnings:
        complain(f"warning: {warning}")
    return status.Loaded(
        len(found.rules), next((rule.alert for rule in found.rules if rule.alert and not rule.when), "")
    )


async def _run(plan: planning.Plan, program: str, rules: status.Loaded, *, as_json: bool) -> int:
    core_logs.silence()
    children = Children(plan.data_dir / "logs", _tell)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, children.request_stop)
    try:
        if not plan.own_temporal:
            await children.until(_foreign(plan))
        for piece in planning.pieces(plan, program):
            if not as_json:
                say(f"starting {piece.name} …")
            await children.start(piece)
        datadir.write_endpoints(plan.data_dir, plan.endpoints())
        if as_json:
            print_json(status.as_json(plan, rules))
        else:
            sys.stdout.write("\n" + status.as_text(plan, rules))
        sys.stdout.flush()
        await children.until(asyncio.Event().wait())
    except StopRequestedError:
        _tell("stopping; Ctrl-C again stops at once")
        return DONE
    except CommandError as error:
        _tell(str(error))
        return FAILED
    finally:
        await children.stop_all()
        (plan.data_dir / datadir.ENDPOINTS_FILE).unlink(missing_ok=True)
    return DONE


def _tell(text: str) -> None:
    # The terminal may be gone (SIGHUP); the children must be stopped all the same.
    with suppress(OSError):
        complain(text)


async def _foreign(plan: planning.Plan) -> None:
    address = plan.settings.temporal_address
    try:
        await planning.check_foreign_temporal(plan.settings)
    except RuntimeError as error:
        raise CommandError(
            f"cannot reach Temporal at {address}: {plain_cause(error)}: "
            "start it, or unset TEMPORAL_ADDRESS to have one started here"
        ) from None
