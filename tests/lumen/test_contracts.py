"""The signatures that workflows know: their names are history, and what they carry survives the way through Temporal."""

from __future__ import annotations

import inspect
from dataclasses import is_dataclass, replace
from pprint import pformat
from typing import Any, get_type_hints

import pytest
from temporalio import activity
from temporalio.converter import DataConverter

from lumen import contracts, messages
from lumen.alert import Alert
from lumen.episode import Episode, EpisodeStart
from lumen.guard import Claim, Guard
from lumen.outcome import ActionStatus, Outcome
from tests.lumen.samples import NOW, at, attempt, firing, plan, resolved

CONTRACTS = (
    contracts.Planning,
    contracts.Executing,
    contracts.Proving,
    contracts.Notifying,
    contracts.Commanding,
    contracts.Routing,
)
ACTIVITIES = [
    method
    for contract in CONTRACTS
    for name, method in vars(contract).items()
    if inspect.isfunction(method) and not name.startswith("_")
]


def lived() -> Episode:
    """Return an episode that has something in every place."""
    episode = Episode(plan=plan(), proof_refs=[1, 2], cooldown_cleared=True)
    episode.hear(firing(), NOW)
    episode.end_attempt(replace(attempt(Outcome.FAILED), results=({"name": "grow", "status": "failed"},)))
    episode.hear(resolved(60), at(60))
    return episode


def held() -> Guard:
    """Return a guard with a holder, a queue and a cooldown."""
    guard = Guard(cooling={"host-down": at(60)})
    for holder in ("a", "b"):
        guard.acquire(Claim(holder, holder, "disk-full", 60.0, 60.0), NOW)
    return guard


def test_no_activity_is_renamed() -> None:
    """Recorded histories hold these names, so none may change and each is one activity's."""
    names = [
        activity._Definition.must_from_callable(method).name for method in ACTIVITIES
    ]  # the SDK has no public way to it
    assert sorted(str(name) for name in names) == [
        "admit",
        "append",
        "count_closed",
        "deliver",
        "execute",
        "holder_state",
        "prepare",
        "recover",
        "send_command",
        "show",
        "still_firing",
        "tell_human",
        "wake_blocked",
    ]


@pytest.mark.parametrize("method", ACTIVITIES, ids=lambda method: method.__name__)
def test_an_activity_takes_one_dataclass_and_returns_one(method: Any) -> None:
    """Fields can be added to a dataclass without breaking histories, arguments cannot."""
    hints = get_type_hints(method)
    returned = hints.pop("return")
    [argument] = hints.values()
    assert is_dataclass(argument)
    assert is_dataclass(returned)


@pytest.mark.parametrize("contract", CONTRACTS)
def test_a_contract_cannot_be_used_without_an_implementation(contract: type) -> None:
    """Every activity must be implemented before a worker can be built from it."""
    with pytest.raises(TypeError, match="abstract"):
        contract()


@pytest.mark.parametrize(
    "value",
    [
        firing(),
        plan(),
        lived(),
        held(),
        EpisodeStart("key", lived()),
        messages.IntakeStart((firing(), resolved())),
        messages.Prepared(messages.Verdict.GO, plan(), guards=("target-db-1",)),
        messages.ExecuteResult(
            messages.Start.RAN,
            result=messages.ActionResult("grow", "cmd", "k", ActionStatus.UNKNOWN),
            proof_refs=(1,),
        ),
        messages.Recovery(messages.Found.UNKNOWN),
        messages.Delivered(started=1, waiting=(resolved(),)),
    ],
    ids=lambda value: type(value).__name__,
)
async def test_what_workflows_carry_survives_temporal(value: Any) -> None:
    """A value is the same, with the same types in it, after Temporal has stored it and given it back."""
    converter = DataConverter.default
    [back] = await converter.decode(await converter.encode([value]), [type(value)])
    assert back == value
    assert pformat(back, width=1) == pformat(value, width=1)


async def test_an_alert_of_an_older_sender_can_be_read() -> None:
    """An alert needs source, fingerprint, labels and receive time; whatever else is missing has a default."""
    converter = DataConverter.default
    payload = {"source": "grafana", "fingerprint": "0" * 16, "labels": {}, "received_at": NOW.isoformat(), "new": 1}
    [alert] = await converter.decode(await converter.encode([payload]), [Alert])
    assert alert == Alert("grafana", "0" * 16, {}, NOW)
