"""Records the histories anew: ``python -m tests.replay.record [NAME …]``, about a minute, after a wanted change of workflows.

A change that breaks the replay of the histories in the repository breaks the episodes that are open when it is deployed:
first make it replayable (``workflow.patched``), and record only what is new.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from temporalio.common import SearchAttributeKey
from temporalio.testing import WorkflowEnvironment

from lumen import names
from tests.conftest import TIME_SKIPPING
from tests.replay.scenarios import SCENARIOS
from tests.replay.stage import Handle, playing
from tests.stack.processes import Child, LumenChild, free_port, lumen_command, temporal_binary

HISTORIES = Path(__file__).with_name("histories")

SCENARIO_SECONDS = 60.0

_NEUTRAL = {"identity": "recorder", "stackTrace": ""}


async def main(folder: Path, wanted: list[str]) -> str:
    """Record, and leave no process behind when told to stop; return what went wrong."""
    work = asyncio.create_task(record(folder, wanted))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    missing = await work
    return f"not recorded: {', '.join(missing)}" if missing else ""


async def record(folder: Path, wanted: list[str]) -> list[str]:
    """Play the scenarios (all, or those named), write what they keep, and return those that did not end as they should."""
    ledger = proofd, proofd_url = _proofd(folder)
    missing: list[str] = []
    env = await WorkflowEnvironment.start_time_skipping_v2(
        dev_server_existing_path=temporal_binary(),
        dev_server_extra_args=TIME_SKIPPING,
        search_attributes=[SearchAttributeKey.for_keyword(name) for name in names.ATTRIBUTES],
    )
    try:
        async with env:
            proofd.start()
            await asyncio.to_thread(proofd.wait_until, f"{proofd_url}/healthz")
            for scenario in SCENARIOS:
                if wanted and scenario.__name__ not in wanted:
                    continue
                began = time.monotonic()
                name = "Example" + scenario.__name__.title().replace("_", "")
                try:
                    async with asyncio.timeout(SCENARIO_SECONDS), playing(name, folder, env, *ledger) as stage:
                        for kept, handle in (await scenario(stage)).items():
                            size = await _keep(kept, handle)
                            print(f"{kept}: {size} bytes, {time.monotonic() - began:.1f} s", flush=True)
                except (AssertionError, TimeoutError) as error:
                    missing.append(scenario.__name__)
                    print(f"{scenario.__name__} is NOT recorded: {type(error).__name__} {error}"[:2000], flush=True)
    finally:
        proofd.kill()
    return missing


def _proofd(folder: Path) -> tuple[Child, str]:
    port = free_port()
    env = {
        "PROOFD_ADDR": f"127.0.0.1:{port}",
        "PROOF_DSN": f"sqlite:///{folder}/ledger.db",
        "PROOFD_TOKEN": "proofd-token",
        "PROOF_SALT": "tests",
    }
    return LumenChild("proofd", lumen_command("proofd"), env, folder), f"http://127.0.0.1:{port}"


async def _keep(name: str, handle: Handle) -> int:
    """Write one history, an event a line so that a change of it can be read, and return its size."""
    history = await handle.fetch_history()
    events = [_scrubbed(event) for event in json.loads(history.to_json())["events"]]
    lines = ",\n".join(json.dumps(event, ensure_ascii=True, sort_keys=True) for event in events)
    text = f'{{"events": [\n{lines}\n]}}\n'
    HISTORIES.mkdir(exist_ok=True)
    (HISTORIES / f"{name}.json").write_text(text)
    return len(text)


def _scrubbed(value: Any) -> Any:
    """Return ``value`` without what tells of the machine that recorded it; a replay needs none of it."""
    if isinstance(value, dict):
        return {name: _NEUTRAL[name] if name in _NEUTRAL else _scrubbed(item) for name, item in value.items()}
    return [_scrubbed(item) for item in value] if isinstance(value, list) else value


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        wrong = asyncio.run(main(Path(temporary), sys.argv[1:]))
    sys.exit(wrong or 0)
