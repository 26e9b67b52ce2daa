"""Collecting what a trial leaves, in the form that the checker reads."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from pathlib import Path
from typing import Any

import httpx
from temporalio.client import Client

from tests.chaos.faults import Breaker
from tests.chaos.load import World
from tests.chaos.mix import MALLORY
from tests.chaos.stack import APIS, WORKERS, Stack
from tests.stack.site import API_TOKEN

_TRIES = 20


async def fetch_vkey(stack: Stack) -> None:
    """Keep the verifier key of the ledger, as somebody outside would do at the start."""
    async with httpx.AsyncClient(trust_env=False, timeout=5) as http:
        answer = await http.get(f"{stack.site.proofd_url}/vkey")
        (stack.evidence / "vkey.txt").write_text(answer.text.strip() + "\n")


async def watch_heads(stack: Stack) -> None:
    """Keep every signed checkpoint that proofd shows, until cancelled."""
    last = ""
    async with httpx.AsyncClient(trust_env=False, timeout=3) as http:
        while True:
            with contextlib.suppress(httpx.HTTPError, IndexError, ValueError):
                answer = await http.get(f"{stack.site.proofd_url}/checkpoint")
                if answer.status_code == httpx.codes.OK and answer.text != last:
                    last = answer.text
                    line = {"at": time.monotonic(), "size": int(last.splitlines()[1]), "checkpoint": last}
                    with (stack.evidence / "heads.jsonl").open("a", encoding="utf-8") as file:
                        file.write(json.dumps(line) + "\n")
            await asyncio.sleep(0.5)


async def collect(stack: Stack, world: World, breaker: Breaker, began: float, ended: float) -> None:
    """Write the evidence folder while everything still runs."""
    _write(stack.evidence / "trial.json", _trial(stack, world, breaker, began, ended))
    exported = stack.site.lumen
    done = await asyncio.to_thread(exported, "proof", "export", str(stack.evidence / "export"))
    (stack.evidence / "export.txt").write_text(done.stdout + done.stderr)
    async with httpx.AsyncClient(trust_env=False, timeout=20) as http:
        alerts = {one.key: await _status(stack, http, one.key) for one in world.episodes}
        _write(stack.evidence / "alerts.json", {key: status for key, status in alerts.items() if status})
        (stack.evidence / "metrics").mkdir()
        for name in (*APIS, *WORKERS, "proofd"):
            answer = await http.get(f"http://127.0.0.1:{stack.ports[name]}/metrics")
            (stack.evidence / "metrics" / f"{name}.txt").write_text(answer.text)
    await _histories(stack)


def _trial(stack: Stack, world: World, breaker: Breaker, began: float, ended: float) -> dict[str, Any]:
    episodes = {
        one.key: {
            "rule": one.rule.name,
            "labels": one.labels,
            "file": f"acts/{one.labels['file']}",
            "fired": one.fired,
            "resolved": one.resolved,
        }
        for one in world.episodes
        if one.fired is not None
    }
    return {
        "seed": world.seed,
        "began": began,
        "ended": ended,
        "faults": breaker.done,
        "put_back": breaker.put_back,
        "episodes": episodes,
        "rules": {rule.name: rule.facts for rule in stack.rules},
        "voters_outside": [MALLORY],
    }


async def _status(stack: Stack, http: httpx.AsyncClient, key: str) -> dict[str, Any]:
    """Return the status of an episode by a worker that answers; nothing if there is no such episode."""
    document: dict[str, Any] = {}
    for number in range(_TRIES):
        with contextlib.suppress(httpx.HTTPError):
            url = f"http://127.0.0.1:{stack.ports[APIS[number % 2]]}/alerts/{key}"
            answer = await http.get(url, headers={"Authorization": f"Bearer {API_TOKEN}"})
            if answer.status_code == httpx.codes.NOT_FOUND:
                return {}
            document = answer.json() if answer.is_success else document
            if document and not document.get("stale"):
                break
        await asyncio.sleep(0.2)
    return document


async def _histories(stack: Stack) -> None:
    folder = stack.evidence / "histories"
    folder.mkdir()
    client = await Client.connect(stack.site.temporal_address)
    async for run in client.list_workflows():
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        name = run.id.replace("/", "_").replace(":", "_")
        # The names of workflows come from labels; a file name has at most 255 bytes.
        (folder / f"{name[:180]}.{run.run_id}.json").write_text((await handle.fetch_history()).to_json())


def _write(path: Path, content: Any) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
