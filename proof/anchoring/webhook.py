"""Anchors over HTTP: the signed note as the body of a POST, to whoever keeps it."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future

import httpx

from proof.anchoring.sink import AnchorError
from proof.signing.notary import Published

_SECONDS = 10.0


class WebhookSink:
    """A ``Sink`` that posts ``text/plain``; every 2xx is a success. The URL may hold a secret and is never shown."""

    name = "webhook"

    def __init__(self, url: str, seconds: float = _SECONDS) -> None:
        """Post to ``url``, and wait ``seconds`` for an answer."""
        self._url = url
        self._seconds = seconds

    def publish(self, checkpoint: Published) -> str:
        """Post the checkpoint; raises ``AnchorError`` for anything but a 2xx in time. Redirects are not followed.

        The time is for all of it, from the name to the last header. The body of the answer is not read: it may be of any
        length, and come without an end.
        """
        try:
            answer = self._in_time(checkpoint.note)
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            ValueError,
            OSError,
        ) as error:  # names and certificates raise the last two, and a TimeoutError is an OSError
            raise AnchorError(f"the webhook does not answer ({type(error).__name__})") from None
        if not answer.is_success:
            raise AnchorError(f"the webhook answered {answer.status_code}")
        return f"HTTP {answer.status_code}"

    def _in_time(self, note: bytes) -> httpx.Response:
        """Post in a thread of its own: the look-up of a name cannot be interrupted, so it is left behind."""
        done: Future[httpx.Response] = Future()

        def run() -> None:
            try:
                done.set_result(asyncio.run(self._post(note)))
            except Exception as error:  # noqa: BLE001 - raised again by who waits for it
                done.set_exception(error)

        threading.Thread(target=run, name="proof-webhook", daemon=True).start()
        return done.result(self._seconds)

    async def _post(self, note: bytes) -> httpx.Response:
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "lumen-proofd"}
        # httpx limits each read, so that a header that comes byte by byte would be waited for without an end.
        async with (
            asyncio.timeout(self._seconds),
            httpx.AsyncClient(timeout=self._seconds, follow_redirects=False) as client,
            client.stream("POST", self._url, content=note, headers=headers) as answer,
        ):
            return answer
