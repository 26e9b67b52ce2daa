"""docs/rules.md says what the loader does: its tables are the schema, its examples load or are refused as they say."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from activities.execution.environment import ALLOWED, FIXED, LABEL_PREFIX
from activities.kinds.command import CAPTURE_BYTES
from activities.kinds.http import _KEPT
from activities.kinds.protocol import GRACE
from lumen.errors import RulesError
from lumen.names import runner_task_queue
from rules import schema
from rules.key import LONGEST, Key
from rules.language.promql import ConditionError, check_condition
from rules.loader import load, sources
from rules.planner import DEFAULT_PATTERN
from rules.reading.values import parse_duration
from rules.reference import TABLES, duration, rewritten
from rules.report import render
from rules.testing import schema as testing
from tests.docs.test_readme import anchors
from workflows.acting import MAX_LOST

_ROOT = Path(__file__).parents[2]
_FILE = _ROOT / "docs" / "rules.md"
_PAGE = _FILE.read_text(encoding="utf-8")
_YAML = re.findall(r"```yaml\n(.*?)```", _PAGE, re.DOTALL)
_TRAPS = re.findall(
    r"^\| [^|]*\| ([^|]*`[^|]*) \| ([^|]*) \|$", _PAGE.split("The traps of PromQL")[1].split("```")[0], re.MULTILINE
)
_RULE = "rules:\n  - alert: A\n    actions: [{proof: true}]\n"


def nested(keys: tuple[Key, ...]) -> Iterator[tuple[Key, ...]]:
    """Yield every mapping of the schema at or below ``keys``."""
    yield keys
    for key in keys:
        if key.keys:
            yield from nested(key.keys)


def folder_with(folder: Path, text: str) -> Path:
    """Write an example beside what it needs: a policy beside rules, a rule beside a policy."""
    if "approver_allowlist:" in text:
        (folder / "policy.yaml").write_text(text)
        (folder / "rules.yaml").write_text(_RULE)
    else:
        shutil.copy(_ROOT / "rules" / "policy.yaml", folder)
        (folder / "rules.yaml").write_text(text)
    return folder


def test_the_tables_are_those_of_the_schema() -> None:
    """`make docs` would change nothing."""
    assert rewritten(_PAGE) == _PAGE


def test_every_mapping_of_the_schema_has_its_table() -> None:
    """No key is left out, and every table stands once under a heading that links lead to."""
    every = (*nested(schema.FILE), *nested(schema.POLICY), *nested(testing.FILE))
    wanted = {id(keys) for keys in every if keys is not schema.KINDS}
    assert wanted == {id(keys) for keys in TABLES.values()}
    assert sorted(re.findall(r"<!-- keys: (\w+) -->", _PAGE)) == sorted(TABLES)
    assert set(TABLES) <= anchors(_FILE)


@pytest.mark.parametrize("text", _YAML, ids=[f"example-{number}" for number, _ in enumerate(_YAML, 1)])
def test_an_example_does_what_it_says(tmp_path: Path, text: str) -> None:
    """It loads without a warning (shells aside), or is refused or warned about with the text of its first line."""
    says, _, expected = text.splitlines()[0].partition(": ")
    folder_with(tmp_path, text)
    if says == "# refused":
        with pytest.raises(RulesError) as caught:
            load(tmp_path)
        assert expected in str(caught.value)
        return
    warnings = load(tmp_path).warnings
    if says == "# warning":
        assert [expected in line for line in warnings] == [True]
    else:
        assert [line for line in warnings if "a shell runs" not in line] == []


@pytest.mark.parametrize(("examples", "verdict"), _TRAPS)
def test_a_query_of_the_table_is_judged_as_it_says(examples: str, verdict: str) -> None:
    """Refused, warned about, or taken."""
    for query in re.findall(r"`([^`]*)`", examples):
        if verdict.startswith("refused") or "refused:" in verdict:
            with pytest.raises(ConditionError):
                check_condition(query)
        else:
            assert bool(check_condition(query)) is verdict.startswith("warning")


def test_the_traps_are_found() -> None:
    """The table that the test above reads is there."""
    assert len(_TRAPS) == 9


def test_the_finding_is_shown_as_it_is(tmp_path: Path) -> None:
    """The example of a finding is what `lumen rules check` prints."""
    shown = _PAGE.split("A finding looks like this")[1].split("```text\n")[1].split("```")[0]
    folder_with(tmp_path, _RULE.replace("    actions", "    cooldwn: 600\n    actions"))
    with pytest.raises(RulesError) as caught:
        load(tmp_path)
    printed = render(caught.value.findings, sources(tmp_path))
    assert printed.replace(str(tmp_path / "rules.yaml"), "rules/disk.yaml") + "\n" == shown


def test_the_numbers_and_names_in_the_text_are_those_of_the_code() -> None:
    """What a command gets, how it is ended and what is kept of it."""
    assert f"`{FIXED['PATH']}`" in _PAGE
    assert all(f"`{name}`" in _PAGE for name in (*ALLOWED, f"{LABEL_PREFIX}<NAME>"))
    assert {f"`{name}={FIXED[name]}`" for name in ("LANG", "HOME")} <= set(re.findall(r"`[^`\n]+`", _PAGE))
    assert (GRACE, "KILL ten seconds later" in _PAGE) == (10.0, True)
    assert (CAPTURE_BYTES // 2048, "first and the last 8 KiB" in _PAGE) == (8, True)
    assert (_KEPT // 1024, "4 KiB of the answer" in _PAGE) == (4, True)
    assert (MAX_LOST, "repeated, up to five times" in _PAGE) == (5, True)
    assert f"`{runner_task_queue('<runner>')}`" in _PAGE
    assert DEFAULT_PATTERN in next(key.otherwise for key in schema.RULE if key.name == "params")


@given(st.integers(0, int(LONGEST)))
def test_a_duration_of_the_tables_is_read_back(seconds: int) -> None:
    """The tables write durations as the language does."""
    assert parse_duration(duration(seconds)) == seconds
