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
        """Post the checkpoint; raises ``AnchorError`` for anything but a 2xx within 10 s. Redirects are not followed."""
        headers = {"Content-Type": "text/plain; charset=utf-8", "User-Agent": "lumen-proofd"}
        try:
            with httpx.Client(timeout=_SECONDS, follow_redirects=False) as client:
                answer = client.post(self._url, content=checkpoint.note, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise AnchorError(f"the webhook does not answer ({type(error).__name__})") from None
        if not answer.is_success:
            raise AnchorError(f"the webhook answered {answer.status_code}")
        return f"HTTP {answer.status_code}"
