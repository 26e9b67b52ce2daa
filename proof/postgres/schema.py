"""The tables of a ledger on PostgreSQL, and what the role of proofd may do with them. Pure: one text of SQL."""

from __future__ import annotations

SCHEMA = "lumen_proof"
LAYOUT = 1
TABLES = ("entry", "part", "node", "checkpoint", "head")
UNIQUE_KEYS = (
    ("entry", "seq"),
    ("entry", "idem"),
    ("part", "seq, name"),
    ("node", "level, place"),
    ("checkpoint", "size"),
    ("head", "id"),
)
"""Tables and the columns that must be unique in them: what the safety of the ledger rests on."""

_SQL = """\
-- The tables of a Lumen ledger, layout {layout}. Run this once, in a database of its own, as the role that is to own them:
--
--   CREATE ROLE {role} LOGIN PASSWORD '...';   -- proofd connects as this role, and must not own anything
--
-- proofd makes nothing and changes nothing here: it reads, adds rows, and moves the one row of head.
BEGIN;
CREATE SCHEMA {schema};
CREATE TABLE {schema}.layout (version integer PRIMARY KEY);
INSERT INTO {schema}.layout VALUES ({layout});
CREATE TABLE {schema}.entry (
  seq  bigint PRIMARY KEY,
  idem text COLLATE "C" NOT NULL UNIQUE,
  leaf bytea NOT NULL,
  body bytea NOT NULL
);
CREATE TABLE {schema}.part (
  seq  bigint NOT NULL,
  name text COLLATE "C" NOT NULL,
  salt bytea,
  data bytea,
  PRIMARY KEY (seq, name)
);
CREATE TABLE {schema}.node (
  level integer NOT NULL,
  place bigint NOT NULL,
  hash  bytea NOT NULL,
  PRIMARY KEY (level, place)
);
CREATE TABLE {schema}.checkpoint (size bigint PRIMARY KEY, note bytea NOT NULL);
CREATE TABLE {schema}.head (
  id     integer PRIMARY KEY CHECK (id = 1),
  origin text NOT NULL,
  log    text NOT NULL,
  height bigint NOT NULL,
  leaf   text NOT NULL,
  size   bigint NOT NULL
) WITH (fillfactor = 10);

-- Against accidents, whoever has them. Whoever owns the tables can take the triggers away: signed checkpoints show what then
-- was changed.
CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'the ledger only grows: % of % is refused', TG_OP, TG_TABLE_NAME; END $$;
CREATE FUNCTION {schema}.only_erase() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN
    IF NEW.seq IS DISTINCT FROM OLD.seq OR NEW.name IS DISTINCT FROM OLD.name
       OR NEW.salt IS NOT NULL OR NEW.data IS NOT NULL THEN
      RAISE EXCEPTION 'a part can only be erased';
    END IF;
    RETURN NEW;
  END $$;
{triggers}
CREATE TRIGGER part_only_erased BEFORE UPDATE ON {schema}.part FOR EACH ROW EXECUTE FUNCTION {schema}.only_erase();

REVOKE ALL ON SCHEMA {schema} FROM PUBLIC;
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT SELECT ON {schema}.layout TO {role};
GRANT SELECT, INSERT ON {tables} TO {role};
GRANT UPDATE (height, leaf, size) ON {schema}.head TO {role};
COMMIT;
"""
_REFUSED = {
    "entry": "UPDATE OR DELETE",
    "part": "DELETE",
    "node": "UPDATE OR DELETE",
    "checkpoint": "UPDATE OR DELETE",
    "head": "DELETE",
}


def schema_sql(role: str) -> str:
    """Return the statements that make the tables and let ``role`` (an existing role) do what proofd does.

    Raises ``ValueError`` for a name that PostgreSQL cannot have.
    """
    if not role or "\x00" in role or "\n" in role or len(role.encode()) > 63:
        raise ValueError("a role has a name of 1 to 63 bytes in one line")
    return _SQL.format(
        schema=SCHEMA,
        layout=LAYOUT,
        role='"' + role.replace('"', '""') + '"',
        tables=", ".join(f"{SCHEMA}.{table}" for table in TABLES),
        triggers="\n".join(map(_triggers, TABLES)),
    )


def _triggers(table: str) -> str:
    name = f"{SCHEMA}.{table}"
    return (
        f"CREATE TRIGGER {table}_stays BEFORE {_REFUSED[table]} ON {name} "
        f"FOR EACH ROW EXECUTE FUNCTION {SCHEMA}.refuse();\n"
        f"CREATE TRIGGER {table}_kept BEFORE TRUNCATE ON {name} FOR EACH STATEMENT EXECUTE FUNCTION {SCHEMA}.refuse();"
    )
