"""``lumen demo`` as a stranger runs it: all of it real, on a terminal, with and without Prometheus."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.up.conftest import group_of, until
from tests.stack.calling import calls
from tests.stack.monitoring import missing_programs
from tests.stack.processes import free_port, lumen_command
from tests.stack.terminal import CTRL_C, Terminal, at_terminal

KINDS = ["approval_quorum_decision", "action.started", "action.finished", "auto_remediation"]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """Return an environment in which the demo's folder lies below ``folder`` and no Prometheus is installed."""
    return {"PATH": str(folder / "nothing"), "HOME": str(folder), "TMPDIR": str(folder), **more}


@contextmanager
def demo(folder: Path, *options: str, columns: int = 80) -> Iterator[Terminal]:
    """Run the demo on a terminal, without Prometheus."""
    with at_terminal(lumen_command("demo", *options), environment(folder), folder, columns) as terminal:
        yield terminal


def folders(folder: Path) -> list[Path]:
    """Return the folders of demos below ``folder``."""
    return list(folder.glob("lumen-demo-*"))


def answers(url: str) -> bool:
    """Return whether a service answers within a second."""
    try:
        return calls().get(url, timeout=1).status_code == 200
    except httpx.HTTPError:
        return False


def address(shown: str) -> str:
    """Return the URL of the demo service as the alert names it."""
    found = re.search(r"^ +instance +(\S+)$", shown, re.MULTILINE)
    assert found, shown
    return f"http://{found[1]}/"


