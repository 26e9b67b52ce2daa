"""Slack's doors: the Web API, webhooks, response URLs and the socket, on one loopback port."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from cli.fakeslack import hooks
from cli.fakeslack.answering import Arguments, Refusal
from cli.fakeslack.methods import CONNECT, METHODS, Method
from cli.fakeslack.sockets import Sockets
from cli.fakeslack.state import Call, State
from cli.fakeslack.trouble import Trouble

HOST = "127.0.0.1"
WEBHOOK, RESPONSE_URL = "webhook", "response_url"
_LARGEST_BODY = 1024 * 1024
_Work = Callable[[], tuple[int, dict[str, Any] | str]]


class Doors:
    """The HTTP side of the stand-in; what it does stands in the modules of the methods and hooks."""

    def __init__(self, state: State, sockets: Sockets, trouble: Trouble, tokens: Mapping[str, bool]) -> None:
        """``tokens`` maps each valid token to whether it is one of the app (True) or of the bot."""
        self._state, self._sockets, self._trouble, self._tokens = state, sockets, trouble, dict(tokens)
        self.webhooks: dict[str, str] = {}
        self.revoked = False
        self.own_port = 0
        self._transports: set[asyncio.Transport] = set()

    def app(self) -> web.Application:
        """Return the application to serve."""
        app = web.Application(client_max_size=_LARGEST_BODY)
        app.router.add_route("*", "/api/{method}", self._method)
        app.router.add_post("/services/{path:.+}", self._webhook)
        app.router.add_post("/actions/{name}", self._response)
        app.router.add_get("/link", self._sockets.serve)
        app.router.add_route("*", "/{path:.*}", self._elsewhere)
        return app

    def break_connections(self) -> None:
        """Break every connection on which anything was asked."""
        for transport in self._transports:
            transport.abort()
        self._transports.clear()

    async def _method(self, request: web.Request) -> web.StreamResponse:
        name = request.match_info["method"]
        try:
            arguments = Arguments(await _read(request))
        except Refusal as refusal:
            self._state.blame(name, refusal.blame)
            return web.json_response({"ok": False, "error": refusal.error})
        return await self._answer(request, name, arguments, lambda: self._call(name, request, arguments))

    def _call(self, name: str, request: web.Request, arguments: Arguments) -> tuple[int, dict[str, Any]]:
        method = METHODS.get(name)
        if method is None:
            raise Refusal("unknown_method", "a method that this stand-in does not know")
        self._authorise(method, _token(request, arguments))
        found = method.run(self._state, arguments)
        if name == CONNECT:
            found = {"url": f"ws://{HOST}:{self.own_port}/link?ticket={self._sockets.ticket()}"}
        return HTTPStatus.OK, {"ok": True, **found}

    def _authorise(self, method: Method, token: str) -> None:
        if not token:
            raise Refusal("not_authed", "a call without a token")
        of_app = next((kind for known, kind in self._tokens.items() if hmac.compare_digest(known, token)), None)
        if of_app is None:
            raise Refusal("invalid_auth")
        if self.revoked:
            raise Refusal("token_revoked")
        if of_app != method.app_token:
            raise Refusal("not_allowed_token_type", "the token of the app in the place of the bot's, or the reverse")
        if method.scope and method.scope not in self._state.scopes:
            provided = ",".join(sorted(self._state.scopes))
            raise Refusal("missing_scope", needed=method.scope, provided=provided)

    async def _webhook(self, request: web.Request) -> web.StreamResponse:
        arguments = await self._hooked(request, WEBHOOK)

        def work() -> tuple[int, str]:
            channel = self.webhooks.get(request.path)
            if channel is None:
                return HTTPStatus.NOT_FOUND, "no_service"
            hooks.incoming(self._state, channel, arguments)
            return HTTPStatus.OK, "ok"

        return await self._answer(request, WEBHOOK, arguments, work)

    async def _response(self, request: web.Request) -> web.StreamResponse:
        arguments = await self._hooked(request, RESPONSE_URL)

        def work() -> tuple[int, str]:
            hooks.respond(self._state, request.match_info["name"], arguments)
            return HTTPStatus.OK, "ok"

        return await self._answer(request, RESPONSE_URL, arguments, work)

    async def _hooked(self, request: web.Request, where: str) -> Arguments:
        try:
            values = await _read(request)
            inside = json.loads(values["payload"]) if isinstance(values.get("payload"), str) else values
            if isinstance(inside, dict):
                return Arguments(inside)
        except (Refusal, ValueError):
            pass
        self._state.blame(where, "the body is no JSON object")
        raise web.HTTPBadRequest(text="invalid_payload")

    async def _answer(self, request: web.Request, name: str, arguments: Arguments, work: _Work) -> web.StreamResponse:
        """Do the work of one call under all troubles that are on, and keep what came of it."""
        self._remember(request)
        if seconds := self._trouble.delay(name):
            await asyncio.sleep(seconds)
        if self._trouble.unavailable:
            self._keep(name, arguments, HTTPStatus.SERVICE_UNAVAILABLE, "unavailable")
            return web.Response(status=HTTPStatus.SERVICE_UNAVAILABLE, text="<html>Slack is down</html>")
        if seconds := self._trouble.retry_after(name):
            self._keep(name, arguments, HTTPStatus.TOO_MANY_REQUESTS, "ratelimited")
            headers, limited = {"Retry-After": str(seconds)}, {"ok": False, "error": "ratelimited"}
            return web.json_response(limited, status=HTTPStatus.TOO_MANY_REQUESTS, headers=headers)
        error = ""
        try:
            status, body = work()
        except Refusal as refusal:
            error = refusal.error
            if refusal.blame:
                self._state.blame(name, f"{error}: {refusal.blame}")
            status, body = _refused(name, refusal)
        lost = not error and self._trouble.loses_answer(name)
        self._keep(name, arguments, status, error, answered=not lost)
        if lost and request.transport is not None:
            request.transport.abort()
        return web.Response(status=status, text=body) if isinstance(body, str) else web.json_response(body)

    def _remember(self, request: web.Request) -> None:
        self._transports = {one for one in self._transports if not one.is_closing()}
        if request.transport is not None:
            self._transports.add(request.transport)

    def _keep(self, name: str, arguments: Arguments, status: int, error: str, *, answered: bool = True) -> None:
        kept = {key: value for key, value in arguments.values.items() if key != "token"}
        self._state.calls.append(Call(name, kept, int(status), error, self._state.clock(), answered))

    async def _elsewhere(self, request: web.Request) -> web.StreamResponse:
        hint = " (does the address of the API end with a slash?)" if request.path.strip("/") in METHODS else ""
        self._state.blame(request.path, f"{request.method} to a path that Slack does not have{hint}")
        return web.Response(status=HTTPStatus.NOT_FOUND, text="not here")


def _refused(name: str, refusal: Refusal) -> tuple[int, dict[str, Any] | str]:
    if name not in {WEBHOOK, RESPONSE_URL}:
        return HTTPStatus.OK, {"ok": False, "error": refusal.error, **refusal.more}
    gone = {"channel_not_found", "used_url", "expired_url", "invalid_url"}
    archived = refusal.error == "channel_is_archived"
    status = HTTPStatus.NOT_FOUND if refusal.error in gone else HTTPStatus.GONE if archived else HTTPStatus.BAD_REQUEST
    return status, refusal.error


def _token(request: web.Request, arguments: Arguments) -> str:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else arguments.text("token")


async def _read(request: web.Request) -> dict[str, Any]:
    """Return what a client sent: the query of a GET, a JSON object or a form."""
    if request.method != "POST":
        return dict(request.query)
    if request.content_type == "application/json":
        try:
            value = json.loads(await request.read())
        except ValueError:
            raise Refusal("invalid_json", "the body is no JSON") from None
        if not isinstance(value, dict):
            raise Refusal("json_not_object", "the body is no JSON object")
        return value
    if request.content_type == "application/octet-stream" and not request.can_read_body:
        return dict(request.query)
    if request.content_type not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        raise Refusal("invalid_post_type", f"a body of the type {request.content_type}")
    return {**request.query, **await request.post()}
