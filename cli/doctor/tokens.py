"""Tokens: whether those that are configured here are those that the running processes take."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from cli.doctor.finding import Finding, fail, ok, skip, warn
from cli.doctor.scene import Scene, is_api
from cli.doctor.sight import Sighting


async def api_token(scene: Scene) -> list[Finding]:
    """Ask the API whether it takes the tokens of ``LUMEN_API_TOKEN``. The request itself is refused for its limit of 0."""

    async def use(headers: dict[str, str]) -> Sighting:
        return await scene.eyes.get(f"{scene.api_url}/alerts?limit=0", headers, by_proxy=True)

    tokens = scene.case.settings.api_tokens
    return await _tokens(scene, "LUMEN_API_TOKEN", tokens, use, "may not read: it is for sending alerts only")


async def webhook_token(scene: Scene) -> list[Finding]:
    """Ask the API whether it takes the tokens of ``LUMEN_WEBHOOK_TOKEN``. The request itself is refused: it is empty."""

    async def use(headers: dict[str, str]) -> Sighting:
        return await scene.eyes.post_nothing(f"{scene.api_url}/alert", headers, by_proxy=True)

    tokens = scene.case.settings.webhook_tokens
    return await _tokens(scene, "LUMEN_WEBHOOK_TOKEN", tokens, use, "may not send alerts")


async def _tokens(
    scene: Scene,
    variable: str,
    tokens: Sequence[str],
    use: Callable[[dict[str, str]], Awaitable[Sighting]],
    too_little: str,
) -> list[Finding]:
    if not is_api(scene.api):
        return [scene.unreachable_is_no_news() or skip("no API to ask")]
    if not tokens:
        fix = f"set {variable}, or LUMEN_DATA_DIR to the data directory of `lumen up`"
        return [warn(f"no token is set here, so the API at {scene.api_url} cannot be used with one", fix)]
    answers = await asyncio.gather(*(use({"Authorization": f"Bearer {token}"}) for token in tokens))
    return judge_tokens(variable, [answer.status for answer in answers], f"the API at {scene.api_url}", too_little)


def judge_tokens(variable: str, statuses: Sequence[int], who: str, too_little: str = "") -> list[Finding]:
    """Return a finding for each token that ``who`` does not take, by its place in the list of ``variable``.

    The first token of a list is the one that is used, so only a wrong first one breaks something now.
    """
    findings = []
    for place, status in enumerate(statuses, 1):
        which = f"token {place} of {len(statuses)}" if len(statuses) > 1 else "the token"
        say = fail if place == 1 else warn
        if status == 401:
            fix = f"set {variable} to what runs there (or restart that with this one); unset, it comes from LUMEN_DATA_DIR"
            findings.append(say(f"{who} refuses {which} of {variable}", fix))
        elif status == 403:
            findings.append(say(f"{who} knows {which} of {variable}, but it {too_little}", f"correct {variable}"))
        elif not 0 < status < 500:
            findings.append(say(f"{who} gave no clear answer to {which} of {variable}", "try again, or see its log"))
    return findings or [ok(f"{who} takes it" if len(statuses) == 1 else f"{who} takes all {len(statuses)}")]
