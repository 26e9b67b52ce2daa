"""What a workspace consists of and what happened in it: people, channels, messages with all their versions, views, calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

TEAM = "T0LUMEN"
APP = "A0LUMEN"
BOT_USER = "U0LUMENBOT"
BOT = "B0LUMEN"


@dataclass
class User:
    """A person or bot. ``team_id`` differs from the workspace's own for somebody from a shared channel."""

    id: str
    name: str
    email: str
    team_id: str = TEAM
    is_bot: bool = False
    deleted: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False


@dataclass
class Channel:
    """A channel. ``member``: whether the bot is in it."""

    id: str
    name: str
    private: bool = False
    member: bool = True
    archived: bool = False


@dataclass(frozen=True)
class Version:
    """What a message said from ``at`` (seconds since the epoch) on."""

    text: str
    blocks: tuple[dict[str, Any], ...]
    metadata: dict[str, Any]
    at: float


@dataclass
class Message:
    """A message in a channel. ``thread_ts`` is empty outside of threads; ``broadcast``: a reply shown in the channel too.

    ``options`` holds the other arguments of the call that posted it (``unfurl_links`` and so on).
    """

    channel: str
    ts: str
    versions: list[Version]
    user: str = BOT_USER
    thread_ts: str = ""
    broadcast: bool = False
    deleted: bool = False
    webhook: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def now(self) -> Version:
        """What it says now."""
        return self.versions[-1]

    @property
    def text(self) -> str:
        """The text for notifications, as it is now."""
        return self.now.text

    @property
    def blocks(self) -> tuple[dict[str, Any], ...]:
        """The blocks, as they are now."""
        return self.now.blocks

    def actions(self) -> list[str]:
        """Return the action ids of its buttons, as they are now."""
        inside = [[*block.get("elements", ()), block.get("accessory") or {}] for block in self.blocks]
        return [element["action_id"] for elements in inside for element in elements if "action_id" in element]


@dataclass(frozen=True)
class Ephemeral:
    """A message that only ``user`` sees. ``by``: the method or ``response_url``, then ``url`` is the last part of that."""

    user: str
    channel: str
    text: str
    blocks: tuple[dict[str, Any], ...]
    thread_ts: str
    at: float
    by: str
    url: str = ""


@dataclass
class View:
    """A modal that ``user`` has, or had, on the screen. ``errors`` (by block id) are shown beside its inputs."""

    id: str
    user: str
    body: dict[str, Any]
    hash: str
    open: bool = True
    errors: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Call:
    """A call of the Web API, of a webhook or of a response URL. ``error`` is empty if it did what was asked.

    ``method`` is the name of the method, ``webhook`` or ``response_url``. ``answered``: whether the caller got the answer.
    """

    method: str
    arguments: dict[str, Any]
    status: int
    error: str
    at: float
    answered: bool = True


@dataclass(frozen=True)
class Violation:
    """Something that no correct app does, whatever Slack is like at the moment. ``where`` is a method or an envelope."""

    where: str
    what: str
    at: float


@dataclass
class Trigger:
    """What a trigger id stands for: ``user`` did something at ``at``, and one view may be opened for it."""

    user: str
    at: float
    used: bool = False


@dataclass
class ResponseUrl:
    """Where an app may answer to what ``user`` did in ``channel``, some times and for some time."""

    user: str
    channel: str
    message: str
    at: float
    uses: int = 0


@dataclass
class State:
    """Everything in the workspace. ``clock`` returns seconds since the epoch."""

    clock: Callable[[], float]
    scopes: set[str]
    users: dict[str, User] = field(default_factory=dict)
    channels: dict[str, Channel] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    ephemerals: list[Ephemeral] = field(default_factory=list)
    views: dict[str, View] = field(default_factory=dict)
    triggers: dict[str, Trigger] = field(default_factory=dict)
    response_urls: dict[str, ResponseUrl] = field(default_factory=dict)
    calls: list[Call] = field(default_factory=list)
    violations: list[Violation] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1_000_000)))

    def next_ts(self) -> str:
        """Return a time stamp that no message has yet, in Slack's form."""
        return f"{int(self.clock())}.{next(self.numbers):06d}"

    def find_channel(self, name: str) -> Channel | None:
        """Return the channel with this id, or with this name, with or without ``#``."""
        by_name = (channel for channel in self.channels.values() if channel.name == name.removeprefix("#"))
        return self.channels.get(name) or next(by_name, None)

    def find_message(self, channel: str, ts: str) -> Message | None:
        """Return a message that has not been deleted."""
        return next((one for one in self.messages if (one.channel, one.ts, one.deleted) == (channel, ts, False)), None)

    def blame(self, where: str, what: str) -> None:
        """Keep a violation."""
        self.violations.append(Violation(where, what, self.clock()))
