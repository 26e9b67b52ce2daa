"""The load: stories begin at random moments at a mean rate, requests of others in between, some alerts that never end."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Awaitable
from typing import Any

from benchmarks import load
from benchmarks.soak.calls import Calls
from benchmarks.soak.noise import Noise
from benchmarks.soak.stage import CHRONIC, RELOADED, SoakStage
from benchmarks.soak.stories import OUTCOMES, Story, draw

_CHRONIC = 3
_CHRONIC_SECONDS = 4.0
_NOISE_SECONDS = 2.0
_RELOAD_SECONDS = 90.0
_KEPT_FAULTS = 50


class Flow:
    """Everything that is sent. ``rate`` is the mean number of stories a second."""

    def __init__(self, stage: SoakStage, calls: Calls, rate: float, seed: int = 1) -> None:
        """Send nothing yet."""
        self._stage = stage
        self._calls = calls
        self._rate = rate
        self._luck = random.Random(seed)  # noqa: S311 - a load, no secret
        self._noise = Noise(calls, stage, self._luck)
        self._stories: set[asyncio.Task[None]] = set()
        self.began: Counter[str] = Counter()
        self.ended: Counter[str] = Counter()
        self.faults: list[str] = []
        self.fault_count = 0

    async def run(self, seconds: float) -> None:
        """Send for ``seconds``, then wait for the stories that have begun."""
        steady = [
            asyncio.ensure_future(each) for each in (self._begin(), self._chatter(), self._chronic(), self._reloads())
        ]
        try:
            done, _ = await asyncio.wait(steady, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in steady:
                task.cancel()
            await asyncio.gather(*steady, return_exceptions=True)
        await asyncio.gather(*self._stories)

    def document(self) -> dict[str, Any]:
        """Return what was sent and what came of it."""
        return {
            "stories_begun": dict(self.began),
            "first_outcomes": dict(self.ended),
            "answers": dict(sorted(self._calls.answers.items())),
            "faults": self.fault_count,
            "first_faults": self.faults,
        }

    async def _begin(self) -> None:
        run = load.fresh_names(1)[0]
        number = 0
        while True:
            await asyncio.sleep(self._luck.expovariate(self._rate))
            number += 1
            task = asyncio.ensure_future(self._tell(draw(self._luck), f"{run}-{number}"))
            self._stories.add(task)
            task.add_done_callback(self._stories.discard)

    async def _tell(self, story: Story, name: str) -> None:
        self.began[story.__name__] += 1

        async def told() -> None:
            outcome = await story(self._calls, name)
            self.ended[outcome] += 1
            if outcome not in OUTCOMES[story]:
                self._fault(f"{story.__name__} {name} ended as {outcome}")

        await self._watched(story.__name__, told())

    async def _chatter(self) -> None:
        while True:
            await asyncio.sleep(self._luck.expovariate(1 / _NOISE_SECONDS))
            await self._watched("noise", self._noise.one())

    async def _chronic(self) -> None:
        """Repeat the same alerts for ever: their episodes never close, so their histories must not grow for ever."""
        while True:
            for number in range(_CHRONIC):
                await self._watched("chronic", self._calls.alert(CHRONIC, f"chronic-{number}"))
            await asyncio.sleep(_CHRONIC_SECONDS)

    async def _reloads(self) -> None:
        number = 0
        while True:
            await asyncio.sleep(_RELOAD_SECONDS)
            number += 1
            self._stage.reload(number)
            await self._watched("reloaded", self._calls.alert(RELOADED, f"reloaded-{number}"))
            await self._watched("reloaded", self._calls.alert(RELOADED, f"reloaded-{number}", "resolved"))

    async def _watched(self, what: str, call: Awaitable[Any]) -> None:
        try:
            await call
        except Exception as error:  # noqa: BLE001 - the edge of one story: whatever went wrong is counted, the load goes on
            self._fault(f"{what}: {type(error).__name__}: {error}")

    def _fault(self, said: str) -> None:
        self.fault_count += 1
        sys.stderr.write(f"fault: {said[:500]}\n")
        if len(self.faults) < _KEPT_FAULTS:
            self.faults.append(said[:500])
