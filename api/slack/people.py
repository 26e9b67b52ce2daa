"""Who a Slack user is: the person whom the policy binds to the id, else the one whose address Slack tells."""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from api.slack.calls import SlackCalls
from api.slack.errors import PersonError, SlackRefusedError, SlackUnreachableError
from api.slack.flights import Flights
from lumen.ballot import read_actor
from lumen.errors import BallotError
from rules.model import Policy

KEPT_SECONDS = 600.0
REFUSAL_KEPT_SECONDS = 60.0
KEPT_USERS = 1000
_ASK_SECONDS = 10.0
_STANDING_SECONDS = 0.5
_GONE = frozenset({"bot", "deleted", "foreign", "guest"})
"""What of Slack's refusals holds for a person whom the policy knows; an address is not needed for them."""


@dataclass(frozen=True)
class Known:
    """What Slack said of a user: an ``email`` in lower case, or ``refusal``, why this is nobody who can vote."""

    email: str
    refusal: str = ""


class People:
    """Knows people by their Slack id; what Slack says is kept for ten minutes, of at most 1000 users."""

    def __init__(self, calls: SlackCalls, clock: Callable[[], float] = time.monotonic) -> None:
        """``clock`` returns seconds that only grow."""
        self._calls = calls
        self._clock = clock
        self._known: OrderedDict[str, tuple[float, Known]] = OrderedDict()
        self._flights: Flights[Known] = Flights()

    async def person(self, user: str, home: str, policy: Policy) -> str:
        """Return the address of the person behind the Slack id ``user`` of the workspace ``home``.

        Raises:
            PersonError: nobody whose vote can count.
            SlackUnreachableError: the policy does not know the id, and Slack cannot be asked now.

        """
        bound = _bound(user, policy)
        if bound:
            await self._check_standing(user, home)
            return bound
        known = await self._told(user, home)
        if known.refusal:
            raise PersonError(known.refusal)
        # The policy binds this address to another id: whoever has it in this profile is not that person.
        if policy.people.get(known.email, {}).get("slack"):
            raise PersonError("other")
        return known.email

    async def close(self) -> None:
        """End what is on its way."""
        await self._flights.close()

    async def _check_standing(self, user: str, home: str) -> None:
        """Refuse somebody whom the policy binds and of whom Slack says that they left or are a guest by now.

        The policy says who it is, so where Slack does not answer soon the vote counts: it must not wait for Slack.
        """
        try:
            async with asyncio.timeout(_STANDING_SECONDS):
                known = await self._told(user, home)
        except (TimeoutError, SlackUnreachableError):
            return
        if known.refusal in _GONE:
            raise PersonError(known.refusal)

    async def _told(self, user: str, home: str) -> Known:
        return self._kept(user) or await self._flights.join(f"{home}/{user}", lambda: self._ask(user, home))

    def _kept(self, user: str) -> Known | None:
        found = self._known.get(user)
        if found is None or found[0] <= self._clock():
            return None
        self._known.move_to_end(user)
        return found[1]

    async def _ask(self, user: str, home: str) -> Known:
        try:
            answer = await self._calls.call("users.info", _ASK_SECONDS, verb="GET", user=user)
        except SlackRefusedError as error:
            known = Known("", "no_email" if error.code == "missing_scope" else "unknown")
        else:
            known = judge(answer.get("user"), user, home)
        kept = REFUSAL_KEPT_SECONDS if known.refusal else KEPT_SECONDS
        self._known[user] = (self._clock() + kept, known)
        self._known.move_to_end(user)
        while len(self._known) > KEPT_USERS:
            self._known.popitem(last=False)
        return known


def judge(profile: Any, user: str, home: str) -> Known:
    """Return what the object ``user`` of ``users.info`` says of the Slack id ``user`` in the workspace ``home``."""
    if not isinstance(profile, dict) or profile.get("id") != user:
        return Known("", "unknown")
    if profile.get("is_bot") or user == "USLACKBOT":
        return Known("", "bot")
    if profile.get("deleted"):
        return Known("", "deleted")
    if profile.get("is_stranger") or not _is_of(profile, home):
        return Known("", "foreign")
    if profile.get("is_restricted") or profile.get("is_ultra_restricted"):
        return Known("", "guest")
    if profile.get("is_email_confirmed") is False:
        return Known("", "unconfirmed")
    details = profile.get("profile")
    email = details.get("email") if isinstance(details, dict) else None
    try:
        actor = read_actor(email)
    except BallotError:
        return Known("", "no_email")
    return Known(actor) if actor.count("@") == 1 else Known("", "no_email")


def _is_of(profile: dict[str, Any], home: str) -> bool:
    """Return whether a user belongs to ``home``; in an organisation of several workspaces one may belong to many."""
    if profile.get("team_id") == home:
        return True
    organisation = profile.get("enterprise_user")
    teams = organisation.get("teams") if isinstance(organisation, dict) else None
    return isinstance(teams, list) and home in teams


def _bound(user: str, policy: Policy) -> str:
    for address, known in policy.people.items():
        if known.get("slack", "").upper() == user.upper():
            return address
    return ""
