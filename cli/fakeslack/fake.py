"""The stand-in for Slack as a whole: start it, look into it, act as the people in it, make trouble."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from aiohttp import web

from cli.fakeslack import acting
from cli.fakeslack.answering import Arguments, Refusal
from cli.fakeslack.methods import METHODS, checked_view
from cli.fakeslack.sending import Delivery, Sender
from cli.fakeslack.server import HOST, RESPONSE_URL, WEBHOOK, Doors
from cli.fakeslack.sockets import Sockets
from cli.fakeslack.state import Call, Channel, Ephemeral, Message, State, User, View, Violation
from cli.fakeslack.trouble import ANY, Trouble, known

SCOPES = ("channels:history", "chat:write", "groups:history", "users:read", "users:read.email")
_PAUSE = 0.01


class FakeSlack:
    """A workspace of Slack on 127.0.0.1, for as long as the ``async with`` block lasts.

    It takes what Slack takes and refuses the rest with Slack's own error; :attr:`violations` has everything that no
    correct app does. ``clock`` gives seconds since the epoch; expiry and the time of acknowledgements are read from it.
    """

    def __init__(
        self,
        *,
        bot_token: str = "xoxb-stand-in",  # noqa: S107  # it opens nothing but this stand-in
        app_token: str = "xapp-stand-in",  # noqa: S107  # as above
        signing_secret: str = "stand-in-signing-secret",  # noqa: S107  # as above
        scopes: tuple[str, ...] = SCOPES,
        clock: Callable[[], float] = time.time,
        ack_within: float = 3.0,
        port: int = 0,
    ) -> None:
        """Listen on ``port``, 0 for one that the system chooses; give up on an acknowledgement after ``ack_within`` s."""
        self.bot_token, self.app_token, self.signing_secret = bot_token, app_token, signing_secret
        self.state = State(clock, set(scopes))
        self.sockets = Sockets(self.state)
        self._trouble = Trouble()
        self._doors = Doors(self.state, self.sockets, self._trouble, {bot_token: False, app_token: True})
        self._sender = Sender(self.state, self.sockets, signing_secret, ack_within)
        self._runner: web.AppRunner | None = None
        self._site: web.TCPSite | None = None
        self.port = port
        self._public = ""

    async def __aenter__(self) -> Self:
        """Start to listen."""
        # Not cancelled when a caller hangs up: Slack, too, does what it was asked, and the caller does not know.
        self._runner = web.AppRunner(self._doors.app(), access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await self._listen()
        return self

    async def __aexit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        """End every connection and stop to listen."""
        self.sockets.cut()
        await self._sender.close()
        if self._runner is not None:
            await self._runner.cleanup()

    # Where it is.

    @property
    def origin(self) -> str:
        """Its address, without a path, or that of what stands before it."""
        return self._public or f"http://{HOST}:{self.port}"

    @origin.setter
    def origin(self, origin: str) -> None:
        self._public = origin

    @property
    def api_url(self) -> str:
        """What ``SLACK_API_BASE_URL`` must be."""
        return f"{self.origin}/api"

    @property
    def request_url(self) -> str:
        """Where interactions are posted to; while it is empty they go over the socket."""
        return self._sender.request_url

    @request_url.setter
    def request_url(self, url: str) -> None:
        self._sender.request_url = url

    # Who and what is in it.

    def add_user(self, name: str, email: str = "", *, user_id: str = "", **more: Any) -> User:
        """Add a person and return it; ``more`` as in :class:`User` (``is_bot``, ``deleted``, ``team_id`` ...)."""
        user = User(user_id or f"U{len(self.state.users) + 1:08d}", name, email, **more)
        self.state.users[user.id] = user
        return user

    def add_channel(self, name: str, *, channel_id: str = "", **more: Any) -> Channel:
        """Add a channel and return it; ``more`` as in :class:`Channel` (``private``, ``member``, ``archived``)."""
        channel = Channel(channel_id or f"C{len(self.state.channels) + 1:08d}", name, **more)
        self.state.channels[channel.id] = channel
        return channel

    def add_webhook(self, channel: Channel) -> str:
        """Return the URL of a new incoming webhook that posts to ``channel``."""
        path = f"/services/T0LUMEN/B{len(self._doors.webhooks) + 1:08d}/stand-in-secret"
        self._doors.webhooks[path] = channel.id
        return self.origin + path

    # What it saw.

    @property
    def violations(self) -> list[Violation]:
        """Everything that no correct app does."""
        return self.state.violations

    def calls(self, method: str = "") -> list[Call]:
        """Return all calls, or those of one method, ``webhook`` or ``response_url``, oldest first."""
        return [call for call in self.state.calls if method in {"", call.method}]

    def messages(self, channel: str = "") -> list[Message]:
        """Return the messages that stand in a channel (id or name, "" = in all) outside of threads, oldest first."""
        found = self.state.find_channel(channel) if channel else None
        wanted = found.id if found else channel
        kept = [one for one in self.state.messages if not one.deleted and not one.thread_ts]
        return [one for one in kept if wanted in {"", one.channel}]

    def thread(self, message: Message) -> list[Message]:
        """Return the replies to a message, oldest first."""
        wanted = (message.channel, message.ts, False)
        return [one for one in self.state.messages if (one.channel, one.thread_ts, one.deleted) == wanted]

    def ephemerals(self, user: User | None = None) -> list[Ephemeral]:
        """Return what only ``user`` (None: anybody) was shown, oldest first."""
        return [one for one in self.state.ephemerals if user is None or one.user == user.id]

    def views(self, user: User | None = None) -> list[View]:
        """Return the open modals of ``user`` (None: of anybody), the topmost last."""
        return [one for one in self.state.views.values() if one.open and (user is None or one.user == user.id)]

    @property
    def deliveries(self) -> list[Delivery]:
        """All interactions that were sent to the app."""
        return self._sender.deliveries

    async def until(self, look: Callable[[], Any], seconds: float = 10.0) -> Any:
        """Return the first true thing that ``look`` returns.

        Raises:
            TimeoutError: nothing for ``seconds``; the text has the violations and the last calls.

        """
        deadline = time.monotonic() + seconds
        while not (found := look()):
            if time.monotonic() > deadline:
                last = [(call.method, call.error) for call in self.state.calls[-5:]]
                raise TimeoutError(f"nothing within {seconds:.0f} s; violations {self.violations}; last calls {last}")
            await asyncio.sleep(_PAUSE)
        return found

    # What people do in it.

    async def click(self, user: User, message: Message, action_id: str, *, version: int = -1) -> Delivery:
        """Click a button and return how the app took it. ``version``: of which version of the message (0 = the first).

        Raises:
            NotPossibleError: that version has no such button.

        """
        shown = message.versions[version]
        payload = acting.block_actions(self.state, user, message, shown, action_id, self.origin)
        return await self._sender.send(user.id, payload)

    async def submit(self, view: View, values: Mapping[str, str]) -> Delivery:
        """Send the form of a modal and do what the app answers: close it, show errors or show another view.

        ``values`` maps the block ids of inputs to what is typed.

        Raises:
            NotPossibleError: Slack's own client would not send it.

        """
        user = self.state.users[view.user]
        payload = acting.view_submission(self.state, user, view, values)
        delivery = await self._sender.send(user.id, payload)
        if delivery.ok:
            self._after_submit(view, delivery)
        return delivery

    async def replay(self, delivery: Delivery) -> Delivery:
        """Send the very same bytes, or the same envelope, again."""
        return await self._sender.again(delivery)

    def dismiss(self, view: View) -> None:
        """Close a modal without sending it."""
        view.open = False

    def delete_message(self, message: Message) -> None:
        """Delete a message, as somebody in the channel may."""
        message.deleted = True

    # What can go wrong.

    async def go_down(self, *, refuse: bool = True) -> None:
        """Be unreachable: refuse connections and break those that exist, or answer 503 to everything."""
        if not refuse:
            self._trouble.unavailable = True
        elif self._site is not None:
            await self._site.stop()
            self._site = None
            self.sockets.cut()
            self._doors.break_connections()

    async def come_back(self) -> None:
        """End every trouble."""
        self._trouble.clear()
        if self._site is None:
            await self._listen()

    def slow(self, seconds: float, method: str = ANY) -> None:
        """Answer calls of a method so many seconds late; 0 ends it."""
        self._trouble.delays[self._known(method)] = seconds

    def ratelimit(self, times: int, retry_after: int = 1, method: str = ANY) -> None:
        """Refuse the next ``times`` calls of a method with 429 and ``Retry-After``."""
        self._trouble.limited[self._known(method)] = (times, retry_after)

    def lose_answer_once(self, method: str = ANY) -> None:
        """Do what the next successful call of a method asks and break the connection in place of an answer."""
        self._trouble.lost.add(self._known(method))

    def revoke_scope(self, scope: str) -> None:
        """Take a scope from the app: what needs it answers ``missing_scope``."""
        self.state.scopes.discard(scope)

    def revoke_tokens(self) -> None:
        """Make every token invalid: each call answers ``token_revoked``."""
        self._doors.revoked = True

    async def disconnect(self, reason: str = "refresh_requested") -> None:
        """Send every socket away, as Slack does some times a day; a correct app comes back."""
        await self.sockets.disconnect(reason)

    def _known(self, method: str) -> str:
        return known(method, {*METHODS, WEBHOOK, RESPONSE_URL})

    def _after_submit(self, view: View, delivery: Delivery) -> None:
        answer, view.errors = delivery.answer, {}
        kind = answer.get("response_action", "")
        inputs = {block.get("block_id") for block in view.body["blocks"] if block["type"] == "input"}
        if kind == "errors" and isinstance(answer.get("errors"), dict) and set(answer["errors"]) <= inputs:
            view.errors = {str(name): str(text) for name, text in answer["errors"].items()}
        elif kind in {"update", "push"}:
            try:
                view.body = checked_view(Arguments(answer))
            except Refusal as refusal:
                self._refuse_answer(delivery, refusal.blame)
        elif kind in {"", "clear"}:
            view.open = False
        else:
            self._refuse_answer(delivery, f"an answer to a form that Slack does not know: {answer}")

    def _refuse_answer(self, delivery: Delivery, what: str) -> None:
        delivery.failure = what
        self.state.blame("view_submission", what)

    async def _listen(self) -> None:
        if self._runner is None:
            raise RuntimeError("the stand-in is used outside of its `async with` block")
        self._site = web.TCPSite(self._runner, HOST, self.port)
        await self._site.start()
        self.port = self._doors.own_port = self._runner.addresses[0][1]
