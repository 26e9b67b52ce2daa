"""One request to the API of Kubernetes, and what came of it in the few words that decide what happens next."""

from __future__ import annotations

import json
from collections.abc import Awaitable
from typing import TypeVar

import httpx2
from lightkube.core.exceptions import ConfigError

from lumen.display import printable, truncate
from lumen.redaction import Redactor

_T = TypeVar("_T")
_MESSAGE_BYTES = 500
_PLAIN = Redactor(())  # a proxy on the way may say back what it was sent, the token too


class AnswerError(Exception):
    """The request did not do what it should; the text says why. ``code`` is the HTTP status, 0 without an answer."""

    def __init__(self, text: str, code: int = 0) -> None:
        """Keep the text, as it may be shown, and the status."""
        super().__init__(truncate(printable(text), _MESSAGE_BYTES))
        self.code = code


class RefusedError(AnswerError):
    """The API said no; asking again would not help."""


class NotSentError(AnswerError):
    """The request never left: nothing was changed by it."""


class BusyError(AnswerError):
    """The API did not do it and says so: somebody else was faster (409), or there is too much to do (429)."""


class UnclearError(AnswerError):
    """The request may or may not have been carried out."""


async def ask(request: Awaitable[_T]) -> _T:
    """Return the answer to ``request``; raises one of the errors above, and nothing else."""
    try:
        return await request
    except httpx2.HTTPStatusError as error:
        raise _judged(error.response) from None
    except (
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.PoolTimeout,
        httpx2.UnsupportedProtocol,
        httpx2.LocalProtocolError,
        httpx2.InvalidURL,
    ) as error:
        raise NotSentError(f"could not connect: {type(error).__name__}: {error}") from None
    except (ConfigError, FileNotFoundError, PermissionError) as error:
        # A program or file that gives the credentials failed; what it printed is not for the ledger.
        raise NotSentError(f"no credentials: {type(error).__name__}") from None
    except httpx2.HTTPError as error:
        raise UnclearError(f"sent, but not answered: {type(error).__name__}") from None
    # The client library decodes answers, and a proxy on the way may answer anything.
    except Exception as error:  # noqa: BLE001 - see above: whatever it is, the request may have been carried out
        raise UnclearError(f"the answer cannot be read: {type(error).__name__}") from None


def _judged(response: httpx2.Response) -> AnswerError:
    code = response.status_code
    said = f"the API answered {code}: {_message(response)}"
    if code in {409, 429}:
        return BusyError(said, code)
    return UnclearError(said, code) if code >= 500 else RefusedError(said, code)


def _message(response: httpx2.Response) -> str:
    """Return the message of the ``Status`` that the API answers with, or the reason of the status line."""
    try:
        message = json.loads(response.content)["message"]
    except (ValueError, TypeError, KeyError):
        return response.reason_phrase
    return _PLAIN.text(message) if isinstance(message, str) and message else response.reason_phrase
