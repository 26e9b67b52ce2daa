"""The page on which the channel of the stand-in is seen and used: server-rendered, on loopback, without a script."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from aiohttp import web
from jinja2 import Environment, FileSystemLoader

from cli.fakeslack import Channel, Delivery, FakeSlack, Message, NotPossibleError, User
from cli.fakeslack.acting import find_button
from lumen.display import printable

_FOLDER = Path(__file__).parent / "templates"
_VIEW_PATIENCE = 0.5
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    # The forms need the Origin header, which `no-referrer` would make `null`.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
_FAILED = "Slack would say here that something went wrong: "


class ChannelPage:
    """Shows ``channel`` to one of ``users`` at a time, and clicks in their names. Everybody on this machine may use it."""

    def __init__(self, slack: FakeSlack, channel: Channel, users: tuple[User, ...]) -> None:
        """The first of ``users`` is who one is at first."""
        self._slack, self._channel = slack, channel
        self._users = {user.name: user for user in users}
        self._form_token = secrets.token_urlsafe(32)
        self._notices: dict[str, str] = {}
        self._host = ""
        environment = Environment(
            loader=FileSystemLoader(_FOLDER), autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        environment.filters.update(plain=_plain, markup=_markup)
        self._template = environment.get_template("channel.html")

    def app(self, host: str) -> web.Application:
        """Return the application to serve at ``host`` (with the port); other names of this machine are refused."""
        self._host = host
        app = web.Application(middlewares=[self._guard])
        app.router.add_get("/", self._home)
        app.router.add_get("/channel.css", self._style)
        app.router.add_post("/click", self._click)
        app.router.add_post("/submit", self._submit)
        app.router.add_post("/dismiss", self._dismiss)
        return app

    @web.middleware
    async def _guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answer to nobody but this page itself: no foreign page, and no name that was made to lead to this machine."""
        if request.host != self._host:
            raise web.HTTPMisdirectedRequest(text=f"this page is at http://{self._host}/\n")
        if request.method == "POST":
            form = await request.post()
            token = str(form.get("form_token", ""))
            foreign = request.headers.get("Origin", f"http://{self._host}") != f"http://{self._host}"
            if foreign or not hmac.compare_digest(token.encode(), self._form_token.encode()):
                raise web.HTTPForbidden(text="this form is not of this page: open the page again\n")
        answer = await handler(request)
        answer.headers.update(_HEADERS)
        return answer

    async def _home(self, request: web.Request) -> web.Response:
        return self._page(self._user(request.query.get("as", "")))

    async def _style(self, _request: web.Request) -> web.Response:
        return web.Response(text=(_FOLDER / "channel.css").read_text("utf-8"), content_type="text/css")

    async def _click(self, request: web.Request) -> web.Response:
        form = await request.post()
        user, action = self._user(str(form.get("as", ""))), str(form.get("action", ""))
        message = self._slack.state.find_message(self._channel.id, str(form.get("ts", "")))
        if message is None:
            return self._back(user, "This message is gone.")
        try:
            element, _ = find_button(message.now, action)
            if "confirm" in element and "sure" not in form:
                return self._page(user, {"ts": message.ts, "action": action, "confirm": element["confirm"]})
            delivery = await self._slack.click(user, message, action)
        except NotPossibleError:
            return self._back(user, "The message has changed meanwhile, and this button is gone.")
        # What a click opens is opened by the app, some moments after it has acknowledged.
        with suppress(TimeoutError):
            await self._slack.until(lambda: self._slack.views(user), _VIEW_PATIENCE)
        return self._back(user, _failure(delivery))

    async def _submit(self, request: web.Request) -> web.Response:
        form = await request.post()
        user = self._user(str(form.get("as", "")))
        view = self._slack.state.views.get(str(form.get("view", "")))
        if view is None or view.user != user.id:
            return self._back(user, "This dialog is gone.")
        values = {name.removeprefix("in-"): str(value) for name, value in form.items() if name.startswith("in-")}
        try:
            delivery = await self._slack.submit(view, values)
        except NotPossibleError as error:
            return self._back(user, str(error))
        return self._back(user, _failure(delivery))

    async def _dismiss(self, request: web.Request) -> web.Response:
        form = await request.post()
        user = self._user(str(form.get("as", "")))
        for view in self._slack.views(user):
            self._slack.dismiss(view)
        return self._back(user)

    def _user(self, name: str) -> User:
        return self._users.get(name) or next(iter(self._users.values()))

    def _back(self, user: User, notice: str = "") -> web.Response:
        self._notices[user.id] = notice
        return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": f"/?{urlencode({'as': user.name})}"})

    def _page(self, user: User, asking: dict[str, Any] | None = None) -> web.Response:
        views, notice = self._slack.views(user), self._notices.pop(user.id, "")
        text = self._template.render(
            channel=self._channel,
            user=user,
            users=tuple(self._users.values()),
            form_token=self._form_token,
            notice=notice,
            asking=asking,
            views=views,
            messages=self._slack.messages(self._channel.id),
            thread=self._thread,
            ephemerals=self._slack.ephemerals(user)[-3:],
            # What is typed or read would be lost.
            refreshes=not (views or asking or notice),
        )
        return web.Response(text=text, content_type="text/html")

    def _thread(self, message: Message) -> list[Message]:
        return self._slack.thread(message)


def _plain(text: object) -> str:
    """Return a text of which every character is shown; lines stay lines."""
    return "\n".join(printable(line) for line in str(text).split("\n"))


def _markup(text: object) -> str:
    """Return a text with Slack's markup: its three escapes are undone, the rest of the markup stays visible as it is."""
    return _plain(str(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def _failure(delivery: Delivery) -> str:
    return _FAILED + delivery.failure if delivery.failure else ""
