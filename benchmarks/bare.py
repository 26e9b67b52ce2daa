"""The baseline: what somebody would write first with Temporal alone. Run as `python -m benchmarks.bare ADDRESS`: its worker.

One workflow, one activity that runs the command, everything else as the SDK has it: no rule, guard, vote count, ledger or
re-check.
"""

from __future__ import annotations

import asyncio
import sys
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.client import Client
from temporalio.worker import Worker

TASK_QUEUE = "bare"
UNSERVED_QUEUE = "bare-unserved"
READY = "the bare worker is ready"


@activity.defn(name="bare_command")
async def bare_command(argv: list[str]) -> int:
    """Run the command to its end and return its exit code."""
    process = await asyncio.create_subprocess_exec(*argv)
    return await process.wait()


@workflow.defn(name="BareWorkflow")
class BareWorkflow:
    """Runs the command at once."""

    @workflow.run
    async def run(self, argv: list[str]) -> int:
        """Run it."""
        return await workflow.execute_activity(bare_command, argv, start_to_close_timeout=timedelta(minutes=1))


@workflow.defn(name="BareVotedWorkflow")
class BareVotedWorkflow:
    """Runs the command after two votes."""

    def __init__(self) -> None:
        """Begin without votes."""
        self.votes: set[str] = set()

    @workflow.run
    async def run(self, argv: list[str]) -> int:
        """Wait and run it."""
        await workflow.wait_condition(lambda: len(self.votes) > 1, timeout=timedelta(hours=6))
        return await workflow.execute_activity(bare_command, argv, start_to_close_timeout=timedelta(minutes=1))

    @workflow.update
    async def vote(self, actor: str) -> int:
        """Count a vote and return how many there are."""
        self.votes.add(actor)
        return len(self.votes)


async def serve(address: str) -> None:
    """Run the worker until it is killed."""
    client = await Client.connect(address)
    worker = Worker(
        client, task_queue=TASK_QUEUE, workflows=[BareWorkflow, BareVotedWorkflow], activities=[bare_command]
    )
    async with worker:
        sys.stdout.write(READY + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
