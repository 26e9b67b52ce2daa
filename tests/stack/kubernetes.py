"""A loopback API of Kubernetes: it checks what it is asked as a real one does, keeps objects, and can be made to fail.

Answers follow the API conventions: objects with ``resourceVersion``, ``generation`` and ``uid``, ``Status`` for errors,
409 where a ``resourceVersion`` or a precondition does not hold.
"""

from __future__ import annotations

import asyncio
import json
import re
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATCHES = {"application/merge-patch+json", "application/strategic-merge-patch+json"}
_PLURAL = re.compile(r"/(?P<plural>[a-z]+)/(?P<name>[^/]+)$")
_REASONS = {401: "Unauthorized", 403: "Forbidden", 404: "NotFound", 409: "Conflict", 422: "Invalid"}


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class StatusError(Exception):
    """An answer other than 2xx."""

    def __init__(self, code: int, message: str) -> None:
        """Keep both."""
        super().__init__(message)
        self.code = code


@dataclass
class Fault:
    """What happens to the next request of ``method``: an answer instead of the work, or the work without an answer."""

    method: str
    answer: tuple[int, bytes, str] | None = None
    works: bool = True
    drops: bool = False
    hold: asyncio.Event | None = None


@dataclass
class FakeCluster:
    """The API server. ``replaces``: a deleted pod comes back under its name, as that of a stateful set does."""

    token: str = "cluster-token"
    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    forbidden: set[tuple[str, str]] = field(default_factory=set)
    rolling: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    replaces: bool = False
    port: int = 0
    scheme: str = "http"
    _version: int = 100
    _server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{self.scheme}://127.0.0.1:{self.port}"

    def put(self, path: str, **content: Any) -> dict[str, Any]:
        """Keep an object at ``path`` and return it."""
        self._version += 1
        name = path.rsplit("/", 1)[1]
        metadata = {"name": name, "uid": f"uid-{self._version}", "generation": 1, **content.pop("metadata", {})}
        self.objects[path] = {"metadata": metadata | {"resourceVersion": str(self._version)}, **content}
        return self.objects[path]

    def touch(self, path: str) -> None:
        """Give the object a new version, as any write by somebody else does."""
        self._version += 1
        self.objects[path]["metadata"]["resourceVersion"] = str(self._version)

    def writes(self) -> list[Asked]:
        """Return the requests that change something."""
        return [asked for asked in self.asked if asked.method != "GET"]

    def kubeconfig(self, path: Path, *, token: str | None = None, server: str = "") -> Path:
        """Write a kubeconfig file with the contexts ``here`` (current) and ``elsewhere``, where nothing listens."""
        user = {"token": self.token if token is None else token}
        content = {
            "current-context": "here",
            "contexts": [
                {"name": "here", "context": {"cluster": "here", "user": "lumen"}},
                {"name": "elsewhere", "context": {"cluster": "elsewhere", "user": "lumen"}},
                {"name": "nobody", "context": {"cluster": "here"}},
            ],
            "clusters": [
                {"name": "here", "cluster": {"server": server or self.url}},
                {"name": "elsewhere", "cluster": {"server": "http://127.0.0.1:1"}},
            ],
            "users": [{"name": "lumen", "user": user}],
        }
        path.write_text(json.dumps(content))
        return path

    async def start(self, context: ssl.SSLContext | None = None) -> None:
        """Listen on a free port, with TLS if a context is given."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = self._server.sockets[0].getsockname()[1]
        self.scheme = "https" if context else "http"

    async def stop(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ", 2)
            headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
            raw = await reader.readexactly(int(headers.get("content-length", "0")))
            parts = urlsplit(target)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            asked = Asked(method, parts.path, query, headers, json.loads(raw) if raw else None)
            self.asked.append(asked)
            await self._answer(asked, writer)
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    async def _answer(self, asked: Asked, writer: asyncio.StreamWriter) -> None:
        fault = next((one for one in self.faults if one.method == asked.method), Fault(asked.method))
        if fault in self.faults:
            self.faults.remove(fault)
        code, raw, kind = fault.answer or self._work(asked) if fault.works else (500, b"{}", "application/json")
        if fault.hold is not None:
            await fault.hold.wait()
        if fault.drops:
            writer.transport.abort()
            return
        kind_line = f"Content-Type: {kind}\r\n" if kind else ""
        head = f"HTTP/1.1 {code} X\r\n{kind_line}Content-Length: {len(raw)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + raw)
        await writer.drain()

    def _work(self, asked: Asked) -> tuple[int, bytes, str]:
        try:
            code, content = 200, self._do(asked)
        except StatusError as error:
            code = error.code
            content = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "message": str(error)}
            content["reason"] = _REASONS.get(code, "")
        return code, json.dumps(content).encode(), "application/json"

    def _do(self, asked: Asked) -> dict[str, Any]:
        if asked.headers.get("authorization") != f"Bearer {self.token}":
            raise StatusError(401, "Unauthorized")
        found = _PLURAL.search(asked.path)
        plural, name = (found["plural"], found["name"]) if found else ("", "")
        if (asked.method, plural) in self.forbidden:
            raise StatusError(403, f'{plural} "{name}" is forbidden: User "lumen" cannot {asked.method.lower()} it')
        if asked.path not in self.objects:
            raise StatusError(404, f'{plural} "{name}" not found')
        doing = {"GET": self._get, "PATCH": self._patch, "DELETE": self._delete}
        return doing[asked.method](asked)

    def _get(self, asked: Asked) -> dict[str, Any]:
        if steps := self.rolling.get(asked.path):
            self.objects[asked.path]["status"] = self.objects[asked.path].get("status", {}) | steps.pop(0)
            self.touch(asked.path)
        return self.objects[asked.path]

    def _patch(self, asked: Asked) -> dict[str, Any]:
        if asked.headers.get("content-type") not in PATCHES:
            raise StatusError(415, f"the body of the request was in an unknown format: {asked.headers}")
        current = self.objects[asked.path]
        version = asked.body.get("metadata", {}).get("resourceVersion")
        if version not in {None, current["metadata"]["resourceVersion"]}:
            raise StatusError(409, "the object has been modified; please apply your changes to the latest version")
        changed: dict[str, Any] = merged(current, asked.body)
        if changed.get("spec", {}).get("replicas", 0) > 9000:
            raise StatusError(422, "spec.replicas: Invalid value: must be less than or equal to 9000")
        if changed.get("spec") != current.get("spec"):
            changed["metadata"]["generation"] = current["metadata"]["generation"] + 1
        self.objects[asked.path] = changed
        self.touch(asked.path)
        return changed

    def _delete(self, asked: Asked) -> dict[str, Any]:
        current = self.objects[asked.path]
        wanted = ((asked.body or {}).get("preconditions") or {}).get("uid")
        if wanted not in {None, current["metadata"]["uid"]}:
            raise StatusError(409, f"the UID in the precondition ({wanted}) does not match the UID in record")
        del self.objects[asked.path]
        if self.replaces:
            self.put(asked.path)
        return current


def merged(target: Any, patch: Any) -> Any:
    """Return ``target`` after a JSON merge patch (RFC 7396)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result
