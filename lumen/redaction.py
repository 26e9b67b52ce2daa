"""Taking secrets out of text before it reaches a log."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

from lumen.settings import Settings

MASK = "[redacted]"

_SHORTEST = 6
"""Shorter values are left alone: masking them would tear holes into ordinary words and protect nothing."""

_PATTERNS = (
    (re.compile(r"(://)[^/\s@\"']+@"), rf"\g<1>{MASK}@"),
    (re.compile(r"([?&](?:token|api_key|password)=)[^&\s\"']+", re.IGNORECASE), rf"\g<1>{MASK}"),
    (re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{6,}", re.IGNORECASE), rf"\g<1> {MASK}"),
)


class Redactor:
    """Replaces every secret it was told of, in the forms it travels in, and credentials in URLs and headers."""

    def __init__(self, secrets: Iterable[str]) -> None:
        """Take the secrets; longer ones are replaced first, since one may contain another."""
        forms = {form for secret in secrets for form in _forms(secret)}
        ordered = sorted((form for form in forms if len(form) >= _SHORTEST), key=len, reverse=True)
        self._known = re.compile("|".join(re.escape(form) for form in ordered)) if ordered else None

    def text(self, text: str) -> str:
        """Return ``text`` without secrets."""
        if self._known is not None:
            text = self._known.sub(MASK, text)
        for pattern, replacement in _PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def value(self, value: Any) -> Any:
        """Return ``value`` as JSON can hold it, without secrets in any of its strings; anything else as its text."""
        if isinstance(value, bool | int | float) or value is None:
            return value
        if isinstance(value, dict):
            return {self.text(str(key)): self.value(item) for key, item in value.items()}
        if isinstance(value, list | tuple | set | frozenset):
            return [self.value(item) for item in value]
        return self.text(str(value))


def secrets_of(settings: Settings) -> list[str]:
    """Return every secret that the settings hold: tokens, keys, the salt, and what is secret inside URLs."""
    found = [
        *settings.webhook_tokens,
        *settings.api_tokens,
        *settings.proofd_tokens,
        *settings.bridge_keys.values(),
        settings.control_bus_token,
        settings.proof_salt,
        settings.slack_bot_token,
        *settings.slack_signing_secrets,
        settings.slack_app_token,
        settings.forward_auth_secret,
        *(value for name, value in settings.temporal_env.items() if name.endswith(("_API_KEY", "_DATA"))),
    ]
    urls = (
        settings.notify_webhook_url,
        settings.control_bus_url,
        settings.prometheus_url,
        settings.alertmanager_url,
        settings.proofd_url,
        settings.proof_dsn,
        settings.proof_anchor_url,
    )
    for url in urls:
        found += _secrets_in_url(url)
    # The address of an incoming webhook is its own credential.
    addressed = (settings.notify_webhook_url, settings.proof_anchor_url, settings.slack_webhook)
    found += [urlsplit(url).path.strip("/") for url in addressed]
    return [secret for secret in found if secret]


def _secrets_in_url(url: str) -> list[str]:
    try:
        parts = urlsplit(url)
    except ValueError:  # a bracket that is not encoded: whoever uses the URL refuses it
        return []
    named = parse_qs(parts.query)
    return [unquote(parts.password or ""), *named.get("password", []), *named.get("sslpassword", [])]


def _forms(secret: str) -> set[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    return {secret, quote(secret, safe=""), encoded.rstrip("=")}
