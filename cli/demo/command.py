"""``lumen demo``: start all of it, let a service hang, have it repaired, show the record, take all of it away again."""

from __future__ import annotations

import asyncio
import shlex
import shutil
import signal
import sys
import tempfile
import time
from contextlib import nullcontext, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TextIO

import typer

from cli import core_logs, datadir
from cli.demo import stage as staging
from cli.demo.asking import Everybody, NotApprovedError, Person
from cli.demo.calls import Calls
from cli.demo.slack.voting import InSlack
from cli.demo.stage import Stage
from cli.demo.story import Story
from cli.demo.telling import Teller
from cli.demo.voting import ByApi, Voting
from cli.failure import DONE, FAILED, USAGE, CommandError
from cli.output import complain, print_json
from cli.settings import environment, local_url
from cli.up.children import Children, StopRequestedError

_ROLES = {
    "service": "will hang",
    "prometheus": "looks at it every second",
    "alertmanager": "sends the alert to Lumen",
    "temporal": "remembers every step",
    "proofd": "keeps the ledger",
    "worker": "plans and acts",
    "api": "takes alerts and votes",
}


@dataclass(frozen=True)
class Wishes:
    """The options of the command."""

    yes: bool
    keep: bool
    as_json: bool
    slack: bool = False


def demo(wishes: Wishes) -> None:
    """Run the demo; exit code 0 only if every step went as it must.

    Raises:
        CommandError: there is nobody to ask, or something that is needed is missing.

    """
    # A program reads the JSON from stdout, a person the story from stderr.
    stream = sys.stderr if wishes.as_json else sys.stdout
    teller = Teller(stream)
    person = None if wishes.yes or wishes.slack else _person(stream, teller)
    folder = Path(tempfile.mkdtemp(prefix="lumen-demo-"))
    run = _Run(wishes, teller)
    try:
        stage = staging.prepare(folder, environment(), slack=wishes.slack)
        asyncio.run(run.all(stage, _voting(stage, teller, person, unattended=wishes.yes)))
    finally:
        if run.folder_is_wanted:
            complain(f"its data and logs are in {folder}")
        else:
            shutil.rmtree(folder, ignore_errors=True)
    raise typer.Exit(run.code)


def _voting(stage: Stage, teller: Teller, person: Person | None, *, unattended: bool) -> Voting:
    calls = Calls(stage.client)
    if stage.workspace is not None:
        return InSlack(calls, teller, stage.workspace, unattended=unattended)
    return ByApi(calls, teller, person or Everybody(teller))


def _person(stream: TextIO, teller: Teller) -> Person:
    """Return the person at the terminal, who must be able to see the question and to answer it."""
    if not sys.stdin.isatty():
        raise CommandError("the demo asks for approval, and there is no terminal to ask on: add --yes", USAGE)
    if not stream.isatty():
        raise CommandError("the demo asks for approval, and its output is no terminal: add --yes", USAGE)
    return Person(sys.stdin.fileno(), teller)


class _Run:
    """One run: what it does, how it ended, and whether its folder is still of use."""

    def __init__(self, wishes: Wishes, teller: Teller) -> None:
        self._wishes, self._tell = wishes, teller
        self._failure = "stopped before the end"
        self.code = FAILED
        self.folder_is_wanted = wishes.keep

    async def all(self, stage: Stage, voting: Voting) -> None:
        """Start, tell the story, wait if asked to, stop."""
        core_logs.silence()
        children = Children(stage.folder / "logs", _complain)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, children.request_stop)
        # The stand-in for Slack ends last: what runs may have something to tell it until its own end.
        async with stage.workspace or nullcontext():
            try:
                await self._play(stage, children, Story(stage, self._tell, voting))
                if self._wishes.keep:
                    self._show_around(stage)
                    await children.until(asyncio.Event().wait())
            except StopRequestedError:
                _complain("stopping; Ctrl-C again stops at once")
            except CommandError as error:
                self._failed(error)
            finally:
                await children.stop_all()

    async def _play(self, stage: Stage, children: Children, story: Story) -> None:
        """Start everything and tell the story. With ``--keep`` a story that went wrong is no end yet."""
        began = time.monotonic()
        try:
            await self._start(stage, children)
            try:
                await children.until(story.run())
            except CommandError as error:
                if not self._wishes.keep:
                    raise
                self._failed(error)
            else:
                self.code, self._failure = DONE, ""
                self._tell.done(time.monotonic() - began)
        except CommandError as error:
            self._failed(error)
            raise
        finally:
            if self._wishes.as_json:
                outcome = {"ok": not self._failure, "failure": self._failure}
                print_json({**outcome, "seconds": round(time.monotonic() - began, 1), **asdict(story.findings)})

    async def _start(self, stage: Stage, children: Children) -> None:
        self._tell.head("Lumen in a minute: a service hangs, and is repaired once two people agree.")
        self._tell.step("Start", "All of it listens on 127.0.0.1 only and ends with this command.")
        if stage.missing:
            self._tell.say(f"Not installed: {stage.missing}. So the demo posts the alert itself, by the same webhook.")
        if stage.workspace is not None:
            self._tell.say("A stand-in for Slack runs too, with a page of its own. Nothing of this goes to Slack.")
        for piece in stage.pieces:
            self._tell.say(f"starting {piece.name}, which {_ROLES[piece.name]}")
            await children.start(piece)
        datadir.write_endpoints(stage.folder, stage.plan.endpoints())

    def _show_around(self, stage: Stage) -> None:
        ports = stage.ports
        self._tell.head("All of it runs on until Ctrl-C. Look around:")
        fields = [("Temporal UI", local_url(ports.ui)), ("Lumen API", local_url(ports.api))]
        fields += [] if stage.missing else [("Prometheus", local_url(ports.prometheus))]
        fields += [] if stage.missing else [("Alertmanager", local_url(ports.alertmanager))]
        fields += [("Slack stand-in", stage.workspace.url)] if stage.workspace else []
        fields += [("Ledger head", local_url(ports.proofd) + "/head"), ("Service", local_url(ports.service))]
        self._tell.fields([*fields, ("Data", str(stage.folder))])
        self._tell.say("For the other commands, in another terminal:")
        self._tell.raw(f"LUMEN_DATA_DIR={shlex.quote(str(stage.folder))} lumen alert list")

    def _failed(self, error: CommandError) -> None:
        """Say what went wrong, once."""
        if str(error) == self._failure:
            return
        self.code, self._failure = FAILED, str(error)
        self.folder_is_wanted = self.folder_is_wanted or not isinstance(error, NotApprovedError)
        _complain(self._failure)


def _complain(text: str) -> None:
    # The terminal may be gone (SIGHUP); the children must be stopped all the same.
    with suppress(OSError):
        complain(text)
