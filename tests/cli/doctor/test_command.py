"""The command: its lines, its JSON, its exit codes, and what it never prints."""

from __future__ import annotations

import asyncio
import errno
import os
import re
from pathlib import Path

import pytest

from cli.doctor import CHECKS
from cli.doctor.examine import examine
from cli.doctor.finding import Check, Finding, Status, ok
from cli.doctor.scene import Scene
from tests.cli.conftest import Lumen

LINE = re.compile(r"(ok|warn|fail|skip) +([a-z-]+) +(\S.*)")


@pytest.fixture
def here(place: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The place where nothing runs, as the environment of this process."""
    for name, value in place.items():
        monkeypatch.setenv(name, value)
    return place


def test_every_check_has_a_line_and_every_problem_its_fix_below(lumen: Lumen, here: dict[str, str]) -> None:
    """Status, name, what was found; a fix exactly below what warns or fails; a sum at the end; exit code 1."""
    ran = lumen("doctor")
    assert (ran.code, ran.err) == (1, "")
    *lines, total = ran.out.splitlines()
    names, before = [], ""
    for line in lines:
        if match := LINE.fullmatch(line):
            assert before not in {"warn", "fail"}
            before = match[1]
            names.append(match[2])
        else:
            assert line.startswith("      ")
            assert line.strip().startswith("fix: ")
            assert before in {"warn", "fail"}
            before = ""
    assert list(dict.fromkeys(names)) == [check.name for check in CHECKS]
    assert re.fullmatch(r"\d+ ok, 1 fail, \d+ skip: look at lumen", total)


def test_json_is_one_list_of_the_same(lumen: Lumen, here: dict[str, str]) -> None:
    """Each element has check, status, found and fix."""
    ran = lumen("doctor", "--json")
    assert ran.code == 1
    assert [set(one) for one in ran.document] == [{"check", "status", "found", "fix"}] * len(ran.document)
    assert ran.document[0] == {
        "check": "lumen",
        "status": "fail",
        "found": f"nothing runs here (data directory {here['LUMEN_DATA_DIR']})",
        "fix": "start with make run (or: lumen up)",
    }


def test_a_wrong_option_is_exit_code_two(lumen: Lumen) -> None:
    """Usage is told apart from a failure."""
    assert lumen("doctor", "--nope").code == 2


def test_no_secret_is_ever_printed(
    lumen: Lumen, here: dict[str, str], closed: str, clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens, keys, the salt and what is secret in URLs stay out of both forms."""
    secret = "sEcReT-0123456789"
    for name in ("LUMEN_API_TOKEN", "LUMEN_WEBHOOK_TOKEN", "PROOFD_TOKEN", "PROOF_SALT", "CONTROL_BUS_TOKEN"):
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("BRIDGE_SECRET", f"k1:{secret}")
    for name in ("PROMETHEUS_URL", "ALERTMANAGER_URL", "PROOFD_URL", "PUBLIC_BASE_URL", "CONTROL_BUS_TARGET"):
        monkeypatch.setenv(name, f"http://user:{secret}@{closed}")
    monkeypatch.setenv("NOTIFY_WEBHOOK_URL", f"http://{closed}/{secret}")
    (clean_place / "rules" / "bad.yaml").write_text(f"rules:\n- {secret}: 1\n")
    for ran in (lumen("doctor"), lumen("doctor", "--json")):
        assert ran.code == 1
        assert secret not in ran.out + ran.err


def test_what_a_check_finds_cannot_move_the_terminal(lumen: Lumen, here: dict[str, str], clean_place: Path) -> None:
    """Control characters of a file are shown, not obeyed, and no finding is more than its line."""
    (clean_place / "rules" / "bad.yaml").write_text('rules:\n- "a\\e[2Jb\\nc": 1\n')
    ran = lumen("doctor")
    assert "\x1b" not in ran.out
    assert all(LINE.fullmatch(line) or "fix: " in line for line in ran.out.splitlines()[:-1])


def test_a_check_that_breaks_or_hangs_hides_nothing(place: dict[str, str]) -> None:
    """Its own result says so, and the others are there."""

    async def broken(_: Scene) -> list[Finding]:
        raise ValueError("oops\nand more")

    async def not_allowed(_: Scene) -> list[Finding]:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/somewhere")

    async def hanging(_: Scene) -> list[Finding]:
        await asyncio.sleep(3600)
        return []

    async def fine(_: Scene) -> list[Finding]:
        return [ok("fine")]

    checks = [
        Check("broken", broken),
        Check("not-allowed", not_allowed),
        Check("hanging", hanging),
        Check("fine", fine),
    ]
    first, other, second, third = examine(place, checks, seconds=0.2)
    assert (first.finding.status, "ValueError" in first.finding.found) == (Status.WARN, True)
    assert "\n" not in first.finding.found
    assert other.finding.found == "this user cannot look: Permission denied: /somewhere"
    assert (second.finding.status, "no result within" in second.finding.found) == (Status.FAIL, True)
    assert third.finding == ok("fine")
