"""Requests that schemathesis makes from an OpenAPI document, right and wrong ones, checked by its own checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import HypothesisException
from schemathesis import APIOperation, Case, checks
from schemathesis.core.result import Err
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks as conforming

from tests.fuzz.wire.sending import Sent

_CHECKS = [
    checks.not_a_server_error,
    conforming.status_code_conformance,
    conforming.content_type_conformance,
    conforming.response_schema_conformance,
    conforming.response_headers_conformance,
]


@dataclass
class Pool:
    """The requests for one operation; ``broken`` is what schemathesis found wrong with their answers."""

    label: str
    security: tuple[str, ...]
    made: list[Sent] = field(default_factory=list)
    broken: list[tuple[Sent, str]] = field(default_factory=list)


Signer = Callable[[Sent, tuple[str, ...]], Sent]


def pools(document: dict[str, Any], url: str, name: str, sign: Signer, examples: int, number: int) -> list[Pool]:
    """Make about ``examples`` requests for each operation, half of them wrong, send them and check the answers."""
    schema = schemathesis.openapi.from_dict(document)
    found = []
    with requests.Session() as session:
        session.trust_env = False
        for result in schema.get_all_operations():
            if isinstance(result, Err):
                raise result.err()
            operation = result.ok()
            told = document["paths"][operation.path][operation.method]
            pool = Pool(f"{name} {operation.label}", tuple(way for one in told.get("security", ()) for way in one))
            for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
                _fill(pool, operation, mode, _Sender(session, url, sign), max(1, examples // 2), number)
            found.append(pool)
    return found


@dataclass(frozen=True)
class _Sender:
    session: requests.Session
    url: str
    sign: Signer

    def check(self, pool: Pool, case: Case[Any]) -> None:
        """Send one case, keep it as bytes, and note what is wrong with its answer."""
        prepared = requests.Request(**_arguments(case, self.url)).prepare()
        sent = as_sent(pool.label, prepared)
        pool.made.append(sent)
        prepared.headers.update(self.sign(sent, pool.security).headers)
        response = self.session.send(prepared, allow_redirects=False, timeout=60)
        try:
            case.validate_response(response, checks=_CHECKS)
        except* Exception as group:  # noqa: BLE001 - whatever a check has to say is a finding
            pool.broken += [(sent, f"schemathesis: {str(error)[:400]}") for error in group.exceptions]


def _arguments(case: Case[Any], url: str) -> dict[str, Any]:
    given = case.as_transport_kwargs(base_url=url)
    return {
        name: given.get(name) for name in ("method", "url", "headers", "params", "data", "json", "files", "cookies")
    }


def as_sent(label: str, prepared: requests.PreparedRequest) -> Sent:
    """Return a prepared request as the bytes that go over the wire."""
    body = prepared.body or b""
    if not isinstance(body, str | bytes):
        raise TypeError("a body that is sent in parts")
    content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else body
    own = {"content-length", "user-agent", "accept-encoding", "connection", "transfer-encoding"}
    headers = {name: str(value) for name, value in prepared.headers.items() if name.lower() not in own}
    return Sent(label, str(prepared.method), prepared.path_url, headers, content)


def _fill(
    pool: Pool,
    operation: APIOperation[Any, Any, Any, Any],
    mode: GenerationMode,
    sender: _Sender,
    examples: int,
    number: int,
) -> None:
    @seed(number)
    @settings(
        max_examples=examples,
        phases=[Phase.generate],
        database=None,
        deadline=None,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )
    @given(operation.as_strategy(generation_mode=mode))
    def run(case: Case[Any]) -> None:
        sender.check(pool, case)

    try:
        run()
    except HypothesisException:
        return  # there is no wrong request for a route that takes nothing
