"""The webhook over real sockets: uvicorn on loopback, and clients that do not keep to the rules."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import httpx
import pytest

from api.app import create_app
from tests.api.conftest import served
from tests.api.fakes import WEBHOOK_TOKEN, FakeEpisodes, RecordingSink, make_edge
from tests.api.payloads import ALERTMANAGER_0_25

GOOD = json.dumps(ALERTMANAGER_0_25).encode()
HEAD = f"POST /webhook HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {WEBHOOK_TOKEN}\r\n".encode()
PATIENCE = 60.0


@pytest.fixture
async def port(sink: RecordingSink, episodes: FakeEpisodes) -> AsyncIterator[int]:
    """Serve an API that waits half a second for a body, and return its port."""
    async with served(create_app(make_edge(sink, episodes, body_seconds=0.5))) as number:
        yield number


async def talk(port: int, *parts: bytes, half_close: bool = False) -> bytes:
    """Send ``parts`` as they are and return what comes back until the server closes or the first answer is complete."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            for part in parts:
                writer.write(part)
                await writer.drain()
            if half_close:
                writer.write_eof()
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
            return head + await reader.readexactly(length)
    finally:
        writer.close()


def url(port: int, path: str = "/webhook") -> str:
    """Return the URL of ``path``."""
    return f"http://127.0.0.1:{port}{path}"


async def post(port: int, content: bytes | AsyncIterator[bytes], token: str = WEBHOOK_TOKEN) -> httpx.Response:
    """Post ``content`` with a client that keeps to the rules."""
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        return await client.post(url(port), content=content, headers={"Authorization": f"Bearer {token}"})


async def pieces(whole: bytes, size: int) -> AsyncIterator[bytes]:
    """Yield ``whole`` in pieces, which httpx sends chunked."""
    for start in range(0, len(whole), size):
        yield whole[start : start + size]


async def test_plain_and_chunked(port: int) -> None:
    """A body counts the same whether its length was announced or it came in chunks."""
    assert (await post(port, GOOD)).json()["alerts"][0]["result"] == "started"
    assert (await post(port, pieces(GOOD, 7))).json()["alerts"][0]["result"] == "updated"


async def test_too_large(port: int, sink: RecordingSink) -> None:
    """20 MB are refused with an answer that the client gets to read, announced or chunked."""
    body = GOOD + b" " * 20_000_000
    assert (await post(port, body)).status_code == 413
    assert (await post(port, pieces(body, 1_000_000))).status_code == 413
    assert sink.routed == []


async def test_too_large_without_a_token(port: int) -> None:
    """20 MB without a token get a 401, and the connection is good for the next request."""
    body = GOOD + b" " * 20_000_000
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as client:
        assert (await client.post(url(port), content=body)).status_code == 401
        assert (await client.get(url(port, "/healthz"))).status_code == 200


async def test_announced_length_is_refused_before_the_body(port: int) -> None:
    """A body that is announced as too large is refused before it is sent."""
    answer = await talk(port, HEAD + b"Content-Length: 99999999\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_token_before_the_body(port: int) -> None:
    """A client that waits for 100 Continue gets the 401 instead: the body is never asked for."""
    head = HEAD.replace(WEBHOOK_TOKEN.encode(), b"wrong") + b"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n"
    assert (await talk(port, head)).startswith(b"HTTP/1.1 401 ")


@pytest.mark.parametrize(
    "parts",
    [
        (b"Content-Length: 1000\r\n\r\n",),
        (b"Content-Length: 1000\r\n\r\n" + GOOD[:100],),
        (b"Transfer-Encoding: chunked\r\n\r\n",),
        (b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",),
        (b"Transfer-Encoding: chunked\r\n\r\n50\r\nhal",),
    ],
)
async def test_stalled_body(port: int, sink: RecordingSink, parts: tuple[bytes, ...]) -> None:
    """A body that stops coming is a 408 after the time for it, and the connection is closed."""
    answer = await talk(port, HEAD, *parts)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"connection: close" in answer.lower()
    assert sink.routed == []


async def test_dripping_body(port: int) -> None:
    """A body that comes one byte at a time does not buy more time with each byte."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"Content-Length: 1000000\r\n\r\n")
    answer = asyncio.create_task(reader.readuntil(b"\r\n\r\n"))
    async with asyncio.timeout(PATIENCE):
        while not answer.done():
            writer.write(b" ")
            await asyncio.wait([answer], timeout=0.05)
    assert answer.result().startswith(b"HTTP/1.1 408 ")
    writer.close()


async def test_truncated_body(port: int, sink: RecordingSink) -> None:
    """A client that goes away in the middle of its body leaves nothing behind, and the next one is served."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + b"Content-Length: 1000\r\n\r\n" + GOOD[:100])
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    assert await reader.read() == b""
    assert (await post(port, GOOD)).status_code == 202
    assert len(sink.routed) == 1
    async with httpx.AsyncClient(trust_env=False) as client, asyncio.timeout(PATIENCE):
        while 'lumen_webhook_requests_total{code="400"} 1.0' not in (
            counted := (await client.get(url(port, "/metrics"))).text
        ):
            pass
    assert 'lumen_webhook_requests_total{code="500"} 0.0' in counted


@pytest.mark.parametrize(
    "head",
    [
        b"Content-Length: -5\r\n\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"Content-Length: abc\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"Transfer-Encoding: gzip\r\n\r\n",
        b"X: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)
async def test_not_http(port: int, sink: RecordingSink, head: bytes) -> None:
    """What is not HTTP ends in an answer of the 4xx or 501 kind, never in a hang or in an accepted alert."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(HEAD + head)
    async with asyncio.timeout(PATIENCE):
        status = await reader.read(13)
    writer.close()
    assert status[:12] in {b"HTTP/1.1 400", b"HTTP/1.1 408", b"HTTP/1.1 501"}
    assert sink.routed == []


async def test_content_length_too_short(port: int, sink: RecordingSink) -> None:
    """A length that lies downwards cuts the body, which is then no JSON: nothing is half accepted."""
    answer = await talk(port, HEAD + b"Content-Length: 50\r\nConnection: close\r\n\r\n" + GOOD)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert sink.routed == []


async def test_no_server_header(port: int) -> None:
    """The answer does not say which server it comes from, nor trusts who says that it forwards."""
    answer = await talk(port, b"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n")
    assert b"\r\nserver:" not in answer.lower()
