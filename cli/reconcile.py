"""``lumen reconcile``: every accepted alert is open or has ended in exactly one outcome, or this says which do not add up."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.failure import FAILED
from cli.omission.report import examine, tell
from cli.options import Json
from cli.output import print_fields, print_json, say
from cli.session import visit
from lumen import names
from lumen.outcome import Outcome, State

if TYPE_CHECKING:
    from temporalio.client import Client, WorkflowExecutionDescription

_TRIES = 10
_PAUSE = 0.5
_EPISODES = f"WorkflowType = '{names.ALERT_WORKFLOW}'"
_CUT_SHORT = ("Failed", "Terminated", "TimedOut", "Canceled")


@dataclass(frozen=True)
class Account:
    """Counts of episodes. A run that continued as new, or was reset, is no end and is counted once, by its last run.

    ``no_outcome``: closed without an outcome, by the way it closed. ``intakes``: storms that are still being handed out.
    """

    accepted: int
    open: dict[str, int]
    ended: dict[str, int]
    no_outcome: dict[str, int]
    intakes: int

    @property
    def open_total(self) -> int:
        """Episodes that are open."""
        return sum(self.open.values())

    @property
    def ended_total(self) -> int:
        """Episodes that ended in an outcome."""
        return sum(self.ended.values())

    @property
    def missing(self) -> int:
        """How many episodes are neither open nor ended; negative when the counts overlap."""
        return self.accepted - self.open_total - self.ended_total - sum(self.no_outcome.values())

    @property
    def ok(self) -> bool:
        """Whether accepted - ended = open, with an outcome for every end."""
        return self.missing == 0 and not any(self.no_outcome.values())


def reconcile(
    everything: Annotated[
        bool, typer.Option("--all", help="Read the whole ledger, not only what Temporal still keeps episodes of.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Check that accepted - ended = open, and that ledger and Temporal tell the same story; exit code 1 if not.

    Counts what Temporal keeps: closed episodes leave when the retention of its namespace is over. Compared with the
    ledger: every started action has a result, every episode has entries, every attempt has an episode.
    """
    account = visit(settled)
    report = examine(everything=everything)
    ok = account.ok and report.ok
    if as_json:
        totals = {"open_total": account.open_total, "ended_total": account.ended_total, "missing": account.missing}
        print_json({"ok": ok, **asdict(account), **totals, "ledger": report.document()})
    else:
        tell(report)
        _print(account)
    if not ok:
        raise typer.Exit(FAILED)


async def settled(client: Client) -> Account:
    """Return the account; visibility is eventually consistent, so one that does not add up is taken again for a while."""
    account = await _count(client)
    for _ in range(_TRIES):
        if account.ok:
            break
        await asyncio.sleep(_PAUSE)
        account = await _count(client)
    return account


async def _count(client: Client) -> Account:
    async def count(condition: str) -> int:
        return (await client.count_workflows(condition)).count

    async def episodes(condition: str) -> int:
        return await count(f"{_EPISODES} AND {condition}")

    running, completed = "ExecutionStatus = 'Running'", "ExecutionStatus = 'Completed'"
    accepted = await episodes("ExecutionStatus != 'ContinuedAsNew'")
    by_state = {str(state): await episodes(f"{running} AND {names.ATTRIBUTE_STATE} = '{state}'") for state in State}
    starting = await episodes(f"{running} AND {names.ATTRIBUTE_STATE} IS NULL")
    ended = {str(item): await episodes(f"{completed} AND {names.ATTRIBUTE_OUTCOME} = '{item}'") for item in Outcome}
    no_outcome = {"Completed": await episodes(f"{completed} AND {names.ATTRIBUTE_OUTCOME} IS NULL")}
    no_outcome |= {status: await episodes(f"ExecutionStatus = '{status}'") for status in _CUT_SHORT}
    reset = await _reset_runs(client) if no_outcome["Terminated"] else 0
    no_outcome["Terminated"] -= reset
    return Account(
        accepted=accepted - reset,
        open=_known(by_state | {"starting": starting}),
        ended=_known(ended),
        no_outcome=_known(no_outcome),
        intakes=await count(f"WorkflowType = '{names.INTAKE_WORKFLOW}' AND {running}"),
    )


async def _reset_runs(client: Client) -> int:
    """Return how many terminated runs only made room for the run of a reset: the same episode goes on there."""
    reset = 0
    async for execution in client.list_workflows(f"{_EPISODES} AND ExecutionStatus = 'Terminated'"):
        ended = await client.get_workflow_handle(execution.id, run_id=execution.run_id).describe()
        newest = await client.get_workflow_handle(execution.id).describe()
        if newest.run_id != execution.run_id and _first_run(newest) == _first_run(ended):
            reset += 1
    return reset


def _first_run(description: WorkflowExecutionDescription) -> str:
    return description.raw_description.workflow_execution_info.first_run_id


def _known(counts: dict[str, int]) -> dict[str, int]:
    return {name: count for name, count in counts.items() if count}


def _print(account: Account) -> None:
    fields: list[tuple[str, Any]] = [("accepted", account.accepted), ("ended", account.ended_total)]
    fields += [(f"  {outcome}", count) for outcome, count in account.ended.items()]
    fields += [("open", account.open_total)]
    fields += [(f"  {state}", count) for state, count in account.open.items()]
    fields += [(f"ended without outcome ({how.lower()})", count) for how, count in account.no_outcome.items()]
    if account.intakes:
        fields.append(("intakes still open", account.intakes))
    if account.missing:
        fields.append(("neither open nor ended", account.missing))
    print_fields(fields)
    sum_up = f"accepted {account.accepted} - ended {account.ended_total} = open {account.open_total}"
    say(f"{sum_up}: it adds up" if account.ok else f"{sum_up}: it does not add up")
