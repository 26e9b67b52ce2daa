"""Part 1: Temporal's database is lost and an older copy of it put back; the ledger is the newest."""

from __future__ import annotations

from tests.drill.place import ALICE, BOB, WHO, Place
from tests.drill.telling import Telling


def work_and_back_up(place: Place, tell: Telling) -> tuple[str, str]:
    """Return the keys of an episode that waits with one of two votes in the backup, and of one that began after it."""
    site = place.site
    tell.step("before the backup: one episode has acted, one waits with one of two votes")
    site.until_outcome(site.post_alert("Auto", job="early"))
    asked = site.post_alert("Asked", job="asked")
    site.until_state(asked, "awaiting_approval")
    site.vote(asked, ALICE)
    tell.step("back up while everything runs: Temporal first, then the ledger")
    place.back_up()
    tell.step("after the backup: the second vote comes and the action runs; a new alert is acted on by itself")
    site.vote(asked, BOB)
    site.until_outcome(asked)
    late = site.post_alert("Auto", job="late")
    site.until_outcome(late)
    tell.expect("each action has run once", holds=place.starts("asked") == place.starts("late") == 1, seen=place.ran())
    return asked, late


def temporal_lost(place: Place, tell: Telling, asked: str, late: str) -> None:
    """Destroy Temporal's database, put the copy back, and go on."""
    tell.part("1. Temporal's database is lost; the ledger is there")
    tell.step("kill all, delete temporal.db, put the copy back, start")
    place.end()
    place.destroy("temporal")
    place.restore("temporal")
    place.start()
    tell.until(
        "a worker sees it and freezes everything",
        lambda: place.freeze().get("reason", ""),
        lambda seen: "does not know 1" in seen,
    )
    code, printed = place.lumen("reconcile")
    found = [line for line in printed.splitlines() if "OMISSION" in line]
    tell.expect(
        "lumen reconcile ends with 1 and names the one episode that is lost",
        holds=code == 1 and len(found) == 1 and f"alert-{late}/" in found[0],
        seen=f"exit {code}; {'; '.join(found)}",
    )
    tell.until(
        "votes after the backup are gone: one of two is left", lambda: place.voters(asked), lambda seen: seen == [ALICE]
    )
    tell.step("Alertmanager repeats the alert of the lost episode")
    place.site.post_alert("Auto", job="late")
    tell.until(
        "it comes back as a new episode and is blocked", lambda: place.state(late), lambda seen: seen == "blocked"
    )
    tell.step("a human looks at the target, cancels what must not run again, and thaws")
    place.lumen("override", late, "cancel", *WHO, "--reason", "it ran before the loss")
    tell.until("the new episode is cancelled", lambda: place.outcome(late), lambda seen: seen == "cancelled")
    place.lumen("freeze", "off", *WHO, "--reason", "looked at it")
    tell.until("nothing is frozen", place.freeze, lambda seen: seen == {"frozen": False})
    tell.step("the lost vote is given again")
    place.site.vote(asked, BOB)
    tell.until(
        "the episode ends with the recorded result", lambda: place.outcome(asked), lambda seen: seen == "remediated"
    )
    tell.expect("nothing ran a second time", holds=place.starts("asked") == place.starts("late") == 1, seen=place.ran())
    tell.expect("the ledger holds", holds=bool(place.verify()["ok"]), seen=place.verify())
