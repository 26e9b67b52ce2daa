"""Steering Lumen with the `temporal` program alone: each command of docs/manual-override.md, and what an operator sees."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.desk import ACTOR, OTHER, Desk, scripts, until
from tests.acceptance.manual import CASES, case_of
from tests.stack.site import Site, running_site

MANUAL = Path(__file__).parents[2] / "docs" / "manual-override.md"
SCRIPTS = scripts(MANUAL.read_text())
ALWAYS = ("vote", "approve", "reject", "cancel", "retry", "FreezeWorkflow", "unfreeze", "clear", "reset")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One installation for all commands of the manual."""
    with running_site(tmp_path_factory.mktemp("site")) as one:
        Desk.rules(one)
        yield one


def test_the_manual_covers_the_emergencies() -> None:
    """The manual has a command for each thing that an operator may have to do without the API."""
    text = "\n".join(SCRIPTS)
    assert [word for word in ALWAYS if word not in text] == []
    assert len({case_of(script) for script in SCRIPTS}) >= len(CASES) - 1


@pytest.mark.parametrize("script", SCRIPTS)
def test_the_manual_needs_three_variables(script: str) -> None:
    """A command uses ADDRESS, KEY and ACTOR and nothing else that would have to be filled in."""
    assert set(re.findall(r"\$\{?(\w+)", script)) <= {"ADDRESS", "KEY", "ACTOR"}
    assert "<" not in script
    assert "…" not in script


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_command_of_the_manual_works(site: Site, script: str) -> None:
    """A command of the manual, run as it stands, does what its kind of command must do."""
    case_of(script)(Desk(site), script)


def test_the_frame_of_an_episode_says_what_it_is(site: Site) -> None:
    """`temporal workflow describe` shows a summary and all search attributes of an episode that waits."""
    desk = Desk(site)
    key = desk.alert("ManualAsks", severity="critical", instance="db-1")
    site.until_state(key, "awaiting_approval")
    found = json.loads(site.temporal_cli("workflow", "describe", "-w", f"alert-{key}", "-o", "json").stdout)
    assert found["executionConfig"]["userMetadata"]["summary"] == "ManualAsks db-1"
    fields = found["workflowExecutionInfo"]["searchAttributes"]["indexedFields"]
    shown = {name: json.loads(base64.b64decode(field["data"])) for name, field in fields.items()}
    assert {name: shown.get(name) for name in shown if name.startswith("Lumen")} == {
        "LumenState": "awaiting_approval",
        "LumenRule": "ManualAsks",
        "LumenAlert": "ManualAsks",
        "LumenSeverity": "critical",
        "LumenTarget": key,
    }
    assert site.vote(key, ACTOR, "reject").is_success
    site.until_outcome(key)
    found = json.loads(site.temporal_cli("workflow", "describe", "-w", f"alert-{key}", "-o", "json").stdout)
    fields = found["workflowExecutionInfo"]["searchAttributes"]["indexedFields"]
    assert json.loads(base64.b64decode(fields["LumenOutcome"]["data"])) == "rejected"


def test_the_details_of_an_episode_say_where_it_stands(site: Site) -> None:
    """`temporal workflow metadata` shows state, votes and rendered actions, and describes every handler."""
    key = Desk(site).asking()
    before = metadata(site, key)
    assert before["currentDetails"].startswith("**awaiting_approval**")
    assert "Votes: 0 of 2 to approve, 0 of 1 to reject, until 2" in before["currentDetails"]
    assert "- `mark`: `/bin/sh -c " in before["currentDetails"]
    assert f" sh {site.out}`" in before["currentDetails"]
    assert site.vote(key, OTHER).is_success
    until(lambda: "Votes: 1 of 2 to approve" in metadata(site, key)["currentDetails"], "the vote in the details")
    assert f"- approve: `{OTHER}`" in metadata(site, key)["currentDetails"]
    definition = before["definition"]
    handlers = [handler for kind in ("signal", "query", "update") for handler in definition[f"{kind}Definitions"]]
    own = [handler for handler in handlers if not handler["name"].startswith("__")]
    assert {"vote", "override", "status", "clear_cooldown", "wake"} <= {handler["name"] for handler in own}
    assert [handler["name"] for handler in own if not handler.get("description")] == []


def metadata(site: Site, key: str) -> dict[str, Any]:
    """Return the metadata that the workflow itself gives."""
    found = site.temporal_cli("workflow", "metadata", "-w", f"alert-{key}", "-o", "json").stdout
    [result] = json.loads(found)["queryResult"]
    answer: dict[str, Any] = result
    return answer


def test_what_waits_can_be_found(site: Site) -> None:
    """The query of the on-call person finds the episode while it waits for a vote, and not afterwards."""
    key = Desk(site).asking()

    def found() -> bool:
        return f"alert-{key}" in site.temporal_cli("workflow", "list", "-q", 'LumenState="awaiting_approval"').stdout

    until(found, "the episode in the list")
    assert site.vote(key, ACTOR, "reject").is_success
    until(lambda: not found(), "its absence from the list")
