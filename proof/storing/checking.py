"""The check of a stored ledger, whichever database holds it: chain, tree, kept checkpoints and stated head. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from proof.errors import BrokenChainError, NoteError
from proof.format.chain import ChainCheck, Head, StoredEntry, checked
from proof.format.checkpoint import parse_checkpoint
from proof.format.entry import NO_KEY
from proof.format.merkle import Frontier, NodeId, frontier_nodes
from proof.format.note import parse_note
from proof.store import KeptCheckpoint


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a check that held has got: the head, the tree up to it, and the key in force after it."""

    head: Head
    frontier: Frontier
    key: str = NO_KEY


@dataclass(frozen=True, slots=True)
class Stored:
    """What a store says of itself, in one snapshot.

    ``entries`` begin where the check goes on. ``node`` returns the stored hash of a node above the leaves, or None if it
    is not there; a store without nodes, as the first version made them, has no ``node``.
    ``roots`` maps a size to the root that a kept checkpoint states for it. ``known`` maps a height to a head (hex) that
    was committed before.
    """

    log: str
    head: Head
    entries: Iterable[StoredEntry]
    node: Callable[[NodeId], bytes | None] | None
    roots: Mapping[int, bytes] = field(default_factory=dict)
    known: Mapping[int, str] = field(default_factory=dict)


def beginning(log: str) -> Progress:
    """Return where the check of a whole ledger begins."""
    return Progress(Head(0, log, 0), Frontier())


def check_stored(stored: Stored, start: Progress) -> Progress:
    """Check ``stored`` from ``start`` to its end and return how far that is.

    Raises ``BrokenChainError`` with the first bad seq, None where the damage has no entry.
    """
    chain = ChainCheck(stored.log, start.head, start.key)
    frontier = start.frontier.copy()
    known = {0: stored.log, **stored.known}
    if known.setdefault(stored.head.height, stored.head.leaf) != stored.head.leaf:
        raise BrokenChainError(stored.head.height - 1, "head", "the stated head is not the one that was committed")
    for entry in checked(chain, stored.entries, known):
        for node, computed in frontier.add(entry.leaf):
            if stored.node is not None and stored.node(node) != computed:
                raise BrokenChainError(
                    entry.seq, "node", f"the node {node.place} of level {node.level} is not that of its entries"
                )
        if frontier.size in stored.roots and frontier.head().root != stored.roots[frontier.size]:
            raise BrokenChainError(entry.seq, "checkpoint", "a checkpoint over the entries up to here has another root")
    _check_end(stored, chain.head)
    chain.check_erasures()
    return Progress(chain.head, frontier, chain.key)


class Counted:
    """Entries on their way to the check: ``checked`` is the number of the one that would come next."""

    def __init__(self, first: int) -> None:
        """Begin at number ``first``."""
        self.checked = first

    def over(self, entries: Iterable[StoredEntry]) -> Iterator[StoredEntry]:
        """Yield ``entries``."""
        for entry in entries:
            self.checked = entry.seq + 1
            yield entry


def check_start(start: Progress, nodes: Callable[[Sequence[NodeId]], list[bytes]]) -> None:
    """See that what is stored still ends, where the check went on, as it did then; ``nodes`` returns stored hashes.

    Raises ``BrokenChainError``.
    """
    size = start.frontier.size
    if size and nodes([NodeId(0, size - 1)])[0].hex() != start.head.leaf:
        raise BrokenChainError(size - 1, "leaf", "the last entry that was checked before is another now")
    if nodes(frontier_nodes(size)) != start.frontier.hashes():
        raise BrokenChainError(None, "node", f"the tree over the first {size} entries is not the one that was checked")


def _check_end(stored: Stored, head: Head) -> None:
    stated = stored.head
    if head.height != stated.height:
        raise BrokenChainError(stated.height, "head", f"the ledger states {stated.height} entries, but holds more")
    if head.size != stated.size:
        raise BrokenChainError(None, "head", "the stated size of the ledger is not that of its entries")
    beyond = max(stored.roots, default=0)
    if beyond > head.height:
        raise BrokenChainError(head.height, "missing", f"a kept checkpoint is over {beyond} entries, these are fewer")


def stated_root(kept: KeptCheckpoint, origin: str) -> bytes:
    """Return the root that a kept checkpoint states; raises ``BrokenChainError`` if it is not one of this ledger."""
    try:
        checkpoint = parse_checkpoint(parse_note(kept.note).text)
    except NoteError as error:
        raise BrokenChainError(None, "checkpoint", f"the kept checkpoint over {kept.size} entries: {error}") from None
    if checkpoint.origin != origin or checkpoint.tree.size != kept.size:
        raise BrokenChainError(None, "checkpoint", f"the kept checkpoint over {kept.size} entries is of something else")
    return checkpoint.tree.root
