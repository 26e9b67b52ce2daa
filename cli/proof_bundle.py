"""``lumen proof bundle``: what the ledger holds about one alert, as one file that verifies by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.failure import CommandError
from cli.options import Json
from cli.output import print_json, say
from cli.remote import ledger
from cli.settings import load_client
from lumen.names import alert_workflow_id
from lumen.records import KIND_DECISION, KIND_RULES

if TYPE_CHECKING:
    from cli.ledger_source import LedgerSource
    from proof.format.chain import StoredEntry


def bundle(
    key: Annotated[str, typer.Argument(metavar="KEY", help="The key of the alert, as `lumen alert list` shows it.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Where to write; default: KEY.bundle.json.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Write one file about one alert: decisions, votes, attempts, results, rules, each with its proof.

    Who has the ledger's vkey can verify it without Lumen: `lumen proof verifier` prints the program.

    \b
    Example: lumen proof bundle alertmanager-0aa043e5d176c819
    """
    from cli.ledger_source import LedgerSource  # noqa: PLC0415  # needs the cryptography package
    from proof.exporting.bundle import ProvenEntry, bundle_bytes  # noqa: PLC0415  # likewise
    from proof.format.merkle import verify_inclusion  # noqa: PLC0415  # likewise

    source = LedgerSource(ledger(load_client()))
    stored = collect(source, key)
    if not stored:
        raise CommandError(f"the ledger has no entries about {key}: `lumen alert list` shows keys")
    head = source.head()
    tree = head.checkpoint.tree
    entries = [ProvenEntry(stored[seq], source.proof(seq, tree.size)) for seq in sorted(stored)]
    for entry in entries:
        verify_inclusion(entry.stored.leaf, entry.stored.seq, tree.size, entry.proof, tree.root)
    content = bundle_bytes(head.checkpoint.origin, head.log, key, head.note, entries)
    path = output or Path(f"{key}.bundle.json")
    _write_new(path, content)
    if as_json:
        print_json({"file": str(path), "entries": sorted(stored), "checkpoint_size": tree.size})
    else:
        say(f"wrote {len(entries)} entries about {key} to {path}")


def collect(source: LedgerSource, key: str) -> dict[int, StoredEntry]:
    """Return every entry that belongs to the alert, by number: see docs/ledger-format.md, Bundle."""
    found = _of_episodes(source, alert_workflow_id(key))
    seqs: set[Any] = set()
    rules: set[Any] = set()
    for content in _contents(found):
        rules.add(content.get("rules_digest"))
        decision = content.get("decision")
        seqs.update((content.get("decision_seq"), decision.get("seq") if isinstance(decision, dict) else None))
    for seq in sorted(seq for seq in seqs if isinstance(seq, int)):
        found.update((stored.seq, stored) for stored in source.entries(seq, seq + 1))
    for digest in sorted(one for one in rules if isinstance(one, str)):
        found.update(_exactly(source, f"{KIND_RULES}/{digest}"))
    for stored in list(found.values()):
        for part in stored.parts:
            if part.data is None:
                found.update(_exactly(source, f"part.erased/{stored.seq}/{part.name}"))
    return found


def _of_episodes(source: LedgerSource, workflow_id: str) -> dict[int, StoredEntry]:
    """Return the entries under the keys of the alert's episodes, and the decisions of their requests for approval."""
    found: dict[int, StoredEntry] = {}
    runs: set[str] = set()
    for entry, stored in source.beginning_with(f"{workflow_id}/"):
        found[stored.seq] = stored
        runs.add(entry.idem.removeprefix(f"{workflow_id}/").partition("/")[0])
    for run in sorted(runs - {"override"}):
        for entry, stored in source.beginning_with(f"{run}."):
            if entry.kind == KIND_DECISION:
                found[stored.seq] = stored
    return found


def _exactly(source: LedgerSource, idem: str) -> dict[int, StoredEntry]:
    return {stored.seq: stored for entry, stored in source.beginning_with(idem) if entry.idem == idem}


def _contents(entries: dict[int, StoredEntry]) -> Iterator[dict[str, Any]]:
    """Yield the parts that are objects."""
    for stored in entries.values():
        for part in stored.parts:
            content = json.loads(part.data) if part.data is not None else None
            if isinstance(content, dict):
                yield content


def _write_new(path: Path, content: bytes) -> None:
    try:
        file = path.open("xb")
    except FileExistsError:
        raise CommandError(f"{path} is there already: name another file with --output") from None
    except OSError as error:
        raise CommandError(f"cannot write {path}: {error.strerror}: name another file with --output") from None
    try:
        with file:
            path.chmod(0o600)  # it names people
            file.write(content)
    except OSError as error:
        path.unlink(missing_ok=True)
        raise CommandError(f"cannot write {path}: {error.strerror}: name another file with --output") from None
