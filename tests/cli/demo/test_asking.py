"""Questions at a terminal: what counts as an answer, and what does not."""

from __future__ import annotations

import asyncio
import io
import os
import pty
from collections.abc import Iterator
from contextlib import suppress

import pytest

from cli.demo.asking import Everybody, NotApprovedError, Person
from cli.demo.telling import Teller


class Desk:
    """A person at a pseudo-terminal in this process."""

    def __init__(self) -> None:
        """Open the terminal."""
        self.keyboard, self.handle = pty.openpty()
        self.screen = io.StringIO()
        self.person = Person(self.handle, Teller(self.screen))

    def type(self, keys: bytes) -> None:
        """Press these keys."""
        os.write(self.keyboard, keys)

    async def asked(self, times: int) -> None:
        """Wait until a question has been asked so often."""
        async with asyncio.timeout(10):
            while self.screen.getvalue().count("[y/n]") < times:
                await asyncio.sleep(0.01)

    def close(self) -> None:
        """Close what is still open."""
        for handle in (self.keyboard, self.handle):
            with suppress(OSError):
                os.close(handle)


@pytest.fixture
def desk() -> Iterator[Desk]:
    """A person who has not said anything yet."""
    one = Desk()
    yield one
    one.close()


@pytest.mark.parametrize(("keys", "approved"), [(b"y\n", True), (b" YES \n", True), (b"n\n", False), (b"No\n", False)])
async def test_yes_and_no_in_any_case(desk: Desk, keys: bytes, approved: bool) -> None:
    """The whole word or its first letter."""
    asking = asyncio.create_task(desk.person.approves("a@example.com"))
    await desk.asked(1)
    desk.type(keys)
    assert await asking is approved


async def test_anything_else_is_asked_again(desk: Desk) -> None:
    """An empty line, another word and bytes that are no text are no vote."""
    asking = asyncio.create_task(desk.person.approves("a@example.com"))
    for number, keys in enumerate([b"\n", b"perhaps\n", b"\xff\xfe\n"], 1):
        await desk.asked(number)
        assert not asking.done()
        desk.type(keys)
    await desk.asked(4)
    desk.type(b"n\n")
    assert await asking is False


async def test_what_was_typed_before_the_question_is_no_answer(desk: Desk) -> None:
    """A yes that came too early is dropped; the no after the question counts."""
    desk.type(b"y\n")
    asking = asyncio.create_task(desk.person.approves("a@example.com"))
    await desk.asked(1)
    desk.type(b"n\n")
    assert await asking is False


async def test_the_end_of_the_input_is_no_approval(desk: Desk) -> None:
    """Ctrl-D, or a terminal that has gone, ends the demo."""
    asking = asyncio.create_task(desk.person.approves("a@example.com"))
    await desk.asked(1)
    desk.type(b"\x04")
    with pytest.raises(NotApprovedError, match="the input ended before an answer"):
        await asking
    assert desk.screen.getvalue().endswith("[y/n] \n")
    os.close(desk.keyboard)
    with pytest.raises(NotApprovedError):
        await desk.person.approves("a@example.com")


async def test_a_question_can_be_given_up(desk: Desk) -> None:
    """A cancelled question leaves the terminal to the next one."""
    asking = asyncio.create_task(desk.person.approves("a@example.com"))
    await desk.asked(1)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    again = asyncio.create_task(desk.person.approves("b@example.com"))
    await desk.asked(2)
    desk.type(b"y\n")
    assert await again is True


async def test_unattended_everybody_approves_and_that_is_said() -> None:
    """With --yes each vote is on the screen, with the reason why nobody was asked."""
    screen = io.StringIO()
    assert await Everybody(Teller(screen)).approves("a@example.com") is True
    assert screen.getvalue() == "   a@example.com: yes, by --yes.\n"
