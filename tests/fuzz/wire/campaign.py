"""Passes over every route: nobody, wrong tokens, and the right ones; and what must hold after each."""

from __future__ import annotations

import contextlib
import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any
from urllib.parse import urlencode

from tests.fuzz.wire.mutants import mutant
from tests.fuzz.wire.place import SECRETS, Place, Service
from tests.fuzz.wire.pools import Pool, pools
from tests.fuzz.wire.promises import Promises
from tests.fuzz.wire.sending import Answer, Sent, Wire

WRONG = (
    *("", "Bearer", "Bearer wrong", "Bearer  ", "bearer null", "Basic OndvcmRz", "Basic !!!", "Digest x", "Bearer é"),
    *("Basic " + "A" * 4000, "Bearer " + "x" * 8000, "Bearer a b", "Negotiate", "Bearer \t", "Basic Og=="),
)
GROWTH_BYTES = 150 * 1024 * 1024
"""A process may keep caches and grow its heap; it may not keep what it was sent."""

_SHARES = {"api": 0.37, "proofd": 0.13}
"""How much of the time each of the two passes over a service may take."""

_BUSY = frozenset({"temporal_unreachable", "no_worker", "unavailable"})
_TRIES = 4
_ROUND = 200
_POOL = 60


@dataclass
class Report:
    """What was sent and what was found."""

    requests: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    broken: dict[str, Sent] = field(default_factory=dict)
    busy: int = 0
    slowest: tuple[float, str] = (0.0, "")
    appended: set[int] = field(default_factory=set)
    workflows: set[str] = field(default_factory=set)

    def note(self, sent: Sent, answer: Answer, broken: list[str]) -> None:
        """Count one answer."""
        self.requests[sent.label] += 1
        self.statuses[f"{sent.label} {answer.status}"] += 1
        self.slowest = max(self.slowest, (answer.seconds, f"{sent.method} {sent.target[:80]}"))
        for problem in broken:
            self.broken.setdefault(f"{sent.label}: {problem}", sent)


