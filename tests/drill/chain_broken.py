"""Parts 2 and 3: a byte of the ledger turns on its disk; the key is lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from tests.drill.place import ALICE, BOB, Place
from tests.drill.telling import Telling

_ROOT = Path(__file__).parents[2]
_TURNED = b"before the loss"
"""Words that stand in a part of the ledger: the reason of an override in part 1."""


def chain_broken(place: Place, tell: Telling) -> None:
    """Flip a byte, look at what says so, keep the damaged ledger, and put back what was exported."""
    tell.part("2. A byte of the ledger turns: ProofChainBroken")
    vkey = place.lumen("proof", "vkey")[1]
    tell.step("the nightly export: lumen proof export")
    code, printed = place.lumen("proof", "export", str(place.backup / "export"))
    tell.expect("the export is made", holds=code == 0, seen=printed.splitlines()[-1])
    tell.step("turn one bit of proof.db on the disk, while proofd runs")
    turned = _turn(place)
    said = place.verify()
    tell.expect(f"proofd says where it broke ({turned} places were turned)", holds=not said["ok"], seen=said)
    chain_ok = place.metric("lumen_proof_chain_ok")
    tell.expect("lumen_proof_chain_ok is 0: ProofChainBroken fires", holds=chain_ok == 0, seen=chain_ok)
    tell.step("meanwhile an alert comes and two people approve")
    key = place.site.post_alert("Asked", job="meanwhile")
    tell.until("it is accepted and asks", lambda: place.state(key), lambda seen: seen == "awaiting_approval")
    for person in (ALICE, BOB):
        place.site.vote(key, person)
    tell.until(
        "the votes count; it waits for the ledger", lambda: place.state(key), lambda seen: seen == "waiting_ledger"
    )
    tell.expect("nothing runs unproven", holds=place.starts("meanwhile") == 0, seen=place.ran())
    tell.step("the runbook: stop proofd, controls/recover_chain.py keeps and judges the damaged file")
    place.end("proofd")
    code, printed = _recover_chain(place, vkey)
    tell.expect("it does not hold, and the copy is kept", holds=code == 1 and "kept" in printed, seen=printed)
    tell.step("put back the export, which reaches to the last signed checkpoint: lumen proof import")
    place.destroy("proof")
    signed = place.checkpoint.read_text().splitlines()[1]
    place.checkpoint.rename(place.apart / "kept.note")
    code, printed = place.lumen("proof", "import", str(place.backup / "export"), "--vkey", vkey)
    tell.expect("the import verifies and takes all of it", holds=code == 0, seen=printed)
    back = place.checkpoint.read_text().splitlines()[1]
    tell.expect(
        "it ends where the checkpoint that was kept apart ended", holds=back == signed, seen=f"{back} of {signed}"
    )
    place.start("proofd")
    tell.until("the chain holds again", lambda: place.metric("lumen_proof_chain_ok"), lambda seen: seen == 1)
    tell.until("what waited acts and ends", lambda: place.outcome(key), lambda seen: seen == "remediated")
    tell.expect("it ran once", holds=place.starts("meanwhile") == 1, seen=place.ran())


def key_lost(place: Place, tell: Telling) -> None:
    """Take the signing key away and put the copy back."""
    tell.part("3. The signing key is lost")
    kept = place.site.folder / "proof.db.key"
    tell.step("stop proofd, delete proof.db.key, start")
    place.end("proofd")
    kept.unlink()
    place.site.proofd.start()
    code = place.site.proofd.wait()
    said = place.site.proofd.log.splitlines()[-1]
    tell.expect("proofd makes no new key for a ledger that was signed, and does not start", holds=code != 0, seen=said)
    tell.step("put the copy of the key back, start")
    shutil.copy2(place.backup / "proof.db.key", kept)
    place.start("proofd")
    tell.until("it goes on", lambda: place.metric("lumen_proof_chain_ok"), lambda seen: seen == 1)


def _turn(place: Place) -> int:
    """Turn one bit of every copy of some words in database and write-ahead log; return how many there were."""
    count = 0
    for path in (place.site.folder / "proof.db", place.site.folder / "proof.db-wal"):
        content = path.read_bytes() if path.exists() else b""
        with path.open("r+b") as file:
            start = content.find(_TURNED)
            while start >= 0:
                file.seek(start)
                file.write(bytes([_TURNED[0] ^ 1]))
                count += 1
                start = content.find(_TURNED, start + 1)
    return count


def _recover_chain(place: Place, vkey: str) -> tuple[int, str]:
    program = str(_ROOT / "controls" / "recover_chain.py")
    ledger = str(place.site.folder / "proof.db")
    argv = [sys.executable, program, "--ledger", ledger, "--vkey", vkey, "--keep", str(place.apart / "evidence")]
    argv += ["--against", str(place.checkpoint)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, (done.stdout + done.stderr).strip()
