"""What an override is said to do agrees with what the workflow does with it."""

from __future__ import annotations

import pytest

from lumen.ballot import OverrideDecision
from lumen.outcome import State
from lumen.overriding import effect_of

RESTING = {State.COOLING, State.WATCHING}
PAST_ASKING = {State.WAITING_LEDGER, State.EXECUTING, State.VERIFYING, State.ROLLING_BACK}


@pytest.mark.parametrize("state", list(State))
@pytest.mark.parametrize("decision", list(OverrideDecision))
def test_every_override_in_every_state_has_an_effect_or_none(decision: OverrideDecision, state: State) -> None:
    """Retry works at rest only, the others in an attempt only, approve not once it acts, nothing when it is closed."""
    effect = effect_of(decision, state)
    works = state is not State.CLOSED and (decision is OverrideDecision.RETRY) == (state in RESTING)
    if decision is OverrideDecision.APPROVE and state in PAST_ASKING:
        works = False
    assert effect.works == works
    assert ("changes nothing" in effect.text) != works
    assert "\n" not in effect.text


@pytest.mark.parametrize("state", [None, "", "of a later version"])
def test_where_nobody_can_tell_the_state_nothing_is_promised(state: str | None) -> None:
    """Without a worker it is recorded, and carried out later."""
    assert effect_of("approve", state).text == "it is recorded and carried out when a worker answers"