@dataclass
class Campaign:
    """One run over one place; ``say`` gets a line now and then."""

    place: Place
    number: int
    say: Callable[[str], None] = print
    report: Report = field(default_factory=Report)

    def run(self, requests: int, pool: int = _POOL, seconds: float = float("inf")) -> Report:
        """Send about ``requests`` requests to each route; fewer, but the same share of each pass, after ``seconds``."""
        self.say("nobody and wrong tokens")
        before = self.place.quiet_state()
        for service in self.place.services:
            self._pass(service, "wrong", requests // 2, pool, seconds * _SHARES[service.name])
        self._unchanged(before, self.place.quiet_state())
        self.say("right tokens")
        memory = self.place.memory()
        height = self.place.site.ledger_head()["height"]
        for service in self.place.services:
            if service.name == "proofd":  # the worker appends too, but only while the API is sent something
                height = self.place.quiet_state()["ledger"]["height"]
            self._pass(service, "right", requests - requests // 2, pool, seconds * _SHARES[service.name])
        self._accounted(height)
        self._grown(memory)
        self._well()
        return self.report

    def _pass(self, service: Service, mode: str, requests: int, examples: int, seconds: float) -> None:
        until = time.time() + seconds
        rng = Random(f"{self.number}/{service.name}/{mode}")  # noqa: S311 - the same requests for the same seed
        sign = self._wrong(rng) if mode == "wrong" else self.place.signed
        found = pools(service.document, service.url, service.name, sign, examples, self.number)
        for pool in found:
            self.report.requests[pool.label] += len(pool.made)
            for sent, problem in pool.broken:
                self.report.broken.setdefault(f"{pool.label}: {problem}", sent)
        self.say(f"{service.name} {mode}: schemathesis sent {sum(len(pool.made) for pool in found)}")
        with contextlib.closing(Wire(service.url)) as wire:
            self._mutants(service, wire, found, mode, requests, until, rng)

    def _mutants(
        self, service: Service, wire: Wire, found: list[Pool], mode: str, requests: int, until: float, rng: Random
    ) -> None:
        promises = Promises(service.document, SECRETS)
        sign = self._wrong(rng) if mode == "wrong" else self.place.signed
        # A link that holds needs no other credential.
        link = self.place.link if mode == "right" else self.place.link[:-8] + "A" * 8
        known = tuple(link if one == self.place.link else one for one in service.known)
        for begin in range(0, max(0, requests), _ROUND):
            for pool in found:
                if time.time() > until:
                    self.say(f"{service.name} {mode}: out of time after {begin} mutants a route")
                    return
                for _ in range(min(_ROUND, requests - len(pool.made) - begin)):
                    sent = mutant(self._meaningful(rng.choice(pool.made), rng, link), rng, known)
                    self._one(wire, promises, sign(sent, pool.security))
            self.say(f"{service.name} {mode}: {begin + _ROUND} mutants a route, {len(self.report.broken)} findings")

    def _one(self, wire: Wire, promises: Promises, sent: Sent) -> None:
        for _ in range(_TRIES):
            answer = wire.send(sent)
            if answer.status != 503 or _reason(answer) not in _BUSY:
                break
            # On a busy machine Temporal may not answer in time. What a request itself brings about comes each time.
            self.report.busy += 1
            time.sleep(1)
        broken = promises.broken(sent, answer)
        self.report.note(sent, answer, broken + [f"a {answer.status}"] * (answer.status >= 500))
        self._count(sent, answer)

    def _count(self, sent: Sent, answer: Answer) -> None:
        if not 200 <= answer.status < 300 or not answer.media_type.endswith("json"):
            return
        content = json.loads(answer.body) if answer.body else {}
        if sent.path == "/append":
            self.report.appended.add(content["seq"])
        taken = content.get("alerts", [content]) if isinstance(content, dict) else []
        self.report.workflows |= {str(one.get("workflow_id")) for one in taken if isinstance(one, dict)}

    def _meaningful(self, sent: Sent, rng: Random, link: str) -> Sent:
        """Return ``sent`` with, now and then, what a page of this site would send, or an alert that a rule matches."""
        path = sent.path
        if rng.random() < 0.7:
            return sent
        if (
            path.startswith(("/webhook", "/alert"))
            and path.count("/") < 3
            and sent.method == "POST"
            and rng.random() < 0.1
        ):
            alert = {
                "labels": {"alertname": "FuzzShadow", "n": str(rng.randrange(10))},
                "status": rng.choice(("firing", "resolved")),
            }
            return replace(sent, body=json.dumps(alert if path == "/alert" else {"alerts": [alert]}).encode())
        if path == "/append":
            draft = {
                "idem": f"fuzz/{rng.randrange(10**6)}",
                "kind": "command",
                "parts": {"a": rng.choice((1, "é", [1.5], {"a": None}))},
            }
            return replace(sent, body=json.dumps(draft).encode())
        parts = path.split("/")
        if len(parts) > 2 and parts[1] in {"alerts", "episodes"}:
            path = "/".join((*parts[:2], self.place.key, *parts[3:]))
            sent = replace(sent, target=path)
        if sent.method == "POST" and "urlencoded" in sent.headers.get("Content-Type", ""):
            fields = {"form_token": self.place.form_token, "decision": rng.choice(("approve", "reject", "retry", "x"))}
            more = {
                "reason": "because",
                "target": "a",
                "switch": "x",
                "token": link,
                "approval_id": "a",
                "digest": "b",
            }
            return replace(sent, body=urlencode(fields | more).encode())
        if path in {"/commands", "/runs"} and rng.random() < 0.1:
            command = {
                "command": "reduce-gain",
                "idempotency_key": str(rng.randrange(10)),
                "actor": "alice@example.com",
            }
            run = {"rule": "FuzzShadow", "actor": "alice@example.com", "reason": "x"}
            return replace(sent, body=json.dumps(command if path == "/commands" else run).encode())
        return sent

    @staticmethod
    def _wrong(rng: Random) -> Callable[[Sent, tuple[str, ...]], Sent]:
        def sign(sent: Sent, _security: tuple[str, ...]) -> Sent:
            value = rng.choice(WRONG)
            kept = {name: one for name, one in sent.headers.items() if name.lower() != "authorization"}
            return replace(sent, headers={**kept, "Authorization": value} if value else kept)

        return sign

    def _unchanged(self, before: dict[str, Any], after: dict[str, Any]) -> None:
        """What was refused changed nothing."""
        for name, value in before.items():
            if after[name] != value:
                self._found(f"{name} changed though everything was refused: {value} became {after[name]}")

    def _accounted(self, height: int) -> None:
        """Every workflow and every entry has an answer that tells of it."""
        after = self.place.quiet_state()
        for seq in sorted(set(range(height, after["ledger"]["height"])) - self.report.appended):
            idem = self.place.site.entry(seq)["idem"]
            if idem.partition("/")[0] not in after["workflows"]:  # an episode may come to its end at any time
                self._found(f"nobody was told of the entry {seq} ({idem})")
        named = self.report.workflows | {f"alert-{self.place.key}"}
        for workflow in after["workflows"]:
            if workflow not in named and not workflow.startswith(("intake-", "target-", "budget-", "freeze", "lumen-")):
                self._found(f"nobody was told of the workflow {workflow}")

    def _grown(self, before: dict[str, int]) -> None:
        for name, now in self.place.memory().items():
            self.say(f"memory of {name}: {before[name] >> 20} MiB, then {now >> 20} MiB")
            if now - before[name] > GROWTH_BYTES:
                self._found(f"{name} grew from {before[name]} to {now} bytes")

    def _well(self) -> None:
        site = self.place.site
        if not site.ledger_holds():
            self._found("the ledger does not verify any more")
        if not site.status(self.place.key).get("key"):
            self._found("the episode from before the run cannot be read any more")
        for child in (site.api, site.proofd, site.worker):
            if child is not site.worker and "Traceback" in child.log:
                self._found(f"{child.name} logged a traceback: {child.log[child.log.index('Traceback') :][:1500]}")
            for secret in SECRETS:
                if secret in child.log:
                    self._found(f"{child.name} logged a secret")

    def _found(self, problem: str) -> None:
        self.report.broken.setdefault(problem, Sent("", "", ""))


def _reason(answer: Answer) -> str:
    try:
        return str(json.loads(answer.body)["type"]).rpartition(":")[2]
    except (ValueError, KeyError, TypeError):
        return ""
