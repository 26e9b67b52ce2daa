"""The demo itself, one method a step: break, alert, plan, votes, restart, health, resolve, record."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from cli.demo.asking import NotApprovedError
from cli.demo.calls import Calls, eventually, fetch, post
from cli.demo.record import check, line_of
from cli.demo.rulebook import ALERT, JOB, SEVERITY, VOTERS
from cli.demo.stage import Stage
from cli.demo.telling import Teller
from cli.demo.voting import Voting
from cli.failure import CommandError
from cli.settings import local_url
from lumen.outcome import Outcome, State

_PATIENCE = 60.0


@dataclass
class Findings:
    """What the demo has seen so far; the summary for programs. ``pids`` are those of the service, before and after."""

    prometheus: bool
    service: str
    key: str = ""
    plan_digest: str = ""
    votes: dict[str, str] = field(default_factory=dict)
    outcome: str = ""
    pids: list[int] = field(default_factory=list)
    resolved: bool = False
    entries: list[dict[str, Any]] = field(default_factory=list)
    ledger: dict[str, Any] = field(default_factory=dict)
    slack: dict[str, Any] = field(default_factory=dict)


class Story:
    """One run of the demo on a stage where everything runs."""

    def __init__(self, stage: Stage, teller: Teller, voting: Voting) -> None:
        """Tell through ``teller``; the votes are cast by way of ``voting``."""
        self._stage, self._tell, self._voting = stage, teller, voting
        self._calls = Calls(stage.client)
        self._service = local_url(stage.ports.service)
        self._prometheus = "" if stage.missing else local_url(stage.ports.prometheus)
        self.findings = Findings(prometheus=not stage.missing, service=self._service)

    async def run(self) -> None:
        """Go through all steps.

        Raises:
            CommandError: one of them did not go as it must.
            NotApprovedError: the person said no.

        """
        await self._break()
        plan = await self._alert()
        self._show(plan)
        approved = await self._decide()
        await self._act()
        if approved:
            await self._look()
            await self._resolve()
        await self._record()
        if not approved:
            raise NotApprovedError(
                "you said no: nothing ran, the ledger says so, and the service still hangs. "
                "The exit code is 1 because nothing was repaired"
            )

    async def _break(self) -> None:
        self._tell.step("Break the service", "It keeps its port open and stops answering, as a deadlock would.")
        self.findings.pids.append(await self._pid("the service does not answer"))
        self._tell.say(f"Process {self.findings.pids[0]} answers. Now it is told to hang.")
        if self._prometheus:
            await self._series("1", "Prometheus does not see the service")
        await post(self._service + "/break")
        if await fetch(self._service) is not None:
            raise CommandError("the service was told to hang and still answers")
        self._tell.say("It accepts a connection and gives no answer within 1 s: it hangs.")

    async def _alert(self) -> dict[str, Any]:
        began = time.monotonic()
        self._tell.step("The alert", "Accepted means: it is in Temporal's database, as one workflow.")
        if self._prometheus:
            self._tell.say("Waiting for Prometheus and Alertmanager ...")
        else:
            self._tell.say("The demo posts it, in the form of Alertmanager.")
            await self._calls.post_alert(self._own_alert("firing"))
        key = await eventually(self._first_key, _PATIENCE, "no alert arrived")
        waiting = State.AWAITING_APPROVAL
        what = "the episode does not ask for approval"
        document = await self._calls.until(key, lambda found: found["state"] == waiting, _PATIENCE, what)
        self.findings.key = key
        self._tell.say(f"In Lumen after {time.monotonic() - began:.0f} s, as episode")
        self._tell.raw(key)
        self._tell.fields(sorted((name, str(value)) for name, value in document["labels"].items()))
        return document

    def _show(self, document: dict[str, Any]) -> None:
        plan = document["plan"]
        self.findings.plan_digest = plan["digest"]
        self._tell.step("The plan", "This command would run, and nothing else:")
        for action in plan["actions"]:
            self._tell.raw(action["shown"])
        if plan["condition"]:
            self._tell.say("But only if Prometheus, asked again after the votes, still says:")
            self._tell.raw(plan["condition"])
        self._tell.say("Every vote is bound to the digest of this plan:")
        self._tell.raw(plan["digest"])

    async def _decide(self) -> bool:
        self._tell.step("The votes", f"Nothing runs before {len(VOTERS)} people have said yes.")
        self.findings.votes = await self._voting.votes(self.findings.key)
        if "reject" in self.findings.votes.values():
            self._tell.say("One no is enough: rejected.")
            return False
        return True

    async def _act(self) -> None:
        rejected = "reject" in self.findings.votes.values()
        if not rejected:
            self._tell.step("The restart", "A claim goes into the ledger, then the command starts, once.")
        what = "the attempt did not end"
        document = await self._calls.until(self.findings.key, lambda found: bool(found["attempts"]), _PATIENCE, what)
        attempt = document["attempts"][-1]
        self.findings.outcome = attempt["outcome"]
        for result in attempt["results"]:
            self._tell.say(f"{result['name']}: {result['status']} after {result['duration_sec']:.1f} s")
        wanted = Outcome.REJECTED if rejected else Outcome.REMEDIATED
        if attempt["outcome"] != wanted:
            reason = f": {attempt['reason']}" if attempt["reason"] else ""
            raise CommandError(f"the outcome is {attempt['outcome']} and not {wanted}{reason}")
        if not rejected:
            self._tell.say(f"Outcome: {attempt['outcome']}.")

    async def _look(self) -> None:
        self._tell.step("Is it healthy?", "That a command succeeded is no proof, so the service itself is asked.")
        self.findings.pids.append(await self._pid("the service was restarted and does not answer"))
        before, after = self.findings.pids
        if before == after:
            raise CommandError(f"the service is still process {before}: nothing was restarted")
        self._tell.say(f"HTTP 200, from process {after} in place of {before}.")

    async def _resolve(self) -> None:
        self._tell.step("The alert resolves", "Whoever raised the alert has to say that it is over.")
        if self._prometheus:
            await self._series("1", "Prometheus does not see that the service is back")
            self._tell.say("Prometheus sees the service again. Waiting for Alertmanager ...")
        else:
            self._tell.say("Here that is the demo.")
            await self._calls.post_alert(self._own_alert("resolved"))
        what = "no notification came that the alert has resolved"
        await self._calls.until(self.findings.key, lambda found: found["status"] == "resolved", _PATIENCE, what)
        self.findings.resolved = True
        self._tell.say("Lumen was told: resolved.")

    async def _record(self) -> None:
        self._tell.step("The record", "Each entry holds the hash of the one before, so a later change shows.")
        document = await self._calls.status(self.findings.key)
        entries = await self._calls.entries(document["proof_ref"])
        self.findings.entries = [{"seq": entry["seq"], "kind": entry["kind"]} for entry in entries]
        for entry in entries:
            self._tell.say(line_of(entry), hanging="  ")
        check(entries, self.findings.votes, self.findings.plan_digest, self.findings.outcome)
        self._tell.say("Voters, plan and outcome are those that you saw.")
        self.findings.ledger = await self._calls.verify()
        if not self.findings.ledger.get("ok"):
            raise CommandError(f"the ledger does not verify: {self.findings.ledger.get('reason')}")
        self._tell.say(f"The ledger holds: all {self.findings.ledger.get('height')} entries verified.")
        self.findings.slack = await self._voting.afterwards(self.findings.outcome)

    async def _first_key(self) -> str | None:
        return next(iter(await self._calls.keys()), None)

    async def _pid(self, otherwise: str) -> int:
        async def look() -> int | None:
            answer = await fetch(self._service)
            return int(answer["pid"]) if answer else None

        return await eventually(look, _PATIENCE, otherwise)

    async def _series(self, value: str, otherwise: str) -> None:
        """Wait until the series ``up`` of the service has this value."""

        async def look() -> bool | None:
            answer = await fetch(self._prometheus + "/api/v1/query", {"query": f'up{{job="{JOB}"}}'})
            found = [series["value"][1] for series in answer["data"]["result"]] if answer else []
            return True if found == [value] else None

        await eventually(look, _PATIENCE, otherwise)

    def _own_alert(self, status: str) -> dict[str, Any]:
        labels = {"alertname": ALERT, "instance": str(self._stage.ports.service), "job": JOB, "severity": SEVERITY}
        summary = f"{self._stage.ports.service} does not answer"
        return {"status": status, "labels": labels, "annotations": {"summary": summary}}
