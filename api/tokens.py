"""Who may do what: bearer tokens from the settings and from the tokens file, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import yaml

from lumen.errors import SettingsError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ACTOR = re.compile(r"[^\s\x00-\x1f\x7f]{1,254}")


class Scope(StrEnum):
    """What a token may be used for. ``webhook`` is sending alerts; it cannot be given in the tokens file."""

    WEBHOOK = "webhook"
    READ = "read"
    VOTE = "vote"
    OVERRIDE = "override"
    COMMAND = "command"


_GRANTABLE = frozenset({Scope.READ, Scope.VOTE, Scope.OVERRIDE, Scope.COMMAND})


@dataclass(frozen=True)
class Caller:
    """Who sent a request. ``actor`` is empty for a token that is not bound to a person."""

    scopes: frozenset[Scope]
    actor: str = ""

    @property
    def bound(self) -> bool:
        """Whether the token belongs to one person."""
        return bool(self.actor)


class TokenBook:
    """Every token that this process accepts, as SHA-256 digests."""

    def __init__(self, callers: dict[bytes, Caller]) -> None:
        """Keep ``callers`` by the raw SHA-256 digest of their token."""
        self._callers = callers

    def become(self, other: TokenBook) -> bool:
        """Accept what ``other`` accepts from now on, and nothing else; return whether that is a change."""
        changed = self._callers != other._callers
        self._callers = other._callers
        return changed

    def caller(self, authorization: str) -> Caller | None:
        """Return who sent this ``Authorization`` header (``Bearer``, or ``Basic`` with any user), or None."""
        token = _token_in(authorization)
        return None if token is None else self._match(hashlib.sha256(token).digest(), _itself)

    def holder(self, token: str) -> Caller | None:
        """Return who holds ``token``, or None if it is none of these."""
        return self._match(_digest(token), _itself)

    def marked(self, mark: str, nonce: str) -> Caller | None:
        """Return whose token :func:`token_mark` made ``mark`` of, or None if it is none of these (any more)."""
        return self._match(mark.encode(), lambda known: _mark(known, nonce).encode())

    def _match(self, given: bytes, shown: Callable[[bytes], bytes]) -> Caller | None:
        found: Caller | None = None
        # No early end: how long this takes must not depend on which token matched.
        for known, caller in self._callers.items():
            if hmac.compare_digest(given, shown(known)):
                found = caller
        return found


def token_mark(token: str, nonce: str) -> str:
    """Return what tells that a person once showed ``token``, and from which nobody can learn or use it."""
    return _mark(_digest(token), nonce)


def _mark(digest: bytes, nonce: str) -> str:
    return hmac.new(digest, b"lumen/mark/v1\n" + nonce.encode(), hashlib.sha256).hexdigest()


def _itself(digest: bytes) -> bytes:
    return digest


def build_token_book(
    webhook_tokens: Sequence[str], api_tokens: Sequence[str], bound: dict[bytes, Caller], *, embedded: bool
) -> TokenBook:
    """Return the book of all configured tokens.

    An unbound API token may only read, unless ``embedded``: then it may do everything and send alerts too. A value that
    serves twice may do both; where it stands in the tokens file (``bound``), the file says what it may do at the API.
    """
    unbound = frozenset(Scope) if embedded else frozenset({Scope.READ})
    callers = {_digest(token): Caller(unbound) for token in api_tokens} | bound
    for token in webhook_tokens:
        digest = _digest(token)
        known = callers.get(digest, Caller(frozenset()))
        callers[digest] = replace(known, scopes=known.scopes | {Scope.WEBHOOK})
    return TokenBook(callers)


def parse_tokens_file(text: str, name: str) -> dict[bytes, Caller]:
    """Return the callers of a tokens file, ``<sha256 hex of the token>: {actor: …, scopes: [read, vote, …]}``.

    Raises:
        SettingsError: one line with ``name``, the line number and what is wrong; an empty file is refused too.

    """
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise SettingsError(f"{name}:{mark.line + 1 if mark else 1}: not YAML") from None
    except (
        ValueError,
        OverflowError,
        IndexError,
        RecursionError,
    ):  # an escape beyond Unicode, a directive beyond reason; nested without end
        raise SettingsError(f"{name}:1: not YAML: look for \\U, %YAML and deep nesting") from None
    if not isinstance(root, yaml.MappingNode) or not root.value:
        raise SettingsError(f"{name}:1: want at least one `sha256-of-token: {{actor: …, scopes: [read]}}`")
    callers: dict[bytes, Caller] = {}
    for key, value in root.value:
        where = f"{name}:{key.start_mark.line + 1}"
        text_of_key = _scalar(key, where).lower()
        if not _SHA256.fullmatch(text_of_key):
            raise SettingsError(
                f"{where}: a token stands here as its SHA-256: 64 hex digits (`printf %s TOKEN | sha256sum`)"
            )
        digest = bytes.fromhex(text_of_key)
        if digest in callers:
            raise SettingsError(f"{where}: this token stands here twice")
        callers[digest] = _caller(value, where)
    return callers


def _caller(node: yaml.Node, where: str) -> Caller:
    if not isinstance(node, yaml.MappingNode):
        raise SettingsError(f"{where}: want {{actor: a@example.com, scopes: [read, vote]}}")
    fields = {_scalar(key, where): value for key, value in node.value}
    if set(fields) != {"actor", "scopes"}:
        raise SettingsError(f"{where}: want exactly the keys actor and scopes")
    actor = _scalar(fields["actor"], where).lower()
    if not _ACTOR.fullmatch(actor):
        raise SettingsError(f"{where}: actor must name one person, such as a@example.com, without spaces")
    scopes_node = fields["scopes"]
    if not isinstance(scopes_node, yaml.SequenceNode) or not scopes_node.value:
        raise SettingsError(f"{where}: scopes must be a list with at least one of {_names(_GRANTABLE)}")
    scopes = frozenset(_scalar(item, where) for item in scopes_node.value)
    if not scopes <= _GRANTABLE:
        raise SettingsError(f"{where}: {_names(scopes - _GRANTABLE)} is not a scope; there are {_names(_GRANTABLE)}")
    return Caller(frozenset(Scope(scope) for scope in scopes), actor)


def _scalar(node: yaml.Node, where: str) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise SettingsError(f"{where}: want plain text here")
    return str(node.value)


def _names(scopes: frozenset[str] | frozenset[Scope]) -> str:
    return ", ".join(sorted(scopes))


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


def _token_in(authorization: str) -> bytes | None:
    scheme, _, rest = authorization.strip().partition(" ")
    credentials = rest.strip()
    if not credentials:
        return None
    if scheme.lower() == "bearer":
        return credentials.encode("latin-1", "replace")
    if scheme.lower() != "basic":
        return None
    try:
        _user, separator, password = base64.b64decode(credentials, validate=True).partition(b":")
    except (binascii.Error, ValueError):
        return None
    return password if separator and password else None
