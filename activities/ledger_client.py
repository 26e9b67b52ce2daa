"""The ledger over HTTP, as everybody but the ledger itself sees it."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from lumen.errors import LedgerError, LedgerUnavailableError
from lumen.messages import LedgerAppend, LedgerReceipt


class LedgerConflictError(LedgerError):
    """Another entry stands under the same business key; ``seq`` is where."""

    reason = "ledger_conflict"

    def __init__(self, message: str, seq: int) -> None:
        """Keep where the other entry stands."""
        super().__init__(message)
        self.seq = seq


@dataclass(frozen=True)
class Entry:
    """A ledger entry as read back. ``age`` in seconds by the ledger's own clock (one second of resolution)."""

    seq: int
    kind: str
    parts: dict[str, Any]
    age: float


class LedgerClient:
    """A client of proofd."""

    def __init__(self, http: httpx.AsyncClient, url: str, token: str) -> None:
        """``url`` without a trailing slash; ``token`` is sent as bearer."""
        self._http = http
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    async def append(self, entry: LedgerAppend) -> LedgerReceipt:
        """Append ``entry``; repeating it is harmless.

        Raises:
            LedgerConflictError: other content stands under this key (never with ``first_wins``).
            LedgerError: refused for good.
            LedgerUnavailableError: no answer, or 5xx.

        """
        body = {"idem": entry.idem, "kind": entry.kind, "parts": entry.parts}
        try:
            response = await self._send("POST", "/append", json=body)
        except UnicodeEncodeError:
            raise LedgerError("the entry holds half a surrogate pair, which no ledger can take") from None
        answer = _json(response)
        if response.status_code == httpx.codes.CONFLICT and isinstance(answer.get("seq"), int):
            if entry.first_wins:
                return LedgerReceipt(answer["seq"], duplicate=True)
            raise LedgerConflictError(str(answer.get("detail", "another entry has this key")), answer["seq"])
        if response.status_code != httpx.codes.OK:
            raise LedgerError(f"{response.status_code} {answer.get('detail', answer.get('title', ''))}")
        return LedgerReceipt(answer["seq"], duplicate=bool(answer.get("duplicate")))

    async def find(self, idem: str) -> Entry | None:
        """Return the entry under this business key, or None. Raises as :meth:`append`."""
        response = await self._send("GET", "/entries", params={"idem": idem})
        if response.status_code == httpx.codes.NOT_FOUND:
            return None
        answer = _json(response)
        if response.status_code != httpx.codes.OK:
            raise LedgerError(f"{response.status_code} {answer.get('detail', '')}")
        return Entry(answer["seq"], answer["kind"], answer["parts"], _age(response, answer.get("at", "")))

    async def height(self) -> int:
        """Return how many entries the ledger has. Raises as :meth:`append`."""
        return int((await self._read("/head", {}))["height"])

    async def entries(self, first: int, end: int) -> list[dict[str, Any]]:
        """Return entries from number ``first`` up to ``end`` (exclusive), their parts as JSON data without erased ones.

        Raises as :meth:`append`.
        """
        found: list[dict[str, Any]] = []
        while first + len(found) < end:
            wanted = {"from": first + len(found), "limit": end - first - len(found)}
            items = (await self._read("/export/entries", wanted))["entries"]
            if not items:
                break
            found += map(_entry, items)
        return found

    async def _read(self, path: str, wanted: dict[str, int]) -> dict[str, Any]:
        response = await self._send("GET", path, params=wanted)
        answer = _json(response)
        if response.status_code != httpx.codes.OK:
            raise LedgerError(f"{response.status_code} {answer.get('detail', '')}")
        return answer

    async def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            response = await self._http.request(method, self._url + path, headers=self._headers, timeout=10, **content)
        except httpx.HTTPError as error:
            raise LedgerUnavailableError(
                f"the ledger at {self._url} cannot be reached: {type(error).__name__}"
            ) from error
        if response.status_code >= httpx.codes.INTERNAL_SERVER_ERROR:
            raise LedgerUnavailableError(f"the ledger at {self._url} answered {response.status_code}")
        return response


def _json(response: httpx.Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        body = None
    return body if isinstance(body, dict) else {}


def _entry(item: dict[str, Any]) -> dict[str, Any]:
    """Return an item of ``GET /export/entries`` as JSON data."""
    entry: dict[str, Any] = json.loads(base64.b64decode(item["body"]))
    parts = {part["name"]: part["data"] for part in item["parts"] if part["data"] is not None}
    return {**entry, "parts": {name: json.loads(base64.b64decode(data)) for name, data in parts.items()}}


def _age(response: httpx.Response, at: str) -> float:
    try:
        now = parsedate_to_datetime(response.headers["date"])
        return max(0.0, (now - datetime.fromisoformat(at)).total_seconds())
    except (KeyError, ValueError, TypeError):
        return (datetime.now(UTC) - datetime.fromisoformat(at)).total_seconds() if at else 0.0
