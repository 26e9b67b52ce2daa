"""What a start asks of PostgreSQL before it trusts it: the server, the tables, the rights, and that nobody else writes."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from typing import Any

from proof.errors import StartError
from proof.postgres.schema import LAYOUT, SCHEMA, TABLES
from proof.postgres.session import Connection, Timing, fetch
from proof.store import LogIdentity

_log = logging.getLogger(__name__)
_OLDEST = 140000  # the first with idle_session_timeout
_LOCK = (0x4C504631, 1)  # "LPF1"; advisory locks belong to one database
_POLL = 0.1
_MAKE = "make the tables, as the role that is to own them: lumen proof schema | psql DATABASE"
_HOLDER = """
SELECT a.pid, a.application_name, COALESCE(a.client_addr::text, 'this machine')
FROM pg_catalog.pg_locks l JOIN pg_catalog.pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = %s AND l.objid::bigint = %s
  AND l.database = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())
"""
_STANDBYS = """
SELECT current_setting('synchronous_standby_names') = '' AND EXISTS (SELECT FROM pg_catalog.pg_stat_replication)
"""
_EMPTY = """
SELECT NOT EXISTS (SELECT FROM lumen_proof.head) AND NOT EXISTS (SELECT FROM lumen_proof.entry)
   AND NOT EXISTS (SELECT FROM lumen_proof.part) AND NOT EXISTS (SELECT FROM lumen_proof.node)
   AND NOT EXISTS (SELECT FROM lumen_proof.checkpoint)
