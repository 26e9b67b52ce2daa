"""Everything that runs in a trial: Lumen with two workers and two APIs, two Alertmanagers, and proxies between all of them."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import signal
import time
from pathlib import Path
from typing import Any, Self

import httpx
import yaml

from cli.fakeslack import FakeSlack
from tests.chaos.mix import ACT, Mixed, mix
from tests.chaos.outside import Outside
from tests.chaos.pipe import Pipe
from tests.chaos.recorder import Recorder
from tests.stack.processes import Child, free_port, lumen_command
from tests.stack.site import WEBHOOK_TOKEN, ShippedSite

START_SECONDS = 40.0
WORKERS, APIS, ALERTMANAGERS = ("worker1", "worker2"), ("api1", "api2"), ("am1", "am2")


class Stack:
    """One installation in ``folder``; evidence goes below ``evidence``. ``worker_argv`` starts a worker, broken ones too."""

    def __init__(self, folder: Path, evidence: Path, trial: int, worker_argv: list[str] | None = None) -> None:
        """Choose ports and write every file; nothing runs yet."""
        self.folder, self.evidence, self.trial = folder, evidence, trial
        (evidence / "acts").mkdir(parents=True)
        folder.mkdir(parents=True)
        (folder / "act.py").write_text(ACT)
        self.rules: list[Mixed] = mix(evidence, folder / "act.py")
        self.site = ShippedSite(folder)
        for rule in self.rules:
            self.site.rulebook.rules[rule.name] = {
                "name": rule.name,
                "alert": rule.name,
                "dry_run": False,
                **rule.content,
            }
        self.site.rulebook.write()
        self.outside = Outside(evidence / "acts")
        self.slack = FakeSlack()
        self.pipes: dict[str, Pipe] = {}
        self.recorders: dict[str, Recorder] = {}
        self.children: dict[str, Child] = {"temporal": self.site.temporal, "proofd": self.site.proofd}
        self.ports = {name: free_port() for name in (*WORKERS, *APIS, *ALERTMANAGERS, "gossip1", "gossip2")}
        self.ports["proofd"] = int(self.site.proofd_url.rpartition(":")[2])
        self.ports["temporal"] = int(self.site.temporal_address.rpartition(":")[2])
        self.locks = {name: asyncio.Lock() for name in ("temporal", "proofd", *WORKERS, *APIS, *ALERTMANAGERS)}
        self._worker_argv = worker_argv or lumen_command("worker")

    async def __aenter__(self) -> Self:
        """Start everything at once and wait until all of it answers."""
        try:
            await self._start()
        except BaseException:
            await self.__aexit__()
            raise
        return self

    async def _start(self) -> None:
        await self.outside.start()
        await self.slack.__aenter__()
        self.slack.add_channel("ops")
        for name in ("alice", "bob", "carol", "mallory"):
            self.slack.add_user(name, f"{name}@example.com")
        outside = self.outside.port
        ends = {f"{one}-temporal": self.ports["temporal"] for one in (*WORKERS, *APIS)}
        ends |= {f"{one}-proofd": self.ports["proofd"] for one in WORKERS}
        ends |= {"slack": self.slack.port, "prometheus": outside, "bus": outside}
        for name, port in ends.items():
            self.pipes[name] = Pipe(name, port)
            await self.pipes[name].start()
        self.slack.origin = f"http://127.0.0.1:{self.pipes['slack'].port}"
        apis = [(name, self.ports[name]) for name in APIS]
        for name in ALERTMANAGERS:
            self.recorders[name] = Recorder(name, apis, self.evidence / "sent.jsonl")
            await self.recorders[name].start()
        self._make_children()
        for child in self.children.values():
            child.start()
        await asyncio.gather(*(self.until_up(name) for name in self.children))

    async def __aexit__(self, *_: object) -> None:
        """End everything."""
        for child in self.children.values():
            child.kill()
        for pipe in self.pipes.values():
            pipe.stop()
        for recorder in self.recorders.values():
            recorder.stop()
        self.outside.stop()
        await self.slack.__aexit__(None, None, None)

    def _make_children(self) -> None:
        pipes = {name: pipe.port for name, pipe in self.pipes.items()}
        env = self.site.env | {
            "LUMEN_API_ADDR": f"127.0.0.1:{self.ports['api1']}",
            "SLACK_BOT_TOKEN": self.slack.bot_token,
            "SLACK_SIGNING_SECRET": self.slack.signing_secret,
            "SLACK_CHANNEL": "#ops",
            "SLACK_API_BASE_URL": f"http://127.0.0.1:{pipes['slack']}/api",
            "PROMETHEUS_URL": f"http://127.0.0.1:{pipes['prometheus']}",
            "CONTROL_BUS_TARGET": f"http://127.0.0.1:{pipes['bus']}/commands",
            "ALERTMANAGER_URL": f"http://127.0.0.1:{self.ports['am1']}",
        }
        self.site.env.update(env)
        for name in WORKERS:
            own = {
                "LUMEN_WORKER_ADDR": f"127.0.0.1:{self.ports[name]}",
                "TEMPORAL_ADDRESS": f"127.0.0.1:{pipes[f'{name}-temporal']}",
                "PROOFD_URL": f"http://127.0.0.1:{pipes[f'{name}-proofd']}",
            }
            self.children[name] = Child(name, self._worker_argv, env | own, self.folder)
        for name in APIS:
            own = {
                "LUMEN_API_ADDR": f"127.0.0.1:{self.ports[name]}",
                "TEMPORAL_ADDRESS": f"127.0.0.1:{pipes[f'{name}-temporal']}",
            }
            self.children[name] = Child(name, lumen_command("api"), env | own, self.folder)
        for number, name in enumerate(ALERTMANAGERS, 1):
            self.children[name] = Child(name, self._alertmanager(name, number), {}, self.folder)

    def _alertmanager(self, name: str, number: int) -> list[str]:
        folder = self.folder / name
        folder.mkdir()
        hook = {
            "url": f"http://127.0.0.1:{self.recorders[name].port}/webhook",
            "send_resolved": True,
            "http_config": {"authorization": {"credentials": WEBHOOK_TOKEN}},
        }
        route: dict[str, Any] = {"group_by": ["alertname"], "group_wait": "1s", "group_interval": "2s"}
        # What Lumen itself fires (LumenNeedsHuman) goes to nobody.
        ours = {"receiver": "lumen", "matchers": [f'trial="{self.trial}"']}
        route |= {"receiver": "nobody", "repeat_interval": "5s", "routes": [ours]}
        receivers = [{"name": "nobody"}, {"name": "lumen", "webhook_configs": [hook]}]
        (folder / "config.yml").write_text(yaml.safe_dump({"route": route, "receivers": receivers}))
        mine, other = (self.ports[f"gossip{one}"] for one in (number, 3 - number))
        return [
            shutil.which("prometheus-alertmanager") or "prometheus-alertmanager",
            f"--config.file={folder}/config.yml",
            f"--storage.path={folder}/data",
            f"--web.listen-address=127.0.0.1:{self.ports[name]}",
            f"--cluster.listen-address=127.0.0.1:{mine}",
            f"--cluster.peer=127.0.0.1:{other}",
            "--cluster.peer-timeout=2s",
            "--cluster.settle-timeout=2s",
            "--cluster.reconnect-interval=1s",
            "--cluster.pushpull-interval=5s",
        ]

    async def until_up(self, name: str) -> None:
        """Wait until a process that was started answers; start it again if it ends, for its port may be taken for a moment."""
        deadline = time.monotonic() + START_SECONDS
        child = self.children[name]
        async with httpx.AsyncClient(trust_env=False, timeout=3) as http:
            while time.monotonic() < deadline:
                if child.ended:
                    child.start()
                with contextlib.suppress(httpx.HTTPError, OSError):
                    if await self._answers(http, name):
                        return
                await asyncio.sleep(0.15)
        raise AssertionError(f"{name} did not get ready:\n{child.log[-4000:]}")

    async def _answers(self, http: httpx.AsyncClient, name: str) -> bool:
        port = self.ports[name]
        if name == "temporal":
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return True
        path = "/-/ready" if name in ALERTMANAGERS else "/readyz" if name in WORKERS else "/healthz"
        return (await http.get(f"http://127.0.0.1:{port}{path}")).status_code == httpx.codes.OK

    async def end(self, name: str, number: int = signal.SIGKILL) -> None:
        """Send a process a signal and wait until it is gone."""
        await asyncio.to_thread(self.children[name].kill, number)

    async def begin(self, name: str) -> None:
        """Start a process that has ended and wait until it answers."""
        if self.children[name].ended:
            self.children[name].start()
        await self.until_up(name)
