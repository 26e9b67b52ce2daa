"""The ledger as the console shows it: how it stands, and whether single entries are where and what they should be.

An entry is checked here, not believed: its bytes hash to its leaf, its parts to their commitments, and the leaf is in the
tree of a checkpoint that the ledger's key signed. The key is the ledger's own word; who does not trust it verifies with a
vkey of their own (``lumen proof verify``).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx
from prometheus_client.parser import text_string_to_metric_families

from proof.errors import ProofError
from proof.format.chain import StoredEntry, StoredPart, check_entry
from proof.format.checkpoint import Checkpoint, open_checkpoint
from proof.format.entry import decode_entry
from proof.format.merkle import verify_inclusion
from proof.format.note import VerifierKey

_HEALTH_SECONDS = 1.5
_HEALTH_KEPT = 1.0
_CHECK_KEPT = 60.0
_KEPT_LINES = 2000
_AT_ONCE = 8
_UNUSABLE = (httpx.HTTPError, KeyError, TypeError, ValueError, AttributeError, binascii.Error)


@dataclass(frozen=True)
class Health:
    """How the ledger stands. ``ok`` is its own last verification; times in seconds; ``anchor_lag`` in entries by sink."""

    reachable: bool
    ok: bool = False
    height: int = 0
    checkpoint_age: float | None = None
    anchor_lag: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """One entry. ``state``: ``proven``, ``broken`` (``problem`` says how) or ``unchecked``; ``size`` is the checkpoint's."""

    seq: int
    state: str
    kind: str = ""
    at: str = ""
    leaf: str = ""
    size: int = 0
    problem: str = ""


@dataclass(frozen=True)
class _Head:
    log: str
    checkpoint: Checkpoint


class ProofdView:
    """Implements ``api.surroundings.LedgerView`` over a running proofd."""

    def __init__(
        self, http: httpx.AsyncClient, url: str, token: str, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """``url`` without a trailing slash; ``token`` is sent as bearer. ``clock`` in seconds."""
        self._http = http
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._clock = clock
        self._lock = asyncio.Lock()
        self._health: tuple[float, Health] = (float("-inf"), Health(reachable=False))
        self._kept: OrderedDict[int, tuple[float, Line]] = OrderedDict()

    async def health(self) -> Health:
        """Read the ledger's metrics; an answer is kept for about a second."""
        async with self._lock:
            if self._clock() - self._health[0] > _HEALTH_KEPT:
                self._health = (self._clock(), await self._ask())
            return self._health[1]

    async def _ask(self) -> Health:
        try:
            async with asyncio.timeout(_HEALTH_SECONDS):
                answer = await self._http.get(f"{self._url}/metrics", headers={"Accept": "text/plain"})
            answer.raise_for_status()
            samples = {
                (sample.name, sample.labels.get("sink", "")): sample.value
                for family in text_string_to_metric_families(answer.text)
                for sample in family.samples
            }
            return Health(
                reachable=True,
                ok=samples["lumen_proof_chain_ok", ""] == 1,
                height=int(samples["lumen_proof_height", ""]),
                checkpoint_age=samples.get(("lumen_proof_checkpoint_age_seconds", "")),
                anchor_lag={
                    sink: int(value)
                    for (name, sink), value in samples.items()
                    if name == "lumen_proof_anchor_lag_entries"
                },
            )
        except (TimeoutError, *_UNUSABLE):
            return Health(reachable=False)

    async def lines(self, seqs: Sequence[int], seconds: float) -> list[Line]:
        """Check what was not checked within the last minute, a few at once."""
        now = self._clock()
        known = {seq: line for seq in seqs if (line := self._recent(seq, now)) is not None}
        missing = [seq for seq in seqs if seq not in known]
        if missing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._check_all(missing)
        return [self._recent(seq, now) or Line(seq, "unchecked") for seq in seqs]

    def _recent(self, seq: int, now: float) -> Line | None:
        at, line = self._kept.get(seq, (float("-inf"), Line(seq, "unchecked")))
        return line if now - at < _CHECK_KEPT else None

    async def _check_all(self, seqs: Sequence[int]) -> None:
        try:
            head = await self._head()
        except ProofError as error:
            for seq in seqs:
                self._keep(Line(seq, "broken", problem=str(error)))
            return
        except _UNUSABLE:
            return
        gate = asyncio.Semaphore(_AT_ONCE)

        async def check(seq: int) -> None:
            async with gate:
                with contextlib.suppress(*_UNUSABLE):
                    self._keep(await self._line(seq, head))

        await asyncio.gather(*(check(seq) for seq in seqs))

    def _keep(self, line: Line) -> None:
        self._kept[line.seq] = (self._clock(), line)
        self._kept.move_to_end(line.seq)
        while len(self._kept) > _KEPT_LINES:
            self._kept.popitem(last=False)

    async def _head(self) -> _Head:
        body = await self._get("/export/head")
        keys = [VerifierKey.parse(text) for text in body["vkeys"]]
        return _Head(str(body["log"]), open_checkpoint(body["checkpoint"].encode(), body["origin"], keys))

    async def _line(self, seq: int, head: _Head) -> Line:
        """Return one entry, checked; raises what ``_UNUSABLE`` names when the ledger does not say enough."""
        tree = head.checkpoint.tree
        found = await self._get("/export/entries", {"from": str(seq), "limit": "1"})
        if not found["entries"] or seq >= tree.size:
            return Line(seq, "broken", problem=f"the ledger holds no entry {seq}")
        proof = await self._get("/proof/inclusion", {"seq": str(seq), "size": str(tree.size)})
        hashes = [bytes.fromhex(one) for one in proof["proof"]]
        try:
            stored = _stored(found["entries"][0])
            if stored.seq != seq:
                return Line(seq, "broken", problem=f"the ledger serves entry {stored.seq} in its place")
            entry = check_entry(stored, head.log)
            verify_inclusion(stored.leaf, seq, tree.size, hashes, tree.root)
        except ProofError as error:
            return Line(seq, "broken", problem=str(error))
        return Line(seq, "proven", entry.kind, entry.at, stored.leaf.hex(), tree.size)

    async def _get(self, path: str, query: dict[str, str] | None = None) -> dict[str, Any]:
        answer = await self._http.get(self._url + path, params=query, headers=self._headers)
        answer.raise_for_status()
        body = answer.json()
        if not isinstance(body, dict):
            raise TypeError("not an object")
        return body


def _stored(item: dict[str, Any]) -> StoredEntry:
    body = base64.b64decode(item["body"], validate=True)
    parts = tuple(StoredPart(part["name"], _bytes(part["salt"]), _bytes(part["data"])) for part in item["parts"])
    return StoredEntry(int(item["seq"]), decode_entry(body).idem, bytes.fromhex(item["leaf"]), body, parts)


def _bytes(text: str | None) -> bytes | None:
    return None if text is None else base64.b64decode(text, validate=True)
