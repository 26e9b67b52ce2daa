"""What every answer of a service must keep to: its OpenAPI document, and what no document says."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

import jsonschema_rs

from tests.fuzz.wire.sending import Answer, Sent

MOST_SECONDS = 15.0
"""No route of Lumen has a budget of more than a few seconds; the rest is for a machine that does other things too."""

_PROBLEM = "application/problem+json"
_DETAIL_LIMIT = 2000
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")


class Promises:
    """The promises of one service."""

    def __init__(self, document: dict[str, Any], secrets: Sequence[str]) -> None:
        """Keep the document; ``secrets`` may stand in no answer."""
        self._operations: dict[tuple[str, str], dict[str, Any]] = {
            (method.upper(), path): operation
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
        }
        paths: list[str] = list(document["paths"])
        self._routes = [(re.compile(re.sub(r"\{\w+\}", "[^/]+", path)), path) for path in paths]
        self._components = document["components"]
        self._validators: dict[str, Any] = {}
        self._secrets = [secret.encode() for secret in secrets]

    def broken(self, sent: Sent, answer: Answer) -> list[str]:
        """Return what is wrong with ``answer``; empty = nothing."""
        found = []
        if answer.seconds > MOST_SECONDS:
            found.append(f"answered after {answer.seconds:.0f} seconds")
        if any(secret in answer.body for secret in self._secrets):
            found.append("a secret stands in the answer")
        operation = self._operations.get((sent.method, self._template(unquote(sent.path))))
        if operation is None:
            found += self._problem(answer, {404, 405, 204} if sent.method == "OPTIONS" else {404, 405})
        else:
            found += self._documented(answer, operation, sent.method)
        return found

    def _template(self, path: str) -> str:
        for route, template in self._routes:
            if route.fullmatch(path):
                return template
        return ""

    def _documented(self, answer: Answer, operation: dict[str, Any], method: str) -> list[str]:
        told = operation["responses"].get(str(answer.status))
        if told is None:
            return [f"{answer.status} is not documented"]
        content = told.get("content", {})
        if not content:
            return ["a body where none is documented"] if answer.body else []
        media = content.get(answer.media_type)
        if media is None:
            return [f"{answer.status} came as {answer.media_type or 'nothing'}, which is not documented"]
        if answer.media_type == _PROBLEM:
            return self._problem(answer, {answer.status})
        return self._valid(answer, media["schema"]) if answer.media_type.endswith("json") else []

    def _problem(self, answer: Answer, statuses: set[int]) -> list[str]:
        if answer.status not in statuses:
            return [f"{answer.status} on a path or method that nobody serves"]
        if answer.media_type != _PROBLEM:
            return [] if not answer.body else [f"{answer.status} came as {answer.media_type}"]
        if not answer.body:
            return []  # the answer to HEAD
        found = self._valid(answer, {"$ref": "#/components/schemas/Problem"})
        if found:
            return found
        problem = json.loads(answer.body)
        if problem["status"] != answer.status:
            return ["the problem tells another status than the answer"]
        if len(problem["detail"]) > _DETAIL_LIMIT or _CONTROL.search(problem["detail"]):
            return ["the detail is too long, or holds control characters"]
        return []

    def _valid(self, answer: Answer, schema: dict[str, Any]) -> list[str]:
        key = json.dumps(schema, sort_keys=True)
        if key not in self._validators:
            self._validators[key] = jsonschema_rs.validator_for({**schema, "components": self._components})
        try:
            value = json.loads(answer.body)
            error = next(iter(self._validators[key].iter_errors(value)), None)
        except ValueError as broken:
            return [f"{answer.status} is no JSON: {broken}"]
        return [f"{answer.status}: {str(error).splitlines()[0][:200]}"] if error else []
