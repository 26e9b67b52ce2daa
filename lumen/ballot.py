"""Votes and overrides as they arrive: JSON that anybody may have typed, and the signature of those that the API sends."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from enum import IntEnum, StrEnum
from typing import Any

from lumen.canonical import canonical_json
from lumen.errors import BallotError

_ACTOR = re.compile(r"[^\s\x00-\x1f\x7f]{1,254}")
_REASON_LIMIT = 2000
_SHORT_LIMIT = 512
_PURPOSE = b"lumen/ballot/v1\n"


class Rank(IntEnum):
    """How well the identity of a voter is known, weakest first."""

    SIGNAL = 0
    TOKEN = 1
    LINK = 2
    SLACK = 3
    OIDC = 4

    @classmethod
    def named(cls, name: str) -> Rank:
        """Return the rank of this name; an unknown name is the weakest."""
        return cls.__members__.get(name.upper(), cls.SIGNAL)


class Decision(StrEnum):
    """What a voter may say."""

    APPROVE = "approve"
    REJECT = "reject"


class OverrideDecision(StrEnum):
    """What an override may say."""

    APPROVE = "approve"
    REJECT = "reject"
    CANCEL = "cancel"
    RETRY = "retry"


@dataclass(frozen=True)
class Ballot:
    """One vote or override.

    Only ``decision``, ``actor`` and ``reason`` need be given (that is what a person types into the Temporal CLI); the
    rest comes from the API and counts only with a valid ``auth``. ``at`` is RFC 3339; ``auth`` is ``kid:hex``.
    """

    decision: str
    actor: str
    reason: str = ""
    id: str = ""
    approval_id: str = ""
    digest: str = ""
    channel: str = "signal"
    rank: str = "signal"
    jti: str = ""
    at: str = ""
    auth: str = ""

    def unauthenticated(self) -> Ballot:
        """Return what is left of this ballot when its ``auth`` proves nothing: a signal of the weakest rank."""
        return replace(self, channel="signal", rank="signal", jti="", at="", auth="")


def read_vote(payload: Any) -> Ballot:
    """Return the vote in ``payload``; raises :class:`BallotError` (``malformed``) naming the field that is wrong."""
    return _read(payload, [str(item) for item in Decision])


def read_override(payload: Any) -> Ballot:
    """Return the override in ``payload``; like :func:`read_vote`, and ``reason`` must not be empty."""
    ballot = _read(payload, [str(item) for item in OverrideDecision])
    if not ballot.reason.strip():
        raise BallotError("malformed", 'an override needs a "reason": say why, it goes into the ledger')
    return ballot


def _read(payload: Any, decisions: list[str]) -> Ballot:
    if not isinstance(payload, Mapping):
        raise BallotError("malformed", 'a vote is a JSON object such as {"decision":"approve","actor":"a@example.com"}')
    fields: dict[str, str] = {}
    for name in Ballot.__dataclass_fields__:
        value = payload.get(name)
        if value is None:
            continue
        if not isinstance(value, str):
            raise BallotError("malformed", f'"{name}" must be a string, not {type(value).__name__}')
        if not _storable(value):
            raise BallotError("malformed", f'"{name}" holds a NUL or half a surrogate pair')
        limit = _REASON_LIMIT if name == "reason" else _SHORT_LIMIT
        if len(value) > limit:
            raise BallotError("malformed", f'"{name}" is longer than {limit} characters')
        fields[name] = value
    if fields.get("decision") not in decisions:
        raise BallotError("malformed", f'"decision" must be one of {", ".join(decisions)}')
    fields["actor"] = read_actor(fields.get("actor"))
    return Ballot(**fields)


def read_actor(value: Any) -> str:
    """Return the person that ``value`` names, in lower case; raises :class:`BallotError` (``malformed``)."""
    if value is None:
        raise BallotError("malformed", '"actor" must say who it is (lumen: --actor), such as a@example.com')
    if not isinstance(value, str) or not _ACTOR.fullmatch(value) or not _storable(value):
        raise BallotError("malformed", '"actor" must name one person, such as a@example.com, without spaces')
    if any(_turns_plain(char) for char in value):
        raise BallotError(
            "malformed", '"actor" holds a letter that only looks like a plain one: write it as a plain one'
        )
    return value.lower()


def _turns_plain(char: str) -> bool:
    """Return whether lower case makes an ASCII letter of ``char`` (the Kelvin sign): it would turn one person into another."""
    return not char.isascii() and any(each.isascii() for each in char.lower())


def _storable(text: str) -> bool:
    return "\x00" not in text and not any(0xD800 <= ord(char) <= 0xDFFF for char in text)


def sign(ballot: Ballot, workflow_id: str, keys: Mapping[str, str]) -> Ballot:
    """Return ``ballot`` with ``auth`` by the first of ``keys`` (kid to secret): HMAC-SHA-256 over all other fields.

    The workflow id is part of what is signed, so that a ballot cannot be carried to another episode.
    """
    kid = next(iter(keys))
    return replace(ballot, auth=f"{kid}:{_mac(ballot, workflow_id, keys[kid])}")


def is_authentic(ballot: Ballot, workflow_id: str, keys: Mapping[str, str]) -> bool:
    """Return whether ``auth`` was made by the holder of one of ``keys`` for this ballot and this workflow."""
    kid, _, given = ballot.auth.partition(":")
    secret = keys.get(kid)
    if secret is None or not given.isascii():
        return False
    return hmac.compare_digest(given, _mac(ballot, workflow_id, secret))


def _mac(ballot: Ballot, workflow_id: str, secret: str) -> str:
    body = asdict(replace(ballot, auth=""))
    message = _PURPOSE + canonical_json({"ballot": body, "workflow": workflow_id})
    return hmac.new(secret.encode(), message, hashlib.sha256).hexdigest()
