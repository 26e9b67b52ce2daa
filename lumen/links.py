"""Links that let one person decide one request for approval: what they are bound to, and for how long they count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from lumen.errors import BallotError, SealError
from lumen.sealing import seal, unseal

_PURPOSE = "link"
_FIELDS: dict[str, type] = {"k": str, "a": str, "d": str, "p": str, "x": int, "j": str}
ANONYMOUS = "anonymous"
"""The actor of every vote by a link that names nobody: all of them together are one voter."""


@dataclass(frozen=True)
class Link:
    """What a link is bound to. ``key`` is the episode's, ``expires`` in seconds since the epoch.

    ``actor`` is empty in a link for whoever holds it. ``jti`` is what makes its use countable: one link, one vote.
    """

    key: str
    approval_id: str
    digest: str
    actor: str
    expires: int
    jti: str


def link_token(link: Link, keys: Mapping[str, str]) -> str:
    """Return ``link`` as a token, signed with the first of ``keys``."""
    values = (link.key, link.approval_id, link.digest, link.actor, link.expires, link.jti)
    return seal(_PURPOSE, dict(zip(_FIELDS, values, strict=True)), keys)


def link_url(base_url: str, token: str) -> str:
    """Return the address of the decision page for ``token``."""
    return f"{base_url.rstrip('/')}/decision?{urlencode({'token': token})}"


def read_link(token: str, keys: Mapping[str, str]) -> Link:
    """Return the link in ``token``, expired or not: see :func:`check_fresh`; raises :class:`BallotError` ``forged``."""
    try:
        found = unseal(_PURPOSE, token, keys)
    except SealError:
        raise BallotError("forged", "this link is not valid: open the newest one that you were sent, whole") from None
    values = [found.get(name) for name in _FIELDS]
    if set(found) != set(_FIELDS) or not all(map(_is, values, _FIELDS.values())):
        raise BallotError("forged", "this link is of another version of Lumen: ask for a new one")
    return Link(*values)  # type: ignore[arg-type]  # the types were compared just now


def check_fresh(link: Link, now: float) -> None:
    """Raise :class:`BallotError` ``expired`` when ``link`` has expired at ``now``, seconds since the epoch."""
    if now >= link.expires:
        raise BallotError("expired", "this link has expired: a newer one is in the last reminder, or ask for one")


def _is(value: Any, kind: type) -> bool:
    return type(value) is kind
