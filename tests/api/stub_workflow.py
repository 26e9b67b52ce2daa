"""A workflow under the name and messages of the real one that only keeps what it is told."""

from __future__ import annotations

from typing import Any

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from lumen import names


@workflow.defn(name=names.ALERT_WORKFLOW, sandboxed=False)
class StubAlertWorkflow:
    """Refuses a vote whose ``reason`` is ``refuse:<reason>``; ends on the override ``cancel``."""

    def __init__(self) -> None:
        """Begin with nothing heard."""
        self._votes: list[dict[str, Any]] = []
        self._overrides: list[dict[str, Any]] = []

    @workflow.run
    async def run(self, _start: dict[str, Any]) -> None:
        """Wait for the cancelling override."""
        await workflow.wait_condition(lambda: any(told["decision"] == "cancel" for told in self._overrides))

    @workflow.update(name=names.UPDATE_VOTE)
    async def vote(self, ballot: dict[str, Any]) -> dict[str, Any]:
        """Count a vote."""
        self._votes.append(ballot)
        return {"status": "pending", "decision": ballot["decision"]}

    @vote.validator
    def check(self, ballot: dict[str, Any]) -> None:
        """Refuse what says so."""
        if ballot["reason"].startswith("refuse:"):
            raise ApplicationError("because", type=ballot["reason"].removeprefix("refuse:"), non_retryable=True)

    @workflow.signal(name=names.SIGNAL_VOTE)
    def late_vote(self, ballot: dict[str, Any]) -> None:
        """Keep a vote that came as a signal."""
        self._votes.append(ballot)

    @workflow.signal(name=names.SIGNAL_OVERRIDE)
    def override(self, ballot: dict[str, Any]) -> None:
        """Keep an override."""
        self._overrides.append(ballot)

    @workflow.query(name=names.QUERY_STATUS)
    def status(self) -> dict[str, Any]:
        """Tell everything."""
        return {"state": "awaiting_approval", "votes": self._votes, "overrides": self._overrides}
