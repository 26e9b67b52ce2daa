"""Everything that runs behind proofd, opened in the only safe order: verify, compare, and only then sign and append."""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import CollectorRegistry

from proof.anchoring.directory import DirectorySink
from proof.anchoring.publisher import Publisher
from proof.anchoring.sink import Sink
from proof.anchoring.webhook import WebhookSink
from proof.errors import BrokenChainError, InvalidProofError, StartError
from proof.signing.continuity import checked_note, missing_objection, objection, was_signed
from proof.signing.kept import KeptCheck
from proof.signing.keyfile import KeyRing, create_keys, read_keys
from proof.signing.last_signed import LastSigned
from proof.signing.notary import Notary, Published, head_leaf
from proof.signing.rotation import bring_into_force
from proof.store import KeptCheckpoint, LedgerStore, LogIdentity, open_store
from proof.verifying import INTERVAL_SECONDS, Verifier

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Places:
    """Where the things beside the ledger are.

    ``makes_key``: a key file that is not there may be made, if the ledger was never signed. ``anchor_folder`` and
    ``anchor_url``: where checkpoints are published besides, if anywhere.
    """

    key_file: Path
    checkpoint_file: Path
    makes_key: bool = False
    anchor_folder: Path | None = None
    anchor_url: str = field(default="", repr=False)
    verify_seconds: float = INTERVAL_SECONDS


@dataclass(frozen=True, slots=True)
class Ledger:
    """An open ledger with all that watches over it; ``close`` ends it."""

    origin: str
    store: LedgerStore
    notary: Notary
    verifier: Verifier
    publisher: Publisher

    def close(self) -> None:
        """Publish and sign what was committed, then close the store."""
        self.verifier.close()
        self.publisher.close()
        self.notary.close()
        self.store.close()


def open_ledger(
    dsn: str,
    identity: LogIdentity,
    places: Places,
    registry: CollectorRegistry,
    on_fatal: Callable[[BaseException], None],
) -> Ledger:
    """Open, verify and begin to sign the ledger that ``dsn`` names.

    A ledger that does not go on from what was signed before is opened all the same, but frozen: it can be read, and says
    why it takes nothing. Raises ``StartError`` for what cannot be read or is set wrongly. ``on_fatal`` may be called more
    than once, from any thread: the process must then stop.
    """
    with contextlib.ExitStack() as undo:
        sinks, folder = _sinks(places)
        store = open_store(dsn, identity, on_fatal)
        undo.callback(store.close)
        last = LastSigned.open(places.checkpoint_file)
        undo.callback(last.release)
        raw = last.load()
        try:
            ring = _keys(store, places, identity.origin, signed=raw is not None)
            known, problem = _problem(store, identity.origin, ring, raw, folder)
            published = _published(store, identity.origin, ring, raw)
            notary = Notary(store, identity.origin, ring, last, published, on_fatal)
            undo.callback(notary.close)
            publisher = Publisher(store, notary, sinks, registry, known)
            undo.callback(publisher.close)
            if problem is None:
                bring_into_force(store, ring, f"the key file {places.key_file}")
                first = notary.start()
                store.keep(KeptCheckpoint(first.tree.size, first.note)).result(60)
                publisher.start()
            else:
                # The reason is told to everybody who asks, so the paths stand here alone.
                _log.error("last signed checkpoint: %s, anchors: %s", last.path, places.anchor_folder or "none here")
                store.freeze(problem)
        except (BrokenChainError, InvalidProofError) as error:
            raise StartError(f"the ledger does not verify: {error}. Nothing was signed") from None
        except OSError as error:
            raise StartError(f"the signed checkpoint cannot be kept in {last.path}: {error.strerror}") from None
        verifier = Verifier(store, places.verify_seconds, kept=KeptCheck(store, identity.origin, ring.verifiers))
        verifier.start()
        undo.pop_all()
        return Ledger(identity.origin, store, notary, verifier, publisher)


def _sinks(places: Places) -> tuple[list[Sink], DirectorySink | None]:
    sinks: list[Sink] = []
    folder = None
    if places.anchor_folder is not None:
        folder = DirectorySink(places.anchor_folder)
        sinks.append(folder)
    if places.anchor_url:
        sinks.append(WebhookSink(places.anchor_url))
    return sinks, folder


def _keys(store: LedgerStore, places: Places, origin: str, *, signed: bool) -> KeyRing:
    path = places.key_file
    if not path.exists() and places.makes_key and not signed and not was_signed(store):
        return create_keys(path, origin)
    return read_keys(path, origin)


def _published(store: LedgerStore, origin: str, ring: KeyRing, raw: bytes | None) -> Published | None:
    """Return what was signed last, also if this ledger does not go on from there, so that it can be shown."""
    signed = checked_note(raw, origin, ring.verifiers)
    if signed is None or raw is None:
        return None
    return Published(raw, signed.tree, head_leaf(store, signed.tree.size), time.time())


def _problem(
    store: LedgerStore, origin: str, ring: KeyRing, raw: bytes | None, folder: DirectorySink | None
) -> tuple[dict[str, int], str | None]:
    """Return which size each sink has, and why nothing may be added, or None."""
    known: dict[str, int] = {}
    if raw is None:
        problem = missing_objection(store)
    else:
        problem = objection(store, origin, raw, "the last signed checkpoint", ring.verifiers)
    newest = None if folder is None else folder.newest()
    if problem is None and folder is not None and newest is not None:
        where = f"the newest anchor {newest.path.name}"
        flaw = newest.flaw
        problem = f"{where}: {flaw}" if flaw else objection(store, origin, newest.note, where, None)
        known[folder.name] = newest.size if problem is None else -1
    return known, problem
