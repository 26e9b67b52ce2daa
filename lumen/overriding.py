"""What an override will do, said before it does it: the workflow decides, this only tells a person."""

from __future__ import annotations

from dataclasses import dataclass

from lumen.ballot import OverrideDecision
from lumen.outcome import State

_RESTING = frozenset({State.COOLING, State.WATCHING})
_ASKING = frozenset({State.PLANNING, State.BLOCKED, State.AWAITING_APPROVAL})


@dataclass(frozen=True)
class Effect:
    """``works``: whether it changes anything in the state that was seen; ``text`` is one sentence."""

    works: bool
    text: str


def effect_of(decision: str, state: str | None) -> Effect:
    """Return what the override ``decision`` does to an episode in ``state`` (None: nobody could tell the state)."""
    if state not in list(State):
        return Effect(True, "it is recorded and carried out when a worker answers")
    if state == State.CLOSED:
        return Effect(False, "it changes nothing: the episode is closed")
    if decision == OverrideDecision.RETRY:
        if state in _RESTING:
            return Effect(True, "another attempt starts now; it asks for votes as its rule says")
        return Effect(False, f"it is recorded and changes nothing: an attempt is under way ({state})")
    if state in _RESTING:
        return Effect(False, f"it is recorded and changes nothing: no attempt is under way ({state}); retry starts one")
    return _on_attempt(decision, asking=state in _ASKING)


def _on_attempt(decision: str, *, asking: bool) -> Effect:
    if decision == OverrideDecision.CANCEL:
        return Effect(True, "the attempt ends as cancelled; a command that runs gets TERM, then KILL")
    if decision == OverrideDecision.APPROVE:
        if asking:
            return Effect(True, "what this attempt asks for is approved; it runs as soon as nothing blocks it")
        return Effect(False, "it is recorded and changes nothing: the attempt is past asking")
    if asking:
        return Effect(True, "the attempt ends as rejected; nothing runs")
    return Effect(True, "the attempt ends as rejected if nothing has begun; cancel stops what runs")
