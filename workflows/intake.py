"""IntakeWorkflow: many alerts, or a resolve that came before its firing, handed durably to their episodes."""

from __future__ import annotations

from datetime import timedelta

from temporalio import workflow

from lumen import names
from lumen.alert import Alert
from lumen.contracts import Routing
from lumen.messages import Delivered, Delivery, IntakeStart
from workflows import options

BATCH = 50
RESOLVE_WAIT = timedelta(minutes=2)
_FIRST_PAUSE = timedelta(seconds=2)
_LAST_PAUSE = timedelta(seconds=30)
"""Between the tries of a resolve whose firing may still be in an older intake that is not delivered yet."""


@workflow.defn(name=names.INTAKE_WORKFLOW)
class IntakeWorkflow:
    """Delivers in order, batch by batch; what was delivered stays delivered whatever is killed."""

    @workflow.init
    def __init__(self, start: IntakeStart) -> None:
        """Begin with everything still to deliver."""
        self.total = len(start.alerts)
        self.done = 0

    @workflow.run
    async def run(self, start: IntakeStart) -> dict[str, int]:
        """Deliver all alerts; a resolve that finds no open episode is tried again until its time is up."""
        counts = {"started": 0, "updated": 0, "resolved": 0, "not_open": 0, "refused": 0}
        waiting: list[Alert] = []
        for first in range(0, self.total, BATCH):
            delivered = await self._deliver(start.alerts[first : first + BATCH], last_try=False)
            waiting += delivered.waiting
            self._count(counts, delivered)
        deadline = workflow.now() + RESOLVE_WAIT
        pause = _FIRST_PAUSE
        while waiting:
            await workflow.sleep(pause, summary="a resolve that waits for its firing")
            delivered = await self._deliver(tuple(waiting), last_try=workflow.now() >= deadline)
            waiting = list(delivered.waiting)
            self._count(counts, delivered)
            pause = min(pause * 2, _LAST_PAUSE)
        return counts

    async def _deliver(self, alerts: tuple[Alert, ...], *, last_try: bool) -> Delivered:
        return await workflow.execute_activity_method(
            Routing.deliver,
            Delivery(alerts, workflow.info().workflow_start_time, last_try),
            task_queue=names.INTAKE_TASK_QUEUE,
            summary=f"{self.done} of {self.total} delivered",
            **options.delivery(),
        )

    def _count(self, counts: dict[str, int], delivered: Delivered) -> None:
        for name in counts:
            counts[name] += getattr(delivered, name)
        self.done = sum(counts.values())

    @workflow.query(name=names.QUERY_STATUS, description="How many alerts were delivered.")
    def status(self) -> dict[str, int]:
        """Return how far the delivery is."""
        return {"alerts": self.total, "delivered": self.done}
