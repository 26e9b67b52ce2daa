"""The environment of a command holds what was allowed and nothing else."""

from __future__ import annotations

import os
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.execution.environment import ALLOWED, FIXED, LABEL_PREFIX, command_environment

VALUES = st.text().map(lambda text: text.replace("\0", ""))


@given(st.dictionaries(st.sampled_from(sorted(ALLOWED)), VALUES), st.dictionaries(st.text(max_size=8), st.text()))
def test_nothing_else(allow: dict[str, str], labels: dict[str, str]) -> None:
    """Whatever the labels are called, the result is the fixed values, the allowed ones unchanged, and safe label names."""
    environment = command_environment(allow, labels)
    rest = {name: value for name, value in environment.items() if not name.startswith(LABEL_PREFIX)}
    assert rest == {**FIXED, **allow}
    assert all(re.fullmatch(r"LUMEN_LABEL_[A-Z0-9_]*", name) for name in environment.keys() - rest.keys())


@given(st.dictionaries(st.text(), st.text()))
def test_every_label_value_can_be_held(labels: dict[str, str]) -> None:
    """No label value from outside, NUL and half surrogates included, can make a start fail."""
    for value in command_environment({}, labels).values():
        assert "\0" not in value
        assert os.fsdecode(os.fsencode(value)) == value


@pytest.mark.parametrize("name", ["PATH", "LD_PRELOAD", "LUMEN_LABEL_X", "LUMEN_API_TOKEN", "lumen_rule", ""])
def test_other_names_are_refused(name: str) -> None:
    """A variable that is not on the list is an error, not an addition."""
    with pytest.raises(ValueError, match="is no variable for commands"):
        command_environment({name: "x"})


def test_a_nul_is_refused() -> None:
    """A key that would be cut at a NUL is refused, not changed."""
    with pytest.raises(ValueError, match="LUMEN_IDEMPOTENCY_KEY holds a NUL"):
        command_environment({"LUMEN_IDEMPOTENCY_KEY": "a\0b"})


def test_labels_that_share_a_name_are_left_out() -> None:
    """No label is handed over under the name of another."""
    environment = command_environment({}, {"env.a": "1", "env_a": "2", "ENV_A": "3", "job": "api", "größe": "4"})
    assert environment == {**FIXED, "LUMEN_LABEL_JOB": "api", "LUMEN_LABEL_GR__E": "4"}
