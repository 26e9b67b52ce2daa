"""Nothing that is sent makes proofd answer 5xx, stop, or write."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import pytest_asyncio
from fastapi import Request
from hypothesis import given, settings
from hypothesis import strategies as st

from proof.errors import UnavailableError
from proof.http.gate import limited_body
from tests.proof.serving import AUTH, assert_problem, payload, proofd, samples
from tests.stack.calling import calls

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.types import Message

MIB = 1024 * 1024


@pytest_asyncio.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client of one proofd that has to stand all of this file."""
    async with proofd(tmp_path_factory.mktemp("bad") / "proof.db") as client:
        yield client


def body_of(size: int) -> bytes:
    """Return a good append with exactly ``size`` bytes."""
    frame = json.dumps(payload(f"size-{size}", action="")).encode()
    return frame.replace(b'""', b'"' + b"x" * (size - len(frame)) + b'"')


def raw(parts: str) -> bytes:
    """Return an append whose parts are this JSON text."""
    return b'{"idem":"k","kind":"command","parts":' + parts.encode("utf-8", "surrogatepass") + b"}"


BAD = {
    "empty": (b"", 400),
    "no json": (b"{idem:1}", 400),
    "cut": (b'{"idem":"k"', 400),
    "two documents": (b"{}{}", 400),
    "not utf-8": (b'{"idem":"\xff"}', 400),
    "utf-16": ("{}".encode("utf-16"), 400),
    "raw NUL": (b'{"idem":"\x00"}', 400),
    "raw surrogate": (raw('{"a":"\ud800"}'), 400),
    "NaN": (raw('{"a":NaN}'), 400),
    "Infinity": (raw('{"a":-Infinity}'), 400),
    "deep nesting": (raw('{"a":' + "[" * 100_000 + "]" * 100_000 + "}"), 400),
    "deep objects": (raw('{"a":' * 50_000 + "1" + "}" * 50_000), 400),
    "duplicate key": (b'{"idem":"k","idem":"k","kind":"command","parts":{}}', 400),
    "duplicate key in a part": (raw('{"a":{"b":1,"b":2}}'), 400),
    "null": (b"null", 422),
    "list": (b"[]", 422),
    "number": (b"1", 422),
    "no fields": (b"{}", 422),
    "one field more": (b'{"idem":"k","kind":"command","parts":{},"seq":1}', 422),
    "idem is a number": (b'{"idem":1,"kind":"command","parts":{}}', 422),
    "idem is empty": (b'{"idem":"","kind":"command","parts":{}}', 422),
    "idem has NUL": (b'{"idem":"a\\u0000","kind":"command","parts":{}}', 422),
    "idem has a surrogate": (b'{"idem":"\\ud800","kind":"command","parts":{}}', 422),
    "idem too long": (json.dumps(payload("k" * 513)).encode(), 422),
    "kind unknown": (b'{"idem":"k","kind":"x","parts":{}}', 422),
    "kind is an object": (b'{"idem":"k","kind":{},"parts":{}}', 422),
    "parts is a list": (raw("[]"), 422),
    "part name": (raw('{"A":1}'), 422),
    "part name has a surrogate": (raw('{"\\ud800":1}'), 422),
    "too many parts": (raw(json.dumps({f"p{n}": 1 for n in range(65)})), 422),
    "lone surrogate": (raw('{"a":"\\ud800"}'), 422),
    "lone surrogate as key": (raw('{"a":{"\\udfff":1}}'), 422),
    "reversed pair": (raw('{"a":"\\udc00\\ud800"}'), 422),
    "integer too large": (raw('{"a":9007199254740992}'), 422),
    "integer of 9,000 digits": (raw('{"a":' + "9" * 9000 + "}"), 422),
    "float too large": (raw('{"a":1e999}'), 422),
    "nested 101 levels": (raw('{"a":' + "[" * 101 + "]" * 101 + "}"), 422),
    "one byte too many": (body_of(MIB + 1), 413),
    "very large": (b"x" * (3 * MIB), 413),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_input_is_a_4xx(client: httpx.AsyncClient, name: str) -> None:
    """Each wrong body gets its 4xx with a reason, and nothing is written."""
    body, status = BAD[name]
    before = (await client.get("/head")).json()
    assert_problem(await client.post("/append", content=body), status)
    assert (await client.get("/head")).json() == before


async def test_a_megabyte_is_taken(client: httpx.AsyncClient) -> None:
    """A body of exactly 1 MiB passes, also one that is slow to canonicalise."""
    assert (await client.post("/append", content=body_of(MIB))).status_code == 200
    numbers = json.dumps(payload("numbers", action=[0.1] * 150_000)).encode()
    assert (await client.post("/append", content=numbers)).status_code == 200


async def test_the_limit_holds_for_a_body_of_unknown_length(client: httpx.AsyncClient) -> None:
    """A chunked body is refused as soon as it passes the limit, without waiting for its end."""
    response = await _head_of_answer(client, AUTH, MIB + 1)
    assert response.startswith(b"HTTP/1.1 413 ")


async def test_a_chunked_body_within_the_limit_is_taken(client: httpx.AsyncClient) -> None:
    """A body sent in pieces is put together."""

    async def pieces() -> AsyncIterator[bytes]:
        for byte in json.dumps(payload("pieces", action=[1, 2])).encode():
            yield bytes([byte])

    assert (await client.post("/append", content=pieces())).status_code == 200


async def test_the_token_is_asked_before_the_body_is_read(client: httpx.AsyncClient) -> None:
    """Without a token the answer comes although the announced body never does."""
    response = await _head_of_answer(client, {}, 0)
    assert response.startswith(b"HTTP/1.1 401 ")


async def _head_of_answer(client: httpx.AsyncClient, headers: dict[str, str], size: int) -> bytes:
    """Append with the first ``size`` bytes of a chunked body that never ends, and return the head of the answer."""
    reader, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    try:
        lines = [f"{name}: {value}" for name, value in {"Host": "x", "Transfer-Encoding": "chunked", **headers}.items()]
        writer.write(b"POST /append HTTP/1.1\r\n" + "\r\n".join(lines).encode() + b"\r\n\r\n")
        if size:
            writer.write(b"%x\r\n" % size + b"x" * size + b"\r\n")
        return await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    finally:
        writer.transport.abort()


async def refused(client: httpx.AsyncClient) -> float:
    """Return how many appends were refused."""
    return (await samples(client, "lumen_ledger_appends_total"))['result="refused"']


async def test_a_sender_who_goes_away_does_no_harm(client: httpx.AsyncClient) -> None:
    """A connection cut in the middle of a body counts as a refused append, and the service goes on."""
    before = await refused(client)
    _, writer = await asyncio.open_connection(client.base_url.host, client.base_url.port)
    head = f"POST /append HTTP/1.1\r\nHost: x\r\nAuthorization: {AUTH['Authorization']}\r\nContent-Length: 100\r\n\r\n"
    writer.write(head.encode() + b"{")
    await writer.drain()
    await client.get("/head")  # the cut request has been read by now
    writer.transport.abort()
    async with asyncio.timeout(30):
        while await refused(client) == before:
            pass
    assert (await client.get("/head")).json()["ok"] is True


async def test_a_body_that_stops_is_not_waited_for() -> None:
    """A body that does not arrive in time is answered as unavailable, which callers retry."""

    async def never() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    scope = {"type": "http", "method": "POST", "path": "/append", "headers": [(b"content-length", b"9")]}
    with pytest.raises(UnavailableError, match="retry"):
        await limited_body(Request(scope, never), seconds=0.01)


@pytest.mark.parametrize(
    ("method", "url", "status"),
    [
        ("GET", "/append", 405),
        ("PUT", "/append", 405),
        ("GET", "/verify", 405),
        ("POST", "/head", 405),
        ("DELETE", "/entries/0", 405),
        ("GET", "/nothing", 404),
        ("GET", "/docs", 404),
        ("GET", "/openapi.json", 404),
        ("GET", "/append/", 404),
        ("GET", "/entries/x", 404),
        ("GET", "/entries/-1", 404),
        ("GET", "/entries/1.0", 404),
        ("GET", "/entries/%00", 404),
        ("GET", "/entries/%EF%BC%91", 404),
        ("GET", "/entries/1%20", 404),
        ("GET", "/entries", 422),
        ("GET", "/entries?idem=", 422),
        ("GET", "/entries?idem=%00", 422),
        ("GET", "/entries?idem=%ED%A0%80%0A", 422),
        ("GET", "/entries?idem=" + "k" * 513, 422),
    ],
)
async def test_bad_addresses_are_a_4xx(client: httpx.AsyncClient, method: str, url: str, status: int) -> None:
    """Wrong paths, methods, numbers and keys are refused as problems."""
    assert_problem(await client.request(method, url), status)


async def test_any_bytes_are_answered(client: httpx.AsyncClient) -> None:
    """Whatever is posted, shaped like an append or not, is answered below 500."""

    @settings(max_examples=60)
    @given(st.binary(max_size=200) | st.builds(_almost, st.text(), st.text(), st.text()))
    def check(body: bytes) -> None:
        answer = calls().post(f"{client.base_url}/append", content=body, headers=AUTH, timeout=30)
        assert answer.status_code < 500

    await asyncio.to_thread(check)  # the server runs in this event loop


def _almost(idem: str, kind: str, part: str) -> bytes:
    data: dict[str, Any] = {"idem": idem, "kind": kind, "parts": {"action": part}}
    return json.dumps(data).encode()
