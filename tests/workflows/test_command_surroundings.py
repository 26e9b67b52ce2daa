"""User, limits and secrets of a command in a whole episode: shown, kept, and nowhere else."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.activities.execution.observing import as_root
from tests.stack.bench import Bench
from tests.workflows.test_acting import run_one

SECRET = "hunter2-of-production"


async def test_a_secret_is_in_no_place_that_lumen_keeps(
    bench: Bench, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A command that prints its secret all the time leaves it in no history, ledger entry, heartbeat, status or log."""
    path = tmp_path / "db"
    path.write_text(f"{SECRET}\n")
    action = {
        "name": "dump",
        "cmd": [
            "/bin/sh",
            "-c",
            'i=0; while [ $i -lt 5 ]; do echo "$DB"; echo "$DB" >&2; sleep 0.6; i=$((i+1)); done; exit 4',
        ],
        "secrets": {"DB": {"file": str(path)}},
    }
    bench.rulebook.add("SecretKept", mode="auto", actions=[action])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("SecretKept"))
        running = await bench.until(handle, state="executing")
        assert running["plan"]["actions"][0]["shown"].startswith(f"[DB from {path}] /bin/sh -c ")
        done = await bench.until_attempts(handle, 1)
        [result] = done["attempts"][0]["results"]
        assert result["detail"]["exit_code"] == 4
        assert result["detail"]["stdout"]["head"] == result["detail"]["stderr"]["head"] == "(redacted)\n" * 5
        kept = [str(done), str(await bench.entries()), (await handle.fetch_history()).to_json(), caplog.text]
        assert not any(SECRET in each for each in kept)


async def test_a_missing_secret_is_a_failure_with_its_path(bench: Bench, tmp_path: Path, out: Path) -> None:
    """The action fails, says which file, and nothing ran."""
    action = {"name": "x", "cmd": ["/bin/touch", str(out)], "secrets": {"DB": {"file": f"{tmp_path}/gone"}}}
    done = await run_one(bench, "SecretGone", actions=[action])
    assert done["outcome"] == "failed"
    assert f"the secret DB cannot be read from {tmp_path}/gone: No such file" in done["attempts"][0]["reason"]
    assert not out.exists()


@as_root
async def test_an_unknown_user_fails_before_anything_is_claimed(bench: Bench, out: Path) -> None:
    """The attempt is failed with the reason; the ledger has its outcome and no claim."""
    action = {"name": "x", "cmd": ["/bin/touch", str(out)], "user": "nobodyy"}
    bench.rulebook.add("NoSuchUser", mode="auto", actions=[action])
    bench.source.reload()
    async with bench.working():
        handle = await bench.send(bench.alert("NoSuchUser"))
        done = await bench.until_attempts(handle, 1)
        assert done["outcome"] == "failed"
        reason = "x cannot start on this worker: there is no user nobodyy on this machine"
        assert done["attempts"][0]["reason"] == reason
        assert [entry["kind"] for entry in await bench.entries_of(handle)] == ["auto_remediation"]
        assert not out.exists()
