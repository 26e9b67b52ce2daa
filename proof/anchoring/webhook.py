"""Anchors over HTTP: the signed note as the body of a POST, to whoever keeps it."""

from __future__ import annotations

import httpx

from proof.anchoring.sink import AnchorError
from proof.signing.notary import Published

_SECONDS = 10.0


class WebhookSink:
    """A ``Sink`` that posts ``text/plain``; every 2xx is a success. The URL may hold a secret and is never shown."""

    name = "webhook"

    def __init__(self, url: str) -> None:
        """Post to ``url``."""
        self._url = url

    def publish(self, checkpoint: Published) -> str:
        """Post the checkpoint; raises ``AnchorError`` for anything but a 2xx. Redirects are not followed.

        Each step may take 10 s. The body of the answer is not read: it may be of any length, and come without an end.
        """
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "lumen-proofd"}
        try:
            with (
                httpx.Client(timeout=_SECONDS, follow_redirects=False) as client,
                client.stream("POST", self._url, content=checkpoint.note, headers=headers) as answer,
            ):
                status, success = answer.status_code, answer.is_success
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            ValueError,
            OSError,
        ) as error:  # names and certificates raise the last two
            raise AnchorError(f"the webhook does not answer ({type(error).__name__})") from None
        if not success:
            raise AnchorError(f"the webhook answered {status}")
        return f"HTTP {status}"