def test_from_prometheus_to_proof_without_a_question(tmp_path: Path, require_all: bool) -> None:
    """With --yes, nobody at a terminal and settings that lead nowhere, all is detected, repaired, resolved and proven."""
    missing = [name for name in missing_programs() if name != "amtool"]
    if missing and not require_all:
        pytest.skip(f"not installed: {', '.join(missing)} (Debian: prometheus prometheus-alertmanager)")
    nowhere = f"127.0.0.1:{free_port()}"
    others = {
        "TEMPORAL_ADDRESS": nowhere,
        "LUMEN_API_ADDR": nowhere,
        "PROOFD_URL": f"http://{nowhere}",
        "NOTIFY_WEBHOOK_URL": f"http://{nowhere}",
        "LUMEN_RULES": "/nowhere",
        "http_proxy": f"http://{nowhere}",
    }
    done = subprocess.run(
        lumen_command("demo", "--yes", "--json"),
        env=environment(tmp_path, **others, PATH="/usr/local/bin:/usr/bin:/bin"),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert (document["ok"], document["prometheus"], document["outcome"]) == (True, True, "remediated")
    assert document["resolved"] is True
    assert [entry["kind"] for entry in document["entries"]] == KINDS
    assert document["ledger"]["ok"] is True
    before, after = document["pids"]
    assert before != after
    assert "But only if Prometheus" in done.stderr
    assert not folders(tmp_path)


def test_two_yes_on_a_narrow_terminal_and_a_look_around(tmp_path: Path) -> None:
    """Nothing runs before the second yes; --keep leaves all of it running until Ctrl-C, and its data after that."""
    with demo(tmp_path, "--keep", columns=40) as terminal:
        shown = terminal.until("Approve as alice@example.com? [y/n] ")
        assert "Not installed: Prometheus and" in shown
        url = address(shown)
        terminal.type("what?\n")
        terminal.until("Approve as alice@example.com? [y/n] ")
        terminal.type("y\n")
        terminal.until("Approve as bob@example.com? [y/n] ")
        assert not answers(url)
        terminal.type("YES\n")
        terminal.until("lumen alert list")
        assert answers(url)
        copied = re.compile(r"://127\.|/lumen-demo-|sha256:|\[y/n\] ")
        assert not [line for line in terminal.shown.splitlines() if len(line) >= 40 and not copied.search(line)]
        (folder,) = folders(tmp_path)
        listed = subprocess.run(
            lumen_command("alert", "list", "--json"),
            env={"LUMEN_DATA_DIR": str(folder)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert [alert["outcome"] for alert in json.loads(listed.stdout)["alerts"]] == ["remediated"]
        terminal.type(CTRL_C)
        assert terminal.end() == 0
        assert "killed" not in terminal.shown
        assert (folder / "proof.db").exists()


def test_a_no_is_kept_and_nothing_runs(tmp_path: Path) -> None:
    """A yes and a no: rejected, the ledger says who, no command started, the service still hangs, exit code 1."""
    with demo(tmp_path) as terminal:
        url = address(terminal.until("Approve as alice@example.com? [y/n] "))
        terminal.type("y\n")
        terminal.until("Approve as bob@example.com? [y/n] ")
        terminal.type("n\n")
        shown = terminal.until("lumen: you said no")
        assert not answers(url)
        assert terminal.end() == 1
        assert "approval_quorum_decision: reject, by bob@example.com" in shown
        assert "auto_remediation: the outcome, rejected" in shown
        assert "action.started" not in shown
        assert not folders(tmp_path)


def page_form(page: httpx.Response, **values: str) -> dict[str, str]:
    """Return what a form of the page that stands in for Slack sends, with these values."""
    hidden = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', page.text)
    return dict(hidden) | values


def page_with(browser: httpx.Client, text: str) -> str:
    """Return the page that stands in for Slack once it has this text."""
    until(lambda: text in browser.get("/").text, f"the page does not say {text!r}")
    return browser.get("/").text


def test_in_slack_without_a_question(tmp_path: Path) -> None:
    """With --slack --yes both people approve by button, one message is rewritten to the end, and Slack would take it all."""
    done = subprocess.run(
        lumen_command("demo", "--slack", "--yes", "--json"),
        env=environment(
            tmp_path, SLACK_BOT_TOKEN="xoxb-theirs", SLACK_CHANNEL="theirs", SLACK_WEBHOOK="http://127.0.0.1:9"
        ),
        cwd=tmp_path,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=100,
        start_new_session=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    assert (document["ok"], document["outcome"]) == (True, "remediated")
    assert document["votes"] == {"alice@example.com": "approve", "bob@example.com": "approve"}
    assert [entry["kind"] for entry in document["entries"]] == KINDS
    assert document["slack"]["text"].startswith("Remediated: DemoServiceHangs")
    assert document["slack"]["versions"] > 2
    assert any("alice@example.com" in line for line in document["slack"]["thread"])
    assert "This page stands in for Slack, on this machine only" in " ".join(done.stderr.split())
    assert not answers(document["slack"]["page"])
    assert not folders(tmp_path)


def test_on_the_page_that_stands_in_for_slack(tmp_path: Path) -> None:
    """No terminal answers: one approves on the page, the other rejects with a reason; nothing runs, and the ledger says who."""
    with demo(tmp_path, "--slack") as terminal:
        shown = terminal.until("Waiting for you")
        url = address(shown)
        found = re.search(r"http://127\.0\.0\.1:\d+/", shown)
        assert found, shown
        with httpx.Client(base_url=found[0], trust_env=False, follow_redirects=True, timeout=10) as browser:
            asked = browser.post("/click", data=page_form(browser.get("/?as=alice"), action="lumen.approve"))
            assert "Approve this plan?" in asked.text
            browser.post("/click", data=page_form(asked, action="lumen.approve"))
            assert "1 of 2 to approve" in page_with(browser, "1 of 2 to approve")
            opened = browser.post("/click", data=page_form(browser.get("/?as=bob"), action="lumen.reject"))
            browser.post("/submit", data=page_form(opened) | {"in-reason": "not <b>now</b>"})
            assert "not &lt;b&gt;now&lt;/b&gt;" in page_with(browser, "Rejected: DemoServiceHangs")
            shown = terminal.until("lumen: you said no")
        assert terminal.end() == 1
        assert not answers(url)
        assert "approval_quorum_decision: reject, by bob@example.com" in shown
        assert "action.started" not in shown


def test_a_remedy_that_fails_is_no_success(tmp_path: Path) -> None:
    """With the pid file gone the restart program fails: one line says so, exit code 1, and the logs are kept."""
    with demo(tmp_path) as terminal:
        terminal.until("Approve as alice@example.com? [y/n] ")
        (folder,) = folders(tmp_path)
        (folder / "service.pid").unlink()
        terminal.type("y\n")
        terminal.until("Approve as bob@example.com? [y/n] ")
        terminal.type("y\n")
        terminal.until("lumen: the outcome is failed and not remediated")
        assert terminal.end() == 1
        assert "Done in" not in terminal.shown
        assert f"lumen: its data and logs are in {folder}" in terminal.shown
        assert (folder / "logs" / "worker.log").exists()


@pytest.mark.parametrize("way", ["kill -9", pytest.param("Ctrl-C", marks=pytest.mark.long)])
def test_nothing_outlives_the_demo(tmp_path: Path, way: str) -> None:
    """Ended at the question, by SIGKILL or by Ctrl-C, the demo takes every process with it."""
    with demo(tmp_path) as terminal:
        url = address(terminal.until("Approve as alice@example.com? [y/n] "))
        commands = " ".join(group_of(terminal.process.pid).values())
        assert all(name in commands for name in ("cli.demo.service", "cli.demo.keeper", "start-dev", "proofd"))
        if way == "Ctrl-C":
            terminal.type(CTRL_C)
            assert terminal.end() == 1
            assert not folders(tmp_path)
        else:
            os.kill(terminal.process.pid, signal.SIGKILL)
            assert terminal.end() == -signal.SIGKILL
        until(lambda: not answers(url), "the service still answers")
