"""Today's workflows with one timer more, at their beginning: a change that breaks every open episode on deployment."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from temporalio import workflow

from lumen import names
from lumen.command import Command
from lumen.episode import EpisodeStart
from lumen.messages import IntakeStart
from workflows.alert import AlertWorkflow
from workflows.command import CommandWorkflow
from workflows.freeze import FreezeWorkflow, WakeWorkflow
from workflows.guard import GuardStart, GuardWorkflow
from workflows.intake import IntakeWorkflow

T = TypeVar("T")


async def _beside_a_timer(run: Coroutine[Any, Any, T]) -> T:
    timer = asyncio.create_task(workflow.sleep(1))
    result = await run
    await timer
    return result


@workflow.defn(name=names.ALERT_WORKFLOW)
class SlowAlertWorkflow(AlertWorkflow):
    """Starts a timer when it begins."""

    @workflow.init
    def __init__(self, start: EpisodeStart) -> None:
        """Begin like the original."""
        super().__init__(start)

    @workflow.run
    async def run(self, start: EpisodeStart) -> dict[str, Any]:
        """Do the same beside a timer."""
        return await _beside_a_timer(super().run(start))


@workflow.defn(name=names.GUARD_WORKFLOW)
class SlowGuardWorkflow(GuardWorkflow):
    """Starts a timer when it begins."""

    @workflow.init
    def __init__(self, start: GuardStart) -> None:
        """Begin like the original."""
        super().__init__(start)

    @workflow.run
    async def run(self, start: GuardStart) -> None:
        """Do the same beside a timer."""
        await _beside_a_timer(super().run(start))


@workflow.defn(name=names.INTAKE_WORKFLOW)
class SlowIntakeWorkflow(IntakeWorkflow):
    """Starts a timer when it begins."""

    @workflow.init
    def __init__(self, start: IntakeStart) -> None:
        """Begin like the original."""
        super().__init__(start)

    @workflow.run
    async def run(self, start: IntakeStart) -> dict[str, int]:
        """Do the same beside a timer."""
        return await _beside_a_timer(super().run(start))


@workflow.defn(name=names.FREEZE_WORKFLOW)
class SlowFreezeWorkflow(FreezeWorkflow):
    """Starts a timer when it begins."""

    @workflow.run
    async def run(self, start: Any = None) -> None:
        """Do the same beside a timer."""
        await _beside_a_timer(super().run(start))


@workflow.defn(name=names.WAKE_WORKFLOW)
class SlowWakeWorkflow(WakeWorkflow):
    """Starts a timer when it begins."""

    @workflow.run
    async def run(self) -> None:
        """Do the same beside a timer."""
        await _beside_a_timer(super().run())


@workflow.defn(name=names.COMMAND_WORKFLOW)
class SlowCommandWorkflow(CommandWorkflow):
    """Starts a timer when it begins."""

    @workflow.run
    async def run(self, command: Command) -> dict[str, Any]:
        """Do the same beside a timer."""
        return await _beside_a_timer(super().run(command))


VARIANTS: tuple[type, ...] = (
    SlowAlertWorkflow,
    SlowGuardWorkflow,
    SlowIntakeWorkflow,
    SlowFreezeWorkflow,
    SlowWakeWorkflow,
    SlowCommandWorkflow,
)
