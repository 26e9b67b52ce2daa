"""The table of keys is complete, and its defaults are the ones that hold."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from lumen.ballot import Rank
from lumen.plan import Approval, Limits, Mode, PlannedAction
from rules import schema
from rules.key import Key
from rules.kinds import KINDS
from rules.model import ApprovalRule
from rules.reading.document import Findings
from rules.reading.sections import Reader
from rules.reading.values import parse_duration
from tests.rules.documents import alert, plan, rules_of


def keys(table: tuple[Key, ...]) -> Iterator[Key]:
    """Yield every key of ``table`` and of what is nested in it."""
    for key in table:
        yield key
        yield from keys(key.keys)


def test_every_key_has_a_reader_and_a_meaning() -> None:
    """The docs can be made from the table."""
    readers = Reader(Findings())._types
    for key in keys(schema.FILE + schema.POLICY):
        assert key.type in readers, key.name
        assert key.doc
        assert bool(key.keys) is (key.type in {"section", "sections", "named_sections"})
        assert bool(key.choices) is (key.type == "choice")


def test_every_kind_can_be_read() -> None:
    """A kind that executes has a file here."""
    assert {key.name for key in schema.KINDS} == set(KINDS)


def test_the_choices_are_those_of_the_core() -> None:
    """Modes and ranks are spelt in one way everywhere."""
    by_name = {key.name: key for key in schema.RULE}
    assert by_name["mode"].choices == tuple(Mode)
    assert tuple(rank.name.lower() for rank in Rank) == schema.RANKS
    assert {key.name for key in schema.APPROVAL} == set(ApprovalRule.__dataclass_fields__)


def test_a_minimal_rule_gets_the_defaults_of_the_table(tmp_path: Path) -> None:
    """What is not said is what the table says."""
    made = plan(rules_of(tmp_path, "rules:\n  - alert: A\n    actions: [{proof: true}]"), alert())
    defaults = {key.name: key.default for key in schema.DEFAULTS}
    assert (made.mode, made.dry_run, made.cooldown, made.condition) == (
        Mode.APPROVE,
        defaults["dry_run"],
        defaults["cooldown"],
        "",
    )
    assert made.limits == Limits()
    assert made.actions == (PlannedAction("action-1", "proof", {}),)
    assert made.approval == Approval(allow=made.approval.allow)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("1.5", 1.5),
        ("10m", 600),
        ("1h30m", 5400),
        ("5s", 5),
        ("250ms", 0.25),
        ("1d", 86400),
        ("1w2d3h4m5s6ms", 788645.006),
        ("", None),
        ("m", None),
        ("1x", None),
        ("10 m", None),
        ("-5", None),
        ("1h1h", None),
        ("30m1h", None),
        ("1.5h", None),
        ("10M", None),
        ("9999999999", None),
        ("\uff11", None),
        ("1e3", None),
    ],
)
def test_durations(written: str, seconds: float | None) -> None:
    """Seconds, or whole numbers with units from large to small."""
    assert parse_duration(written) == (pytest.approx(seconds) if seconds is not None else None)
