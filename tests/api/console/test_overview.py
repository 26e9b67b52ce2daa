"""Answers that several people share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from api.errors import UnreachableError
from api.pages.overview import Kept


@dataclass
class Question:
    """Counts how often it is asked; answers its own number once the gate is open."""

    asked: int = 0
    time: float = 0.0
    down: bool = False
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self) -> int:
        """Answer."""
        self.asked += 1
        number = self.asked
        await self.gate.wait()
        if self.down:
            raise UnreachableError("gone")
        return number

    def clock(self) -> float:
        """Tell the time."""
        return self.time


async def test_many_askers_are_one_question() -> None:
    """Whoever asks while a question is out waits for its answer, and it is kept for a second."""
    question = Question()
    kept = Kept(question.ask, question.clock)
    askers = [asyncio.create_task(kept.get()) for _ in range(20)]
    await asyncio.sleep(0)
    question.gate.set()
    assert await asyncio.gather(*askers) == [1] * 20
    question.time = 1.0
    assert await kept.get() == 1
    question.time = 2.1
    assert await kept.get() == 2


async def test_a_slow_question_keeps_nobody_waiting_who_can_have_the_last_answer() -> None:
    """An answer of some seconds ago is given at once while the next one is asked for; a very old one is not."""
    question = Question()
    question.gate.set()
    kept = Kept(question.ask, question.clock, at_once_for=15)
    assert await kept.get() == 1
    question.gate.clear()
    question.time = 10
    assert [await kept.get() for _ in range(3)] == [1, 1, 1]
    await asyncio.sleep(0)
    assert question.asked == 2
    question.gate.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await kept.get() == 2
    question.time = 60
    assert await kept.get() == 3


async def test_that_nothing_is_known_is_an_answer_too() -> None:
    """While nobody answers, that is found out once a second and not once a visitor; afterwards all is known again."""
    question = Question(down=True)
    question.gate.set()
    kept = Kept(question.ask, question.clock)
    assert [await kept.get() for _ in range(5)] == [None] * 5
    assert question.asked == 1
    question.down, question.time = False, 2
    assert await kept.get() == 2


async def test_what_was_asked_before_a_change_does_not_count_after_it() -> None:
    """Who changed something sees it: an older question that is still out does not answer the next look."""
    question = Question()
    kept = Kept(question.ask, question.clock)
    before = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    kept.forget()
    after = asyncio.create_task(kept.get())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    question.gate.set()
    assert (await before, await after) == (1, 2)
    assert await kept.get() == 2


async def test_a_slow_question_is_asked_seldom() -> None:
    """A question that took a second rests for four; one that took a minute rests for five seconds, not for longer."""
    for took, rests in ((1.0, 4.0), (60.0, 5.0)):
        question = Question()
        kept = Kept(question.ask, question.clock, at_once_for=15)
        first = asyncio.create_task(kept.get())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        question.time = took
        question.gate.set()
        assert await first == 1
        question.time = took + rests - 0.1
        assert (await kept.get(), question.asked) == (1, 1)
        question.time = took + rests + 0.1
        await kept.get()
        await asyncio.sleep(0)
        assert question.asked == 2
