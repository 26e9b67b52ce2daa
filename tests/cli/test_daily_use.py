"""A day at the command line against everything real: ask for a rule, watch it through a restart of the API, vote, look back."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli.layout import cells
from tests.stack.processes import lumen_command
from tests.stack.site import Site, running_site
from tests.stack.terminal import CTRL_C, at_terminal

PATIENCE = 120.0
RULE = {
    "alert": "DiskFull",
    "match": ['severity="critical"'],
    "target": "{labels.instance}",
    "cooldown": "4s",
    "actions": [
        {"name": "grow", "cmd": ["/bin/sh", "-c", 'echo "grown on $1"; echo careful >&2', "sh", "{labels.vg}"]}
    ],
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A whole Lumen with one rule that two people must approve."""
    with running_site(tmp_path_factory.mktemp("daily")) as site:
        site.add_rule("disk-full", **RULE)
        yield site


def environment_of(site: Site) -> dict[str, str]:
    """Return the environment of a command of ``site``."""
    return {"PATH": os.environ["PATH"], "HOME": str(site.folder), "TERM": "xterm", **site.env}  # noqa: TID251 - PATH


def shown_by(site: Site, columns: int, *arguments: str) -> str:
    """Return what a command that ends well shows at a terminal."""
    with at_terminal(lumen_command(*arguments), environment_of(site), site.folder, columns) as one:
        assert one.end() == 0
        return one.shown


def ask(site: Site, target: str) -> str:
    """Ask for the rule on a target as dave, who has no vote, and return the key."""
    ran = site.lumen(
        *("run", "disk-full", "--target", target, "-l", "vg=data"),
        *("--actor", "dave@example.com", "--reason", "before the release"),
    )
    assert ran.returncode == 0, ran.stderr
    assert "it asks for 2 more to approve" in ran.stderr
    assert "alice@example.com, bob@example.com, carol@example.com" in ran.stderr
    return ran.stdout.strip()


def test_a_watched_request_from_asking_to_closing_through_a_restart(site: Site, tmp_path: Path) -> None:
    """Piped, the watch tells every change once, says when the API is gone and back, and ends with the episode, code 0."""
    key = ask(site, "host1:9100")
    told = tmp_path / "told"
    with told.open("wb") as out:
        argv = lumen_command("alert", "show", key, "--watch")
        watch = subprocess.Popen(argv, env=environment_of(site), stdout=out, stderr=out)
        try:
            _until(told, "state awaiting_approval")
            site.api.kill()
            _until(told, "the Lumen API does not answer, trying again")
            site.start_api()
            _until(told, "the Lumen API answers again")
            for actor in ("alice@example.com", "bob@example.com"):
                assert site.lumen("approve", key, "--actor", actor, "--reason", f"so says {actor}").returncode == 0
            assert watch.wait(PATIENCE) == 0, told.read_text()
        finally:
            watch.kill()
            watch.wait()
    lines = [line.partition(" ")[2] for line in told.read_text().splitlines()]
    wanted = (
        r"state awaiting_approval",
        r"the Lumen API does not answer, trying again",
        r"the Lumen API answers again",
        r"vote approve alice@example\.com .*so says alice@example\.com",
        r"vote approve bob@example\.com .*so says bob@example\.com",
        r"decided approve by votes, ledger \d+",
        r"ran grow succeeded: exit code 0, .*",
        r"attempt 1 remediated",
        r"state closed",
    )
    places = [index for pattern in wanted for index, line in enumerate(lines) if re.fullmatch(pattern, line)]
    assert len(places) == len(wanted), lines
    assert places == sorted(places)


def _until(file: Path, text: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while text not in file.read_text():
        assert time.monotonic() < deadline, file.read_text()
        time.sleep(0.1)


@pytest.mark.parametrize("columns", [44, 120])
def test_at_a_terminal_it_reads_well(site: Site, columns: int) -> None:
    """List and episode fit the terminal but for what is copied, and say whose turn it is; COLUMNS goes before its width."""
    key = ask(site, f"host{columns}:9100")
    document = json.loads(site.lumen("alert", "show", key, "--json").stdout)
    copied = {key, document["plan"]["digest"], document["approval"]["id"], document["run_id"], document["workflow_id"]}
    copied.add(document["plan"]["actions"][0]["shown"])
    text = shown_by(site, columns, "alert", "show", key)
    assert [line for line in text.splitlines() if cells(line) > columns and line not in copied] == []
    assert re.search(r"waits for +alice@example\.com\n +bob@example\.com\n +carol@example\.com\nexpires +in 5\dm", text)
    assert all(any(line.endswith(value) for line in text.splitlines()) for value in copied)
    text = shown_by(site, columns, "alert", "list", "--rule", "disk-full")
    assert [line for line in text.splitlines() if cells(line) > columns] == []
    assert any(line.endswith(key) for line in text.splitlines())
    assert re.search(r"5\dm left, 2 more of alice", text)
    site.env["COLUMNS"] = "60"
    try:
        text = shown_by(site, columns, "alert", "list")
    finally:
        del site.env["COLUMNS"]
    assert key in text.splitlines()
    assert all(cells(line) <= 60 for line in text.splitlines())


@pytest.mark.parametrize("what", ["show", "list"])
def test_ctrl_c_ends_the_watch_and_leaves_the_terminal_as_it_was(site: Site, what: str) -> None:
    """Exit code 0; the other screen is left, the cursor is back, and what was seen last stays."""
    key = ask(site, f"host-{what}:9100")
    argv = lumen_command("alert", *(("show", key) if what == "show" else ("list",)), "--watch")
    with at_terminal(argv, environment_of(site), site.folder, 60) as watch:
        watch.until(key)
        watch.type(CTRL_C)
        assert watch.end() == 0
    assert watch.shown.startswith("\x1b[?1049h")
    after = watch.shown.rpartition("\x1b[?25h\x1b[?1049l")[2]
    assert key in after
    assert "\x1b" not in after
    assert "Traceback" not in watch.shown


def test_what_comes_of_an_override_is_said(site: Site) -> None:
    """In the state that it meets: nothing while it cools, another attempt for a retry."""
    site.add_rule("rest", alert="Rest", mode="auto", cooldown="10m", actions=[{"proof": True}])
    ran = site.lumen("run", "rest", "--actor", "alice@example.com")
    key = ran.stdout.strip()
    site.until_state(key, "cooling")
    who = ("--actor", "alice@example.com", "--reason", "tests")
    assert (
        "it is recorded and changes nothing: no attempt is under way (cooling)"
        in site.lumen("override", key, "approve", *who).stdout
    )
    again = site.lumen("run", "rest", "--actor", "alice@example.com")
    assert again.stdout.strip() == key
    assert "this was counted and starts nothing" in again.stderr
    listed = json.loads(site.lumen("cooldown", "list", "--json").stdout)["cooldowns"]
    [found] = [row for row in listed if row["id"] == key]
    assert found["until"] == site.status(key)["cooldown_until"]
    assert "another attempt starts now" in site.lumen("override", key, "retry", *who).stdout
    site.until(key, lambda document: len(document["attempts"]) == 2)
