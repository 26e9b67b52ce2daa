"""Where checkpoints are held by somebody else: what every such place can do."""

from __future__ import annotations

from typing import Protocol

from proof.errors import ProofError
from proof.signing.notary import Published


class AnchorError(ProofError):
    """A checkpoint did not get to its place; the text says why, without addresses that may hold secrets."""

    reason = "not_anchored"


class ForkError(AnchorError):
    """The place holds another checkpoint over the same entries: there are two ledgers, and this one must not go on."""

    reason = "forked"


class Sink(Protocol):
    """One place. It is called from one thread and may block for some seconds."""

    @property
    def name(self) -> str:
        """What the place is called in metrics and logs: one of few words."""

    def publish(self, checkpoint: Published) -> str:
        """Bring ``checkpoint`` there and return the receipt, one line; the same one again is no error.

        Raises ``AnchorError``; the newest checkpoint is tried again later. ``ForkError`` freezes the ledger.
        """
