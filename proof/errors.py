"""Everything the ledger refuses or cannot do. Messages are one line, name the place and the fix, and never quote content."""

from __future__ import annotations

from lumen.errors import LumenError


class ProofError(LumenError):
    """Root of the ledger's errors."""

    reason = "ledger_error"


class MalformedJsonError(ProofError):
    """A request body is not one JSON document in UTF-8 without duplicate keys."""

    reason = "malformed_json"


class ProfileError(ProofError):
    """A value is JSON but cannot stand in the ledger: outside RFC 8785, the entry profile or a limit."""

    reason = "outside_profile"


class NonCanonicalError(ProfileError):
    """The bytes of an entry can be read, but are not the one canonical form of what they say."""


class ReservedError(ProofError):
    """A caller asks for an entry that only the ledger itself writes, or for a key of such entries."""

    reason = "reserved"


class IdemConflictError(ProofError):
    """The idempotency key belongs to an entry with other content; ``seq`` is that entry's number."""

    reason = "idem_conflict"

    def __init__(self, seq: int, message: str) -> None:
        """Keep the number of the entry that holds the key."""
        super().__init__(message)
        self.seq = seq


class BrokenChainError(ProofError):
    """The ledger does not verify; ``seq`` is the first bad entry (None: the damage has no entry) and ``code`` says how.

    Codes: ``missing``, ``seq``, ``leaf``, ``non_canonical``, ``format``, ``log``, ``prev``, ``idem``, ``part``,
    ``bytes``, ``key``, ``erased``, ``node``, ``checkpoint``, ``head``, ``database``.
    """

    reason = "broken_chain"

    def __init__(self, seq: int | None, code: str, message: str) -> None:
        """Keep place and kind of the damage beside the sentence."""
        super().__init__(f"{code}: {message}")
        self.seq = seq
        self.code = code


class UnavailableError(ProofError):
    """The ledger takes nothing now (frozen, stopping, or too much is waiting); a later retry is safe."""

    reason = "unavailable"


class StartError(ProofError):
    """The ledger must not start; the text says why and what to do."""

    reason = "refused_to_start"


class StoppedError(ProofError):
    """The ledger stopped by itself because the store failed; a restart verifies everything again."""

    reason = "store_failed"


class InvalidProofError(ProofError):
    """An inclusion or consistency proof does not show what it should, or asks for what no tree has."""

    reason = "invalid_proof"


class NoteError(ProofError):
    """A signed note, a checkpoint or a key is malformed."""

    reason = "bad_note"


class SignatureError(NoteError):
    """A well-formed note is not signed by a key that is trusted, or the signature is false."""

    reason = "bad_signature"


def told(error: BaseException) -> str:
    """Return what ``error`` says, for everybody: what the system says of a file, without the path."""
    return f"{type(error).__name__}: {error.strerror if isinstance(error, OSError) and error.strerror else error}"
