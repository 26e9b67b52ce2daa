"""``python -m tests.drill [FOLDER]``: run the drill in a folder (a new one) and say what was seen; exit 1 if anything is not
as expected."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.drill.chain_broken import chain_broken, key_lost
from tests.drill.ledger_lost import all_lost
from tests.drill.place import Place
from tests.drill.telling import Telling
from tests.drill.temporal_lost import temporal_lost, work_and_back_up


def drill(folder: Path, tell: Telling) -> None:
    """Run every part, one after the other, on one site."""
    place = Place(folder)
    try:
        place.start()
        place.add_rules()
        asked, late = work_and_back_up(place, tell)
        temporal_lost(place, tell, asked, late)
        chain_broken(place, tell)
        key_lost(place, tell)
        all_lost(place, tell, asked)
    finally:
        place.site.stop()


def main(folder: Path) -> int:
    """Run the drill, print it, and return the exit code."""
    tell = Telling(lambda line: print(line.replace(str(folder), "…"), flush=True))
    drill(folder, tell)
    tell.part(f"{tell.held} expectations held, {len(tell.failed)} did not")
    for what in tell.failed:
        tell.say(f"FAIL {what}")
    return 1 if tell.failed else 0


if __name__ == "__main__":
    if sys.argv[1:]:
        sys.exit(main(Path(sys.argv[1])))
    with tempfile.TemporaryDirectory(prefix="lumen-drill-") as temporary:
        sys.exit(main(Path(temporary)))
