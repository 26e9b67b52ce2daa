"""The small parts of the benchmarks: marks, the HTTP client, what is sent, the machine's own numbers."""

from __future__ import annotations

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from benchmarks import load
from benchmarks.__main__ import FIGURES
from benchmarks.http_pool import HttpPool, parse_head
from benchmarks.machine import cpu_seconds, header, resident_mb
from benchmarks.marks import TOUCH, Marks


async def test_a_mark_tells_when_its_command_started(tmp_path: Path) -> None:
    """Prepared files count as not touched; the time of a touch is the command's own."""
    marks = Marks(tmp_path / "marks")
    marks.prepare(["a", "b"])
    assert marks.touched(["a", "b"]) == {}
    before = time.time()
    for name in ("b", "a"):
        process = await asyncio.create_subprocess_exec(TOUCH, "--", marks.path(name))
        assert await process.wait() == 0
    first, second = await marks.all_touched(["a", "b"], 5)
    tick = 0.02  # an older kernel gives the time of its last tick
    assert before - tick <= second <= first + tick <= time.time() + tick


async def test_a_command_that_never_starts_is_an_error(tmp_path: Path) -> None:
    """A figure with a hole in it is no figure."""
    marks = Marks(tmp_path / "marks")
    marks.prepare(["a"])
    with pytest.raises(TimeoutError, match="every command has started"):
        await marks.all_touched(["a"], 0.01)


def test_alerts_differ_in_their_instance_alone() -> None:
    """So that each is an episode of its own, and all are of one size."""
    names = load.fresh_names(2)
    assert len(set(names)) == 2
    first, second = json.loads(load.body("Rule", names))["alerts"]
    assert first["labels"].pop("instance") != second["labels"].pop("instance")
    assert first["labels"] == second["labels"]


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"HTTP/1.1 202 Accepted\r\nContent-Length: 17\r\n\r\n", (202, 17)),
        (b"HTTP/1.1 503 Nope\r\nserver: x\r\ncontent-length:0\r\n\r\n", (503, 0)),
    ],
)
def test_the_head_of_an_answer_is_read(head: bytes, expected: tuple[int, int]) -> None:
    """Status and length, whatever the case of the name."""
    assert parse_head(head) == expected


def test_an_answer_without_a_length_is_refused() -> None:
    """The client reads exactly one answer or says that it cannot."""
    with pytest.raises(ValueError, match="without a content length"):
        parse_head(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")


async def test_the_pool_keeps_connections_and_refuses_errors() -> None:
    """Two calls go over one connection; an answer other than 2xx is an error with its text."""
    connections = 0
    answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", b"HTTP/1.1 500 No\r\nContent-Length: 6\r\n\r\nbroken"]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        for answer in answers:
            head = await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(2 if head.startswith(b"POST") else 0)
            writer.write(answer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, HttpPool(server.sockets[0].getsockname()[1], "secret") as pool:
        assert await pool.get("/head") == {}
        with pytest.raises(RuntimeError, match="POST /x answered 500: broken"):
            await pool.post("/x", b"[]")
    assert connections == 1


async def test_the_pool_leaves_a_connection_that_the_server_closed() -> None:
    """A pause longer than the server keeps connections is no failure."""
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, HttpPool(server.sockets[0].getsockname()[1], "secret") as pool:
        assert await pool.get("/head") == {}
        async with asyncio.timeout(30):
            while not pool._idle[0][0].at_eof():
                await asyncio.sleep(0)
        assert await pool.get("/head") == {}
    assert connections == 2


def test_the_machine_tells_about_this_process() -> None:
    """Memory and processor time are those of the process that was asked about."""
    assert 1 < resident_mb(os.getpid()) < 100_000
    assert 0 < cpu_seconds(os.getpid()) < time.monotonic() * (os.cpu_count() or 1)


def test_the_header_says_what_a_reader_needs_to_compare() -> None:
    """Versions, machine, commit, date, load."""
    found = header()
    assert {"python", "temporalio", "temporal_server", "cpu", "cores", "memory", "commit", "date", "load"} <= set(found)
    assert "Server" in found["temporal_server"]


def test_the_documentation_has_every_figure() -> None:
    """A figure that nobody explains cannot be read."""
    text = (Path(__file__).parents[2] / "docs" / "benchmarks.md").read_text()
    assert [name for name in FIGURES if f"`{name}`" not in text] == []
