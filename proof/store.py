"""What the service needs of a ledger store, whichever database is below, and the choice of one by its DSN."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from proof.errors import ProofError, StartError

if TYPE_CHECKING:
    from proof.format.chain import Head, StoredEntry
    from proof.format.merkle import NodeId, TreeHead
    from proof.storing.draft import Draft


@dataclass(frozen=True, slots=True)
class Receipt:
    """The answer to an append: ``leaf`` and ``prev`` in hex, ``height`` right after this entry (``seq + 1``).

    ``duplicate`` is True if the same content was appended before; everything else is then the first receipt.
    """

    seq: int
    leaf: str
    prev: str
    height: int
    duplicate: bool


@dataclass(frozen=True, slots=True)
class Verification:
    """The result of a check; ``height`` is what the ledger states, ``reason`` and ``first_bad_seq`` are None if ok."""

    ok: bool
    height: int
    first_bad_seq: int | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class LogIdentity:
    """Which log a store holds: ``origin`` (its name, see ``proof.run``) and ``log`` (64 hex digits, ``entry.log_id``)."""

    origin: str
    log: str


def utc_now() -> datetime:
    """Return the wall clock, aware and in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Commit:
    """What one transaction added: ``height`` entries are committed now, the new ones are of these ``kinds``."""

    height: int
    kinds: frozenset[str]


@dataclass(frozen=True, slots=True)
class KeptCheckpoint:
    """A published checkpoint as the ledger keeps it: the number of entries it is over, and the bytes of the signed note."""

    size: int
    note: bytes


class LedgerStore(Protocol):
    """A single-writer store. Opening verifies the whole chain and raises ``StartError``; nothing is ever repaired.

    Every method may be called from any thread. ``BrokenChainError`` from a reading method means that what is stored cannot
    be read as what it should be, ``UnavailableError`` that the database does not answer.
    """

    @property
    def log(self) -> str:
        """The log id (64 hex digits)."""

    @property
    def head(self) -> Head:
        """The last committed head."""

    @property
    def key(self) -> str:
        """What the next entry names as the key in force: a key id (``name+8 hex``), or ``none``.

        After opening it is what the last entry leads to (``proof.format.chain.key_after``).
        """

    @property
    def failure(self) -> str | None:
        """Why the store takes no more appends, or None."""

    def use_key(self, key: str) -> None:
        """Name ``key`` in the entries to come. Only while nothing is being appended."""

    def subscribe(self, listener: Callable[[Commit], None]) -> None:
        """Call ``listener`` after each commit, by the thread that writes and before the answers: it must return at once."""

    def append(self, draft: Draft) -> Future[Receipt]:
        """Queue one append; the future ends after the commit.

        Raises ``UnavailableError`` at once when frozen or full; the future raises ``IdemConflictError`` (same idem,
        other content), ``ProfileError`` or ``UnavailableError``.
        """

    def append_now(self, drafts: Sequence[Draft]) -> list[Receipt | ProofError]:
        """Append in the calling thread, which waits for the disk; return the answer to each draft, in order.

        If nobody else is appending, the calling thread commits by itself, and up to a hundred drafts in one transaction.
        Otherwise they wait for their turn as those of ``append`` do. Raises no ``ProofError``: the answers hold them. Not
        for an event loop, nor for a thread that signals interrupt: an exception while it writes is a failed write.
        """

    def seal(self) -> TreeHead:
        """Read back what was committed since the last call, and return the tree over all of it: what may be signed.

        Raises ``BrokenChainError`` if what is stored is not what was written, and ``UnavailableError`` if the database does
        not answer.
        """

    def keep(self, checkpoint: KeptCheckpoint) -> Future[None]:
        """Queue the keeping of a published checkpoint; one that is kept already for its size stays.

        Raises ``UnavailableError`` as ``append`` does. What is kept must be a checkpoint of this ledger.
        """

    def entry(self, seq: int) -> StoredEntry | None:
        """Return the entry with this number, unchecked; None if there is none. Raises ``BrokenChainError``."""

    def entry_by_idem(self, idem: str) -> StoredEntry | None:
        """Return the entry with this idempotency key, unchecked; None if there is none. Raises ``BrokenChainError``."""

    def entries(self, first: int, count: int) -> list[StoredEntry]:
        """Return up to ``count`` entries from number ``first`` on, in order and unchecked. Raises ``BrokenChainError``."""

    def find(self, prefix: str, first: int, count: int) -> list[int]:
        """Return the numbers, ascending from ``first`` on, of up to ``count`` entries whose key begins with ``prefix``."""

    def nodes(self, nodes: Sequence[NodeId]) -> list[bytes]:
        """Return the hashes of nodes of the tree, in the order asked for; level 0 are the leaf hashes.

        Raises ``BrokenChainError`` if one is missing.
        """

    def checkpoints(self, after: int = -1, count: int = 100) -> list[KeptCheckpoint]:
        """Return up to ``count`` kept checkpoints over more than ``after`` entries, smallest first."""

    def verify(self, *, full: bool = True) -> Verification:
        """Check what is stored, reading only: everything, or what came since the last check that held.

        Everything takes 20 to 60 s for a million entries. Raises ``UnavailableError`` if the database does not answer.
        """

    def freeze(self, reason: str) -> None:
        """Take no more appends until the next start; the first reason stays."""

    def close(self) -> None:
        """Finish what is queued, then release the database and the lock. May be called twice."""


