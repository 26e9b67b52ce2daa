"""The Lumen that is soaked: as ``lumen up`` starts it, each process on its own, with rules of every sort."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from benchmarks.soak import worker
from benchmarks.soak.pace import Pace
from benchmarks.stage import Stage
from cli.up import temporal_server
from tests.stack.processes import Child
from tests.stack.site import Site

PEOPLE = ("alice@example.com", "bob@example.com", "carol@example.com")
LINK_KEYS = {"k1": "a-secret-of-the-tests"}
HOSTS = 12
CHRONIC = "SoakChronic"
RELOADED = "SoakReloaded"

_ECHO = {"name": "say", "cmd": ["/bin/echo", "on {labels.instance}"]}
_OUTPUT = "i=0; while [ $i -lt 200 ]; do echo line $i of a command that says much; i=$((i+1)); sleep 0.05; done"


class SoakStage(Stage):
    """A site with Temporal's flags and retention of ``lumen up``, and without the baseline's worker."""

    def __init__(self, folder: Path, receiver_url: str, pace: Pace) -> None:
        """Choose ports and write the rules; ``receiver_url`` stands for Prometheus, Alertmanager and a webhook."""
        self._history = pace.history
        super().__init__(
            folder,
            PROMETHEUS_URL=receiver_url,
            ALERTMANAGER_URL=receiver_url,
            NOTIFY_WEBHOOK_URL=f"{receiver_url}/notify",
            CONTROL_BUS_TARGET=f"{receiver_url}/bus",
        )
        if pace.linger:
            argv = [sys.executable, "-m", worker.__name__, str(pace.linger)]
            self.worker = Child("worker", argv, self.env, folder)
        self._add_rules()

    def _add_rules(self) -> None:
        add = self.rulebook.add
        approval = {"approve": 2, "reject": 1, "allow": list(PEOPLE), "timeout": "10m", "remind": "1m"}
        add("SoakAuto", mode="auto", actions=[_ECHO], cooldown=5)
        add("SoakGuarded", mode="auto", actions=[_ECHO], cooldown=5, target="{labels.host}")
        add("SoakOutput", mode="auto", actions=[{"name": "talk", "cmd": ["/bin/sh", "-c", _OUTPUT]}], cooldown=5)
        add("SoakWhen", mode="auto", when="up == 1", actions=[_ECHO], cooldown=5)
        add("SoakVotes", mode="approve", actions=[_ECHO], cooldown=5, approval=approval)
        add("SoakLink", mode="approve", actions=[_ECHO], cooldown=5, approval={**approval, "approve": 1})
        add("SoakExpires", mode="approve", actions=[_ECHO], cooldown=5, approval={**approval, "timeout": "20s"})
        failing = {"name": "fail", "cmd": ["/bin/false"], "rollback": {"cmd": ["/bin/echo", "undone"]}}
        add("SoakFails", mode="auto", actions=[failing], cooldown=5)
        add("SoakStorm", mode="shadow", actions=[{"name": "log", "proof": True}], cooldown=5)
        add(CHRONIC, mode="shadow", actions=[_ECHO], cooldown=5)
        add(RELOADED, mode="auto", actions=[_ECHO], cooldown=5)

    def _temporal_argv(self) -> list[str]:
        argv = super()._temporal_argv()
        if self._history:
            argv += ["--dynamic-config-value", f"limit.historyCount.suggestContinueAsNew={self._history}"]
        return argv

    def start(self) -> None:
        """Start everything but the baseline's worker."""
        Site.start(self)

    def start_temporal(self) -> None:
        """Start Temporal with search attributes and retention as ``lumen up`` sets them."""
        super().start_temporal()
        asyncio.run(self._keep_history())

    async def _keep_history(self) -> None:
        await temporal_server.keep_history(await self.client())

    def reload(self, number: int) -> None:
        """Change one rule; worker and API find it by themselves."""
        said = {"name": "say", "cmd": ["/bin/echo", f"edit {number}"]}
        self.rulebook.add(RELOADED, mode="auto", actions=[said], cooldown=5)
