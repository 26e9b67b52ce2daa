"""Freezes Lumen when an older Temporal was put back under a newer ledger, so that nothing acts a second time unseen."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from temporalio.client import Client
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError

from activities.ahead import ACTOR, ClaimedRun, Compared, lost_runs
from activities.ledger_client import LedgerClient
from lumen import names
from lumen.errors import LedgerError, LedgerUnavailableError
from lumen.records import rfc3339

_LOG = logging.getLogger("lumen.worker")
_PAUSE = 1.0


async def keep_compared(client: Client, ledger: LedgerClient, compared: Compared, outage: asyncio.Event) -> None:
    """Compare at the start and after each ``outage`` of Temporal, for ever; no action starts meanwhile.

    Ledger or Temporal away: it waits for them, as every action does.
    """
    while True:
        outage.clear()
        try:
            await _compare(client, ledger)
        except (LedgerUnavailableError, RPCError) as error:
            _LOG.info("ledger and Temporal could not be compared yet: %s", error)
            await asyncio.sleep(_PAUSE)
            continue
        except LedgerError:
            _LOG.exception("the ledger does not let itself be compared with Temporal; a put back Temporal is not seen")
        # What was lost meanwhile may have come back as another database than the one that was compared.
        if not outage.is_set():
            compared.done()
            await outage.wait()
            compared.begin()
        await asyncio.sleep(_PAUSE)


async def _compare(client: Client, ledger: LedgerClient) -> None:
    lost = await lost_runs(client, ledger)
    if not lost:
        _LOG.info("ledger and Temporal agree: every run that acted is known")
        return
    reason = _reason(lost)
    _LOG.error("frozen: %s", reason, extra={"runs": [f"{one.workflow_id}/{one.first_run}" for one in lost[:20]]})
    who = {"actor": ACTOR, "reason": reason}
    try:
        await client.start_workflow(
            names.FREEZE_WORKFLOW,
            {**who, "since": rfc3339(datetime.now(UTC))},
            id=names.FREEZE_ID,
            task_queue=names.TASK_QUEUE,
            memo=who,
        )
    except WorkflowAlreadyStartedError:
        _LOG.warning("it is frozen already, by somebody else; look at `lumen reconcile` before you thaw it")


def _reason(lost: list[ClaimedRun]) -> str:
    newest = lost[0]
    return (
        f"Temporal is older than the ledger: it does not know {len(lost)} episode(s) that acted, the newest "
        f"{newest.workflow_id} (entry {newest.seq}). Look at `lumen reconcile`, then `lumen freeze off`"
    )
