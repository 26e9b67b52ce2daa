"""Approval channels: a click in Slack until it is answered and until the message shows it, and the console's list."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx

from benchmarks import load
from benchmarks.measure import open_loop, percentile, until
from benchmarks.report import Figure, at_most
from benchmarks.sizes import Size
from benchmarks.stage import VOTED, VOTERS, Stage, clear, folder
from benchmarks.votes import ask
from cli.fakeslack import FakeSlack, Message, User
from tests.stack.site import API_TOKEN

RATE = 20
_CHANNEL = "bench"
_SECRET = "a-signing-secret-of-the-benchmarks"  # noqa: S105 - it signs what one process of the benchmark sends to another
_PATIENCE = 120.0
_LOOKS = 40

Rounds = dict[str, list[float]]


def measure(size: Size) -> Iterator[Figure]:
    """Measure milliseconds; Slack is the stand-in of the demo, on this machine, so its own time is next to nothing."""
    found = asyncio.run(_measured(size))
    case = f"clicks, {RATE}/s"
    yield Figure("channels", case, "click answered p50", "ms", found["answered p50"])
    yield Figure("channels", case, "click answered p99", "ms", found["answered p99"], aims=(at_most(2000),))
    yield Figure("channels", case, "message rewritten p50", "ms", found["rewritten p50"])
    yield Figure("channels", case, "message rewritten p95", "ms", found["rewritten p95"])
    listed = f"console, {size.waiting} waiting"
    yield Figure("channels", listed, "list p50", "ms", found["list p50"])
    yield Figure("channels", listed, "list p95", "ms", found["list p95"], aims=(at_most(300),))


async def _measured(size: Size) -> Rounds:
    found: Rounds = {}
    async with FakeSlack(signing_secret=_SECRET, ack_within=_PATIENCE) as slack:
        slack.add_channel(_CHANNEL)
        user = slack.add_user("alice", VOTERS[0])
        with folder() as place:
            stage = Stage(
                place,
                SLACK_BOT_TOKEN=slack.bot_token,
                SLACK_SIGNING_SECRET=_SECRET,
                SLACK_API_BASE_URL=slack.api_url,
                SLACK_CHANNEL=_CHANNEL,
            )
            try:
                await asyncio.to_thread(stage.start)
                slack.request_url = f"{stage.api_url}/slack/interaction"
                for _ in range(size.rounds):
                    await _clicks(stage, slack, user, size.clicks, found)
                await _lists(stage, size, found)
            finally:
                await asyncio.to_thread(stage.stop)
    return found


async def _clicks(stage: Stage, slack: FakeSlack, user: User, count: int, found: Rounds) -> None:
    """Click once in each of ``count`` messages; one vote of two, so that nothing is executed meanwhile."""
    client = await stage.client()
    known = {message.ts for message in slack.messages(_CHANNEL)}

    def fresh() -> list[Message]:
        return [message for message in slack.messages(_CHANNEL) if message.ts not in known]

    async def all_shown() -> bool:
        return len(fresh()) >= count

    async with stage.api_pool() as pool:
        await ask(client, pool, load.fresh_names(count))
    await until(all_shown, _PATIENCE, "every episode has its message")
    messages = fresh()[:count]
    answered: list[float] = []

    async def click(number: int) -> None:
        delivery = await slack.click(user, messages[number], "lumen.approve", version=0)
        if not delivery.ok:
            raise RuntimeError(f"Slack would show an error: {delivery.failure}")
        answered.append(delivery.seconds * 1000)

    due = await open_loop(RATE, count, click)
    rewritten = [await _rewritten(message, when) for message, when in zip(messages, due, strict=True)]
    for name, values in (("answered", answered), ("rewritten", rewritten)):
        for share in (50, 95, 99):
            found.setdefault(f"{name} p{share}", []).append(percentile(values, share / 100))
    await clear(client)


async def _rewritten(message: Message, clicked: float) -> float:
    """Return after how many milliseconds ``message`` showed the vote that was cast at ``clicked``."""

    async def shows() -> bool:
        return any(version.at >= clicked for version in message.versions[1:])

    await until(shows, _PATIENCE, "the message shows the vote")
    return min((version.at - clicked) * 1000 for version in message.versions[1:] if version.at >= clicked)


async def _lists(stage: Stage, size: Size, found: Rounds) -> None:
    """Ask for the first page of the console with many episodes waiting, a second apart, so that nothing is still cached."""
    client = await stage.client()
    async with stage.api_pool() as pool:
        await ask(client, pool, load.fresh_names(size.waiting))
    async with httpx.AsyncClient(base_url=stage.api_url, trust_env=False, timeout=30) as browser:
        form = {"token": API_TOKEN, "name": VOTERS[0], "next": "/"}
        signed = await browser.post("/sign-in", data=form, headers={"Origin": stage.api_url})
        if signed.status_code != httpx.codes.SEE_OTHER:
            raise RuntimeError(f"the sign-in was answered with {signed.status_code}")
        for _ in range(size.rounds):
            taken = []
            for _ in range(_LOOKS):
                began = time.perf_counter()
                page = await browser.get("/")
                taken.append((time.perf_counter() - began) * 1000)
                if page.status_code != httpx.codes.OK or VOTED not in page.text:
                    raise RuntimeError(f"the console answered {page.status_code}, and lists nothing that waits")
                await asyncio.sleep(0.1)
            for share in (50, 95):
                found.setdefault(f"list p{share}", []).append(percentile(taken, share / 100))
    await clear(client)