"""


def check_server(db: Connection) -> None:
    """Refuse a server that cannot keep what it acknowledges, and warn of settings that are risky; raises ``StartError``."""
    version = db.info.server_version
    if version < _OLDEST:
        raise StartError(f"PostgreSQL {version // 10000} is too old for the ledger: 14 or newer is needed")
    if _one(db, "SELECT pg_catalog.pg_is_in_recovery()"):
        raise StartError("this PostgreSQL server is a standby: name the primary in PROOF_DSN")
    if (encoding := _one(db, "SHOW server_encoding")) != "UTF8":
        raise StartError(f"the database has the encoding {encoding}: the ledger needs one with UTF8")
    if _one(db, "SHOW fsync") != "on":
        raise StartError("PostgreSQL runs with fsync = off and loses what it acknowledged when power fails: turn it on")
    if _one(db, "SHOW full_page_writes") != "on":
        _log.warning(
            "PostgreSQL runs with full_page_writes = off: unless its file system writes pages whole, "
            "a power failure can damage the ledger"
        )
    if _one(db, "SHOW synchronous_commit") != "remote_apply":  # which waits for more than "on" does
        db.execute("SET synchronous_commit = on")
    if _one(db, _STANDBYS):
        _log.warning(
            "PostgreSQL has standbys, but synchronous_standby_names is empty: after a fail-over the last entries may be "
            "missing, and the ledger then opens frozen"
        )


def check_tables(db: Connection) -> None:
    """Raise ``StartError`` unless the tables are there, in the layout that this program knows."""
    name = db.info.dbname
    there = _one(db, "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = %s", SCHEMA)
    if not there:
        raise StartError(f"the database {name!a} has no ledger: {_MAKE}")
    if not _one(db, "SELECT pg_catalog.has_schema_privilege(%s, 'USAGE')", SCHEMA):
        raise StartError(f"the role {db.info.user!a} may not use the ledger: lumen proof schema prints the grants")
    if not _one(db, "SELECT pg_catalog.to_regclass(%s) IS NOT NULL", f"{SCHEMA}.layout"):
        raise StartError(f"the schema {SCHEMA} of the database {name!a} is no ledger: {_MAKE}")
    layout = _one(db, "SELECT max(version) FROM lumen_proof.layout")
    if layout != LAYOUT:
        raise StartError(f"the ledger has layout {layout}, this program knows {LAYOUT}: use its program")


def check_rights(db: Connection) -> None:
    """Raise ``StartError`` if the role may do too little; warn if it may do more than proofd has a use for."""
    missing = sorted(right for right, held in _rights(db, needed=True) if not held)
    if missing:
        raise StartError(
            f"the role {db.info.user!a} lacks rights ({', '.join(missing)}): lumen proof schema prints the grants"
        )
    excess = sorted(right for right, held in _rights(db, needed=False) if held)
    if _one(db, "SELECT rolsuper FROM pg_catalog.pg_roles WHERE rolname = current_user"):
        excess = ["it is a superuser"]
    if excess:
        _log.warning(
            "the role %a may change the history of the ledger (%s): let proofd connect as a role that owns nothing and has "
            "the grants that `lumen proof schema` prints, and no others",
            db.info.user,
            ", ".join(excess),
        )


def _rights(db: Connection, *, needed: bool) -> Iterator[tuple[str, bool]]:
    for table in TABLES:
        name = f"{SCHEMA}.{table}"
        for right in ("SELECT", "INSERT") if needed else ("UPDATE", "DELETE", "TRUNCATE", "TRIGGER"):
            # UPDATE of single columns counts too, and head has it for three of them.
            columns = right == "UPDATE" and table != "head"
            check = "has_any_column_privilege" if columns else "has_table_privilege"
            yield f"{right} on {table}", _one(db, f"SELECT pg_catalog.{check}(%s, %s)", name, right)
    for column in ("height", "leaf", "size") if needed else ("id", "origin", "log"):
        check = "SELECT pg_catalog.has_column_privilege(%s, %s, 'UPDATE')"
        yield f"UPDATE of head.{column}", _one(db, check, f"{SCHEMA}.head", column)
    if not needed:
        owner = "SELECT pg_catalog.pg_has_role(nspowner, 'MEMBER') FROM pg_catalog.pg_namespace WHERE nspname = %s"
        yield "it owns the schema", _one(db, owner, SCHEMA)


def take_lock(db: Connection, timing: Timing) -> None:
    """Make this session the one that may write, until it ends; raises ``StartError`` if another one is.

    A session that is about to end gets ``timing.patience`` seconds for it.
    """
    deadline = time.monotonic() + timing.patience
    while not _one(db, "SELECT pg_catalog.pg_try_advisory_lock(%s, %s)", *_LOCK):
        holder = fetch(db, _HOLDER, *_LOCK).fetchone()
        if holder is not None and time.monotonic() > deadline:
            pid, name, address = holder
            raise StartError(
                f"the ledger is open in another proofd ({str(name)[:63]!a} at {address}): stop that one. If it is gone or "
                f"hangs, PostgreSQL ends its session in {timing.lease:g} s, or at once by SELECT pg_terminate_backend({pid})"
            )
        time.sleep(_POLL)


def settle_identity(db: Connection, identity: LogIdentity) -> None:
    """Begin a new ledger where all tables are empty; raises as ``refuse_other_log``."""
    if _one(db, _EMPTY):
        fetch(
            db,
            "INSERT INTO lumen_proof.head (id, origin, log, height, leaf, size) VALUES (1, %s, %s, 0, %s, 0)",
            identity.origin,
            identity.log,
            identity.log,
        )
        _log.info("began a new, empty ledger in the database %a", db.info.dbname)
    refuse_other_log(db, identity)


def refuse_other_log(db: Connection, identity: LogIdentity) -> None:
    """Raise ``StartError`` if there is a ledger, and it is of another log."""
    row = fetch(db, "SELECT origin, log FROM lumen_proof.head WHERE id = 1").fetchone()
    if row is not None and row[1] != identity.log:
        raise StartError(
            f"the ledger in the database {db.info.dbname!a} belongs to another log (origin {row[0]!a}; this start has "
            f"{identity.origin!a}): start with the origin and PROOF_SALT it was made with, or use another database"
        )


def _one(db: Connection, query: str, *values: object) -> Any:
    row = fetch(db, query, *values).fetchone()
    return None if row is None else row[0]
