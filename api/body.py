"""Reading a request's body: bounded in bytes and time, whatever its headers claim, and strict about what JSON is."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

from fastapi import Request
from starlette.requests import ClientDisconnect

from api.errors import PayloadError
from api.problems import Problem

WEBHOOK_BYTES = 16 * 1024 * 1024
OTHER_BYTES = 1024 * 1024
BODY_SECONDS = 30.0


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """Return the whole body of at most ``limit`` bytes, which must arrive within ``seconds``.

    Raises:
        Problem: 413 too large, 408 too slow, 400 the client went away in the middle.

    """
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and (len(declared) > 18 or int(declared) > limit):
        raise _too_large(limit)
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                if len(body) + len(chunk) > limit:
                    raise _too_large(limit)
                body += chunk
    except TimeoutError:
        detail = f"the body did not arrive within {seconds:g} seconds"
        raise Problem(408, detail, {"Connection": "close"}) from None
    except ClientDisconnect:
        raise Problem(400, "the body ended before it was complete") from None
    return bytes(body)


def _too_large(limit: int) -> Problem:
    return Problem(413, f"the body is larger than {limit} bytes, the most that this path takes")


def parse_json(body: bytes) -> Any:
    """Return the JSON value in ``body`` (UTF-8, a byte order mark is allowed).

    Raises:
        PayloadError: not UTF-8, not JSON (``NaN`` and ``Infinity`` are not), or nested too deeply.

    """
    try:
        return json.loads(body.decode("utf-8-sig"), parse_constant=_refuse_constant)
    except PayloadError:
        raise
    except UnicodeDecodeError as error:
        raise PayloadError(f"the body is not UTF-8: byte {error.start}") from None
    except json.JSONDecodeError as error:
        raise PayloadError(f"the body is not JSON: {error.msg} at line {error.lineno} column {error.colno}") from None
    except RecursionError:
        raise PayloadError("the body is nested too deeply") from None
    except ValueError:
        # What is left is a whole number with more digits than Python converts.
        raise PayloadError("the body holds a number with too many digits") from None


def parse_object(body: bytes) -> dict[str, Any]:
    """Return the JSON object in ``body``; raises :class:`PayloadError` as :func:`parse_json`, and for any other value."""
    value = parse_json(body)
    if not isinstance(value, dict):
        raise PayloadError(f"the body must be a JSON object, not {json_type(value)}")
    return value


def json_type(value: object) -> str:
    """Return what JSON calls the type of ``value``."""
    if value is None:
        return "null"
    names = {
        bool: "a boolean",
        int: "a number",
        float: "a number",
        str: "a string",
        list: "an array",
        dict: "an object",
    }
    return names.get(type(value), type(value).__name__)


def _refuse_constant(name: str) -> NoReturn:
    raise PayloadError(f"the body is not JSON: {name} is not a JSON number")
