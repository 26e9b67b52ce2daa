"""Text that only a holder of the keys can have made, short enough for a URL: links, sessions, forms.

The form is ``v1.<kid>.<payload>.<mac>``: payload is canonical JSON, both parts are unpadded base64url (RFC 4648, section 5),
and the MAC is HMAC-SHA-256 over a purpose and everything before it, so that no seal can be used for another purpose. What is
sealed can be read by whoever holds it: it is signed, not encrypted.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from lumen.canonical import canonical_json
from lumen.errors import SealError

_VERSION = "v1"
_LONGEST = 4096  # characters; a longer text is nothing that this module made
_SHAPE = re.compile(r"v1\.([A-Za-z0-9_-]{1,32})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})")


def seal(purpose: str, payload: Mapping[str, Any], keys: Mapping[str, str]) -> str:
    """Return ``payload`` (JSON data without floats) sealed with the first of ``keys``, kid to secret."""
    kid = next(iter(keys))
    signed = f"{_VERSION}.{kid}.{_encode(canonical_json(dict(payload)))}"
    return f"{signed}.{_encode(_mac(purpose, signed, keys[kid]))}"


def unseal(purpose: str, sealed: str, keys: Mapping[str, str]) -> dict[str, Any]:
    """Return what :func:`seal` was given for this purpose under any of ``keys``.

    Every character counts: padding, another alphabet and stray bits behind the last character are refused.

    Raises:
        SealError: ``sealed`` was not made with one of the keys for this purpose.

    """
    shape = _SHAPE.fullmatch(sealed) if len(sealed) <= _LONGEST else None
    secret = keys.get(shape[1]) if shape else None
    if shape is None or secret is None:
        raise SealError("this was not made here, or with a key that is not in use any more")
    signed, _, given = sealed.rpartition(".")
    if not hmac.compare_digest(given, _encode(_mac(purpose, signed, secret))):
        raise SealError("this was not made here, or was changed on the way")
    return _payload(shape[2])


def _payload(text: str) -> dict[str, Any]:
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        payload = json.loads(raw)
    except (binascii.Error, ValueError, RecursionError):
        raise SealError("this holds no payload") from None
    if not isinstance(payload, dict):
        raise SealError("this holds no payload")
    return payload


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _mac(purpose: str, signed: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), f"lumen/{purpose}/v1\n{signed}".encode(), hashlib.sha256).digest()
