"""Part 4: both databases are lost, and the copies are older than the last signed checkpoint, which was kept apart."""

from __future__ import annotations

from tests.drill.place import ALICE, WHO, Place
from tests.drill.telling import Telling


def all_lost(place: Place, tell: Telling, asked: str) -> None:
    """Destroy both, put both back, see that the ledger is refused, and begin a new one that names the end of the old."""
    tell.part("4. Temporal and the ledger are lost; both copies are older than what was signed")
    signed, root = place.checkpoint.read_text().splitlines()[1:3]
    tell.step("kill all, delete both databases, put both copies back; the checkpoint is on another disk")
    place.end()
    place.destroy("temporal", "proof")
    place.restore("temporal", "proof")
    place.start("temporal")
    said = place.start_frozen_proofd()
    tell.expect(
        f"proofd starts read-only: the copy is shorter than the {signed} entries that were signed",
        holds=f"was signed over {signed}" in said and "an older copy" in said,
        seen=said,
    )
    lost = int(signed) - int(place.metric("lumen_proof_height"))
    tell.expect(
        "the loss is a number: entries since the backup", holds=lost > 0, seen=f"{lost} of {signed} entries are lost"
    )
    answer = place.append_answer()
    tell.expect("it takes nothing", holds=answer.startswith("503"), seen=answer)
    code, printed = place.lumen("proof", "verify")
    tell.expect("lumen proof verify says no", holds=code == 1, seen=printed.splitlines()[-1])
    _go_on(place, tell, asked, f"lumen.local/ledger ended: {signed} entries, root {root}")


def _go_on(place: Place, tell: Telling, asked: str, link: str) -> None:
    tell.step(
        "the newest ledger is gone for good: freeze first, since its claims are gone too; the reason links the old log"
    )
    place.lumen("freeze", "on", *WHO, "--reason", link)
    place.end("proofd")
    place.new_log(2)
    place.start("proofd", "worker", "api")
    tell.until("the new ledger begins with the link to the old one", lambda: _links(place), lambda seen: link in seen)
    late = place.site.post_alert("Auto", job="late")
    tell.until("what is heard again is blocked", lambda: place.state(late), lambda seen: seen == "blocked")
    tell.until("what waited in the backup asks again", lambda: place.voters(asked), lambda seen: seen == [ALICE])
    tell.step("a human looks at both targets: both actions ran before the loss; cancel both, then thaw")
    for key in (late, asked):
        place.lumen("override", key, "cancel", *WHO, "--reason", "it ran before the loss")
    ended = ["cancelled", "cancelled"]
    tell.until("both are cancelled", lambda: [place.outcome(key) for key in (late, asked)], lambda seen: seen == ended)
    place.lumen("freeze", "off", *WHO, "--reason", "looked at every target")
    tell.expect("nothing ran a second time", holds=place.starts("asked") == place.starts("late") == 1, seen=place.ran())
    fresh = place.site.post_alert("Auto", job="fresh")
    tell.until("what is new is remediated and proved", lambda: place.outcome(fresh), lambda seen: seen == "remediated")
    tell.expect("the new ledger holds", holds=bool(place.verify()["ok"]), seen=place.verify())


def _links(place: Place) -> str:
    found = [entry["parts"]["override"] for entry in place.site.entries() if entry["kind"] == "override"]
    return "; ".join(part["reason"] for part in found)
