"""From what is known of each route to an OpenAPI 3.1 document (https://spec.openapis.org/oas/v3.1.1.html).

The routes read bodies and write answers by themselves, so that only the paths and parameters can be had from them.
"""

from __future__ import annotations

import http
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Schema = dict[str, Any]
Content = Mapping[str, Schema]
"""A JSON Schema for each media type; an empty content is an answer without a body."""

JSON = "application/json"
PROBLEM = "application/problem+json"
TEXT: Schema = {"type": "string"}
EMPTY: Content = {}


@dataclass(frozen=True)
class Operation:
    """One method of one path. ``answers`` is complete; ``security`` names the ways in, any one of which is enough."""

    does: str
    answers: Mapping[int, Content]
    security: tuple[str, ...] = ()
    body: Content | None = None
    parameters: tuple[Schema, ...] = ()


@dataclass(frozen=True)
class Description:
    """A whole service; ``operations`` by method and path, such as ``GET /alerts/{key}``."""

    title: str
    summary: str
    operations: Mapping[str, Operation]
    schemas: Mapping[str, Schema] = field(default_factory=dict)
    security: Mapping[str, Schema] = field(default_factory=dict)


def json_of(schema: Schema) -> Content:
    """Return the content of an answer in JSON."""
    return {JSON: schema}


def ref(name: str) -> Schema:
    """Return a reference to a schema of the document."""
    return {"$ref": f"#/components/schemas/{name}"}


def fields(
    required: Mapping[str, Schema], optional: Mapping[str, Schema] | None = None, *, more: bool = False
) -> Schema:
    """Return the schema of an object; ``more`` lets it have other members too."""
    properties = {**required, **(optional or {})}
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": more}


def query(name: str, schema: Schema, *, required: bool = False) -> Schema:
    """Return a parameter of the query string."""
    return {"name": name, "in": "query", "required": required, "schema": schema}


def document(told: Description, served: Mapping[str, Mapping[str, Any]]) -> Schema:
    """Return the document; ``served`` are the paths as the framework knows them, whose parameters are kept.

    Raises:
        KeyError: a path is served that is not in ``told``.

    """
    paths: dict[str, dict[str, Schema]] = {}
    for path, methods in served.items():
        for method, found in methods.items():
            operation = told.operations[f"{method.upper()} {path}"]
            parameters = [*found.get("parameters", ()), *operation.parameters]
            paths.setdefault(path, {})[method] = _operation(operation, f"{method} {path}", parameters)
    return {
        "openapi": "3.1.0",
        "info": {"title": told.title, "summary": told.summary, "version": "1"},
        "paths": paths,
        "components": {"schemas": dict(told.schemas), "securitySchemes": dict(told.security)},
    }


def _operation(told: Operation, name: str, parameters: list[Schema]) -> Schema:
    found: Schema = {"operationId": name, "summary": told.does, "responses": {}}
    for status, content in sorted(told.answers.items()):
        answer: Schema = {"description": http.HTTPStatus(status).phrase}
        if content and not name.startswith("head "):
            answer["content"] = _content(content)
        found["responses"][str(status)] = answer
    if parameters:
        found["parameters"] = parameters
    if told.body is not None:
        found["requestBody"] = {"required": True, "content": _content(told.body)}
    if told.security:
        found["security"] = [{name: []} for name in told.security]
    return found


def _content(content: Content) -> Schema:
    return {media: {"schema": schema} for media, schema in content.items()}
