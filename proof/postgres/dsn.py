"""The DSN of a ledger on PostgreSQL: what libpq makes of it, and texts about it that show no password."""

from __future__ import annotations

import re
from collections.abc import Mapping

import psycopg
from psycopg.conninfo import conninfo_to_dict

from proof.errors import StartError

_SECRET = ("password", "sslpassword")
_PORTS = re.compile(r"[0-9,]*")
_UNREADABLE = (
    "PROOF_DSN cannot be read: write postgresql://user:password@host:5432/database, with special characters of the password "
    "percent-encoded (@ is %40, / is %2F)"
)
_DEFAULTS: Mapping[str, str] = {
    # A host that is gone or cut off is noticed within half a minute, not after hours.
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "30000",
    # Where the DSN names several hosts, the one that can be written to.
    "target_session_attrs": "read-write",
}


class Dsn:
    """Connection parameters of libpq. What the DSN leaves out comes from libpq's own environment and ``~/.pgpass``."""

    def __init__(self, text: str) -> None:
        """Read ``text``; raises ``StartError``, which does not quote it, for what libpq would not take as it was meant."""
        try:
            given = {name: str(value) for name, value in conninfo_to_dict(text).items() if value is not None}
        except (
            psycopg.ProgrammingError,
            UnicodeEncodeError,
        ):  # what it says quotes the place, which may be the password
            raise StartError(_UNREADABLE) from None
        # An @ or / of a password that is not encoded ends it early, and libpq takes the rest for host, port or database.
        if "@" in given.get("host", "") + given.get("dbname", "") or not _PORTS.fullmatch(given.get("port", "")):
            raise StartError(_UNREADABLE)
        self._given = given
        secrets = [given[name] for name in _SECRET if given.get(name)]
        self._secrets = (
            re.compile("|".join(map(re.escape, sorted(secrets, key=len, reverse=True)))) if secrets else None
        )

    def parameters(self, **more: str) -> dict[str, str]:
        """Return all parameters for a connection, secrets among them."""
        return {**_DEFAULTS, **self._given, "client_encoding": "UTF8", **more}

    def told(self, error: BaseException) -> str:
        """Return what ``error`` says in one line without the password."""
        text = str(error) if self._secrets is None else self._secrets.sub("[redacted]", str(error))
        return "; ".join(line.strip() for line in text.splitlines() if line.strip()) or type(error).__name__

    def __repr__(self) -> str:
        """Name it without its secrets."""
        return f"Dsn({', '.join(sorted(self._given))})"
