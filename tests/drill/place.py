"""Where a drill takes place: a site with its checkpoints apart, its backup, and what a drill does to both."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import sqlite3
from pathlib import Path
from typing import Any

from tests.acceptance.steps import appending, lines
from tests.stack.calling import calls
from tests.stack.processes import Child, lumen_command
from tests.stack.site import PROOFD_TOKEN, ShippedSite

ALICE, BOB = "alice@example.com", "bob@example.com"
WHO = ("--actor", ALICE)
DATABASES = ("temporal", "proof")


class Place:
    """A site in ``folder``. ``apart`` stands for another disk, with the last signed checkpoint and the anchors; so does
    ``backup``."""

    def __init__(self, folder: Path) -> None:
        """Make the folders; nothing runs yet."""
        self.apart, self.backup, self.out = folder / "apart", folder / "backup", folder / "out"
        for made in (self.apart / "anchors", self.backup, self.out):
            made.mkdir(parents=True)
        self.checkpoint = self.apart / "proof.db.note"
        self.site = ShippedSite(
            folder,
            PROOF_CHECKPOINT_FILE=str(self.checkpoint),
            PROOF_ANCHOR_DIR=str(self.apart / "anchors"),
        )

    def add_rules(self) -> None:
        """Add one rule that asks two people and one that acts by itself; neither action may run twice."""
        run = {"name": "run", "cmd": appending(self.out / "{labels.job}")}
        self.site.rulebook.add("Asked", approval={"approve": 2}, actions=[run])
        self.site.add_rule("Auto", mode="auto", actions=[run])

    def starts(self, name: str) -> int:
        """Return how often the action of the alert ``name`` has started."""
        return len(lines(self.out / name))

    def ran(self) -> str:
        """Return how often every action has started, in words."""
        return ", ".join(f"{path.name} {self.starts(path.name)}" for path in sorted(self.out.iterdir()))

    def state(self, key: str) -> str:
        """Return the state of an episode."""
        return str(self.site.status(key).get("state", ""))

    def outcome(self, key: str) -> str:
        """Return the outcome of the last attempt of an episode; empty while there is none."""
        return str(self.site.status(key).get("outcome") or "")

    def voters(self, key: str) -> list[str]:
        """Return who has approved the request that is open."""
        approval = self.site.status(key).get("approval") or {"votes": {"approve": []}}
        return [vote["actor"] for vote in approval["votes"]["approve"]]

    def back_up(self) -> None:
        """Copy both databases while everything runs: Temporal first, the ledger after it, each by SQLite's online backup."""
        for name in DATABASES:
            with (
                contextlib.closing(sqlite3.connect(f"file:{self.site.folder / name}.db?mode=ro", uri=True)) as source,
                contextlib.closing(sqlite3.connect(self.backup / f"{name}.db")) as target,
            ):
                source.backup(target)
        shutil.copy2(self.site.folder / "proof.db.key", self.backup / "proof.db.key")

    def destroy(self, *names: str) -> None:
        """Delete databases; what uses them must have ended."""
        for name in names:
            for file in self.site.folder.glob(f"{name}.db*"):
                if file.suffix != ".key":
                    file.unlink()

    def restore(self, *names: str) -> None:
        """Put copies of the backup in place."""
        for name in names:
            shutil.copy2(self.backup / f"{name}.db", self.site.folder / f"{name}.db")

    def end(self, *names: str, number: int = signal.SIGKILL) -> None:
        """End processes of the site with a signal; all of them if none is named."""
        for name in names or ("api", "worker", "proofd", "temporal"):
            getattr(self.site, name).kill(number)

    def start(self, *names: str) -> None:
        """Start processes of the site, in order; all of them if none is named."""
        for name in names or ("temporal", "proofd", "worker", "api"):
            getattr(self.site, f"start_{name}")()

    def start_frozen_proofd(self) -> str:
        """Start a proofd that is expected to take nothing; return what ``/healthz`` says."""
        self.site.proofd.start()
        self.site.proofd.wait_until(f"{self.site.proofd_url}/metrics")
        return calls().get(f"{self.site.proofd_url}/healthz", timeout=10).text.strip()

    def new_log(self, number: int) -> None:
        """Let the site begin another ledger, with names of its own, at the next start of proofd."""
        (self.apart / f"anchors-{number}").mkdir()
        self.site.env |= {
            "PROOF_ORIGIN": f"lumen.local/ledger-{number}",
            "PROOF_DSN": f"sqlite:///{self.site.folder}/proof-{number}.db",
            "PROOF_CHECKPOINT_FILE": str(self.apart / f"proof-{number}.db.note"),
            "PROOF_ANCHOR_DIR": str(self.apart / f"anchors-{number}"),
        }
        self.site.proofd = Child("proofd", lumen_command("proofd"), self.site.env, self.site.folder)

    def lumen(self, *arguments: str) -> tuple[int, str]:
        """Run a command; return its exit code and what it printed."""
        done = self.site.lumen(*arguments)
        return done.returncode, (done.stdout + done.stderr).strip()

    def freeze(self) -> dict[str, Any]:
        """Return how the freeze switch stands."""
        document: dict[str, Any] = json.loads(self.site.lumen("freeze", "status", "--json").stdout)
        return document

    def metric(self, name: str) -> float:
        """Return a metric of proofd."""
        page = calls().get(f"{self.site.proofd_url}/metrics", timeout=10).text
        [line] = [line for line in page.splitlines() if line.startswith(f"{name} ")]
        return float(line.split()[1])

    def append_answer(self) -> str:
        """Try to append an entry as a worker would; return the answer of proofd."""
        body = {"idem": "drill/append", "kind": "rules.loaded", "parts": {"rules": {"type": "rules.loaded"}}}
        headers = {"Authorization": f"Bearer {PROOFD_TOKEN}"}
        answer = calls().post(f"{self.site.proofd_url}/append", json=body, headers=headers, timeout=10)
        return f"{answer.status_code} {answer.json().get('detail', '')}"

    def verify(self) -> dict[str, Any]:
        """Ask proofd to verify everything."""
        headers = {"Authorization": f"Bearer {PROOFD_TOKEN}"}
        answer = calls().post(f"{self.site.proofd_url}/verify", headers=headers, timeout=60)
        document: dict[str, Any] = answer.json()
        return document
