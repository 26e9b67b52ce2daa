"""How the demo looks at what runs: it waits with a deadline, and a failure says what it waited for."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from cli.demo.calls import Calls, eventually, fetch, post
from cli.failure import CommandError
from cli.settings import load_client
from tests.cli.conftest import FakeService


@pytest.fixture
def silent() -> Iterator[str]:
    """The URL of something that takes connections and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


async def test_the_first_find_ends_the_wait() -> None:
    """What is found is returned; a failure on the way is not the end."""
    answers = iter([None, CommandError("not yet"), 7])

    async def look() -> int | None:
        if isinstance(answer := next(answers), CommandError):
            raise answer
        return answer

    assert await eventually(look, 30, "no seven") == 7


async def test_a_wait_in_vain_says_for_what_and_why() -> None:
    """The line names what did not happen, how long it was waited for, and the last failure."""

    async def look() -> None:
        raise CommandError("cannot reach it")

    with pytest.raises(CommandError, match=r"^no seven within 0 s: cannot reach it$"):
        await eventually(look, 0.1, "no seven")


async def test_no_answer_is_no_error(service: FakeService, silent: str) -> None:
    """Nothing comes of a service that hangs, fails, is gone, or answers something else."""
    service.answer(200, {"pid": 1})
    assert await fetch(service.url) == {"pid": 1}
    service.status, service.content = 200, b"no JSON"
    assert await fetch(service.url) is None
    service.answer(500, {})
    assert await fetch(service.url) is None
    assert await fetch(silent) is None
    assert await fetch("http://127.0.0.1:1") is None


async def test_a_post_that_is_not_accepted_is_one_line(service: FakeService, silent: str) -> None:
    """The URL and what went wrong."""
    await post(service.url)
    service.answer(500, {})
    for url in (service.url, silent):
        with pytest.raises(CommandError, match=f"^{url} does not accept a POST: .+$"):
            await post(url)


async def test_a_stale_status_is_not_taken_for_one(api: FakeService) -> None:
    """What the API says without a worker does not end a wait."""
    api.answer(200, {"state": "executing", "stale": True})
    calls = Calls(load_client())
    with pytest.raises(CommandError, match="it did not run"):
        await calls.until("alertmanager-1", lambda document: bool(document["state"]), 0.5, "it did not run")
    api.answer(200, {"state": "executing"})
    assert await calls.until("alertmanager-1", lambda document: bool(document["state"]), 5, "") == {
        "state": "executing"
    }
