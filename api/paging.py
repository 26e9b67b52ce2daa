"""Page tokens: Temporal's own, signed, so that only what this API gave out goes back to Temporal.

Temporal answers a token that it cannot read with an internal error after seconds of retries.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping

from api.errors import ParameterError

_PURPOSE = b"lumen/page/v1\n"
_MAC_BYTES = 16


def seal(token: bytes, keys: Mapping[str, str]) -> str | None:
    """Return ``token`` for a URL, signed with the first of ``keys``; None for an empty one (there is no next page)."""
    if not token:
        return None
    mac = _mac(token, next(iter(keys.values())))
    return base64.urlsafe_b64encode(mac + token).rstrip(b"=").decode()


def unseal(sealed: str, keys: Mapping[str, str]) -> bytes:
    """Return what :func:`seal` was given; raises :class:`ParameterError` for anything else. Empty stays empty."""
    if not sealed:
        return b""
    try:
        raw = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    mac, token = raw[:_MAC_BYTES], raw[_MAC_BYTES:]
    if not token or not any(hmac.compare_digest(mac, _mac(token, secret)) for secret in keys.values()):
        raise ParameterError('"after" is not a token that this API gave out: take it from "next" of the page before')
    return token


def _mac(token: bytes, secret: str) -> bytes:
    return hmac.new(secret.encode(), _PURPOSE + token, hashlib.sha256).digest()[:_MAC_BYTES]