def open_store(
    dsn: str,
    identity: LogIdentity,
    on_fatal: Callable[[BaseException], None],
    clock: Callable[[], datetime] = utc_now,
) -> LedgerStore:
    """Open, verify and return the store that ``dsn`` names.

    ``sqlite:////abs/path``, ``sqlite:///rel/path``, or a URI of libpq: ``postgresql://user:password@host:port/database``.
    ``on_fatal`` is called, from a thread of the store and perhaps more than once, when a write or commit failed, or can no
    longer be made: the process must then stop.
    Raises ``StartError`` with one line that says what to do.
    """
    if is_postgresql(dsn):
        try:
            from proof.postgres.store import PostgresStore  # noqa: PLC0415 - only the chosen database is loaded
        except ImportError as error:
            raise StartError(
                f"PROOF_DSN names PostgreSQL, and its driver cannot be loaded ({error.name or 'psycopg'}): "
                "install Lumen with the extra postgres: pip install 'lumen-remediation[postgres]'"
            ) from None
        return PostgresStore.open(dsn, identity, on_fatal, clock)
    from proof.sqlite.store import SqliteStore  # noqa: PLC0415 - only the chosen database is loaded

    return SqliteStore.open(sqlite_path(dsn), identity, on_fatal, clock)


def is_postgresql(dsn: str) -> bool:
    """Tell whether a DSN is one of PostgreSQL."""
    return dsn.startswith(("postgresql://", "postgres://"))


def sqlite_path(dsn: str) -> Path:
    """Return the file that a SQLite DSN names; raises ``StartError`` for any other DSN (which is not quoted: secrets)."""
    prefix = "sqlite:///"
    path = dsn.removeprefix(prefix)
    if not dsn.startswith(prefix) or path in {"", "/", ":memory:"} or "\x00" in path:
        scheme = dsn.partition(":")[0] if dsn.isprintable() else "?"
        raise StartError(
            f"PROOF_DSN with scheme {scheme[:20]!r} cannot be used here: "
            "write sqlite:////absolute/path/proof.db or sqlite:///relative/path/proof.db"
            + ("" if is_postgresql(dsn) else ", or for proofd postgresql://user:password@host:port/database")
        )
    return Path(path)


def place(dsn: str, folder: str | Path) -> Path:
    """Return the path beside which key and last signed checkpoint are by default (``beside``).

    It is the ledger's own file; for one on PostgreSQL, ``postgresql`` in ``folder``. Raises ``StartError`` for other DSNs.
    """
    return Path(folder).absolute() / "postgresql" if is_postgresql(dsn) else sqlite_path(dsn)


def beside(ledger: Path) -> tuple[Path, Path]:
    """Return where the key file and the last signed checkpoint of the ledger in the file ``ledger`` are by default."""
    return ledger.with_name(ledger.name + ".key"), ledger.parent / "checkpoint" / f"{ledger.name}.note"
