"""Recorded histories are replayed: a change of workflow code that would break open episodes fails here.

Every outcome of an episode is recorded. ``tests.replay.record`` records.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer
from temporalio.workflow import NondeterminismError

from lumen import names
from lumen.outcome import Outcome, State
from tests.replay.variants import VARIANTS
from tests.stack.sandbox import sandbox
from worker.arguments import FittingArguments
from worker.wiring import WORKFLOWS

FILES = sorted(Path(__file__).with_name("histories").glob("*.json"))
EARLIER = sorted(Path(__file__).with_name("histories").glob("*/*.json"))
"""Recorded while entries and guards were asked for by local activities (``local``), and while a cancel in Temporal
interrupted whatever an episode waited for (``interrupted``)."""
BYTES = 250_000

_PATH = re.compile(r"(?<![\w.:/])/(?!bin/|hook\b)\w+/")
_STARTED = "workflowExecutionStartedEventAttributes"
_COMPLETED = "workflowExecutionCompletedEventAttributes"


def events_of(path: Path) -> list[dict[str, Any]]:
    """Return the events of one recorded history."""
    events: list[dict[str, Any]] = json.loads(path.read_text())["events"]
    return events


def history_of(path: Path) -> WorkflowHistory:
    """Return one recorded history under the workflow id that it was recorded with."""
    return WorkflowHistory.from_json(events_of(path)[0][_STARTED]["workflowId"], path.read_text())


def named(path: Path) -> str:
    """Return how a recorded history is called in the list of tests."""
    return f"{path.parent.name}/{path.stem}"


def type_of(path: Path) -> str:
    """Return the workflow type of one recorded history."""
    name: str = events_of(path)[0][_STARTED]["workflowType"]["name"]
    return name


def texts_in(value: Any) -> Iterator[str]:
    """Yield every string in a history, those of its payloads decoded."""
    if isinstance(value, dict):
        for name, item in value.items():
            if name == "data" and isinstance(item, str):
                yield base64.b64decode(item).decode()
            else:
                yield from texts_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from texts_in(item)
    elif isinstance(value, str):
        yield value


@pytest.mark.parametrize("path", [*FILES, *EARLIER], ids=named)
async def test_recorded_history_replays(path: Path) -> None:
    """Today's workflow code, in the worker's sandbox, makes the same decisions as when the history was recorded."""
    replayer = Replayer(workflows=list(WORKFLOWS), workflow_runner=sandbox(), interceptors=[FittingArguments()])
    await replayer.replay_workflow(history_of(path))


@pytest.mark.parametrize("path", [*FILES, *EARLIER], ids=named)
async def test_one_timer_more_is_refused(path: Path) -> None:
    """The replay can fail: workflow code with one timer more does not fit any recorded history."""
    replayer = Replayer(workflows=list(VARIANTS), workflow_runner=sandbox(), interceptors=[FittingArguments()])
    # The core tells some of these as a fatal error of its state machines.
    with pytest.raises((NondeterminismError, RuntimeError)):
        await replayer.replay_workflow(history_of(path))


def test_every_outcome_is_recorded() -> None:
    """There is a closed episode for each outcome, and a history of each type of workflow."""
    outcomes = set()
    for path in FILES:
        [completed] = [event[_COMPLETED] for event in events_of(path) if _COMPLETED in event]
        if type_of(path) == names.ALERT_WORKFLOW:
            [payload] = completed["result"]["payloads"]
            outcomes.add(Outcome(json.loads(base64.b64decode(payload["data"]))["outcome"]))
    assert outcomes == set(Outcome)
    assert {type_of(path) for path in FILES} == {
        names.ALERT_WORKFLOW,
        names.GUARD_WORKFLOW,
        names.INTAKE_WORKFLOW,
        names.FREEZE_WORKFLOW,
        names.WAKE_WORKFLOW,
        names.COMMAND_WORKFLOW,
    }


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("escalated", {"escalation", "approval deadline", "tell a human: approval_timed_out", '"escalated"'}),
        ("reminded", {"reminder", '"reminder"'}),
        ("anonymous", {'"anonymous"', "link-1", "link-2", '"third"'}),
        ("shown", {"show awaiting_approval", "show closed", '"override"', '"vote"', '"needs_human"'}),
        ("shown-late", {"show awaiting_approval", "show closed", "slack_down"}),
        ("verified", {"up == 1", '"held"'}),
        ("rolled_back", {"first/rollback", "second/rollback", "tell a human: rolled_back"}),
        ("rollback-failed", {"look at what is left of it", "tell a human: failed"}),
        ("rollback-rejected", {"not rolled back: rejected by alice@example.com"}),
        ("checked", {"is run done?", '"held"', "exit code 1"}),
        ("budget-spent", {"has had its 1 run(s) within 1:00:00"}),
        ("breaker", {"has failed 1 time(s) within 1:00:00"}),
        ("command", {"append requested", "reduce-gain", "append ended"}),
    ],
)
def test_what_a_history_is_there_for_is_recorded(name: str, wanted: set[str]) -> None:
    """The histories hold the timers, messages, votes and results that they are there for."""
    [path] = [path for path in FILES if path.stem == name]
    texts = "\n".join(texts_in(events_of(path)))
    assert {text for text in wanted if text not in texts} == set()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_recorded_history_is_small_and_tells_of_no_machine(path: Path) -> None:
    """A history in the repository is small and names neither the process nor the folders of whoever recorded it."""
    assert path.stat().st_size < BYTES
    texts = list(texts_in(events_of(path)))
    assert [text for text in texts if _PATH.search(text)] == []
    assert [text for text in texts if re.fullmatch(r"\d+@\S+", text)] == []


@pytest.mark.parametrize(
    ("name", "states"),
    [
        ("three-attempts", {"awaiting_approval", "executing", "cooling", "watching", "closed"}),
        ("waiting-ledger-decision", {"waiting_ledger", "executing"}),
        ("waiting-ledger-claim", {"waiting_ledger", "executing"}),
        ("blocked-guard", {"blocked", "awaiting_approval"}),
        ("frozen", {"blocked", "executing"}),
        ("requested", {"awaiting_approval", "executing", "cooling", "closed"}),
        ("escalated", {"awaiting_approval", "executing", "closed"}),
        ("shown", {"awaiting_approval", "executing", "cooling", "closed"}),
        ("verified", {"executing", "verifying", "cooling", "closed"}),
        ("verified-resolved", {"executing", "verifying", "cooling", "closed"}),
        ("rolled_back", {"awaiting_approval", "executing", "verifying", "rolling_back", "closed"}),
        ("rollback-failed", {"verifying", "rolling_back", "closed"}),
        ("rollback-approved", {"verifying", "awaiting_approval", "rolling_back", "closed"}),
        ("rollback-rejected", {"verifying", "awaiting_approval", "closed"}),
        ("cancelled-undone", {"executing", "rolling_back", "closed"}),
        ("cancelled-in-temporal-undone", {"verifying", "rolling_back", "closed"}),
        ("budget-spent", {"blocked", "closed"}),
    ],
)
def test_the_long_ways_are_recorded(name: str, states: set[str]) -> None:
    """The histories that are there for the states they pass through do pass through them."""
    [path] = [path for path in FILES if path.stem == name]
    assert states <= states_in(path)


def test_every_state_that_is_shown_is_recorded() -> None:
    """An episode that is open in any of its states at an upgrade has a history that passed this state and went on."""
    passed = set().union(*(states_in(path) for path in FILES))
    assert passed == {str(state) for state in State}


def states_in(path: Path) -> set[str]:
    """Return the states that one recorded history shows."""
    shown = [event.get("upsertWorkflowSearchAttributesEventAttributes", {}) for event in events_of(path)]
    fields = [one.get("searchAttributes", {}).get("indexedFields", {}).get(names.ATTRIBUTE_STATE) for one in shown]
    return {json.loads(base64.b64decode(payload["data"])) for payload in fields if payload}
