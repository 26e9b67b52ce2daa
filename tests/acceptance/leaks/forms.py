"""The forms in which a secret may stand somewhere, and where they stand in a text."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus


def forms_of(secret: str) -> dict[str, bytes]:
    """Return the texts by which a secret would be recognised: plain, percent-encoded, in JSON, hex, base64 at any offset."""
    raw = secret.encode()
    found = {
        "plain": raw,
        "percent-encoded": quote(secret, safe="").encode(),
        "form-encoded": quote_plus(secret).encode(),
        "json": json.dumps(secret)[1:-1].encode(),
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
    }
    for offset in range(3):
        # What the characters at both ends say depends on their neighbours; those between are the secret's alone.
        inner = base64.b64encode(b"\0" * offset + raw)[(0, 2, 3)[offset] : ((offset + len(raw)) // 3) * 4]
        found[f"base64 at {offset}"] = inner
        found[f"base64url at {offset}"] = inner.translate(bytes.maketrans(b"+/", b"-_"))
    return found


def leaks(secrets: dict[str, str], places: dict[str, bytes]) -> list[str]:
    """Return one line for each secret that stands in a place, in whichever form; never the secret itself."""
    return [
        f"{name} stands {form} in {place}"
        for name, secret in secrets.items()
        for form, text in forms_of(secret).items()
        for place, content in places.items()
        if text in content
    ]
