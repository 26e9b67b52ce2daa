"""The checker of chaos trials on damaged evidence, and on trials in which Temporal's database was put back."""

from __future__ import annotations

import json
import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.checking.judge import judge
from tests.chaos.planting.bugs import doubled_action, lost_alert, two_runs
from tests.chaos.planting.more_bugs import BUGS
from tests.chaos.planting.tampering import Copy, Record

JUNK: list[Any] = [None, True, -1, 1e308, 10**400, "", "x", "\ud800", [], [[]], [None], {}, {"a": 1}, {"alerts": [3]}]


def classes(folder: Path) -> set[str]:
    """Return the classes of all findings; fails if a check could not be done."""
    findings = judge(folder)["findings"]
    assert not [finding for finding in findings if "could not be done" in finding["text"]], findings
    return {finding["class"] for finding in findings}


def put_back(evidence: Copy, copied: float, restored: float) -> None:
    """Let the trial say that Temporal's database was put back."""
    back = {"copied": copied, "stopped": restored, "restored": restored}
    evidence.change("trial.json", lambda trial: trial.update(put_back=back))


def test_any_changed_byte_of_the_export_is_found(evidence: Copy) -> None:
    """Of every file of the export 20 bytes, changed one after another, are each found as a broken ledger."""
    chance = random.Random(20)  # noqa: S311 - repeatable, not secret
    for file in sorted(path for path in (evidence.folder / "export").rglob("*") if path.is_file()):
        content = file.read_bytes()
        for _ in range(20):
            place = chance.randrange(len(content))
            changed = content[place] ^ (1 << chance.randrange(8))
            file.write_bytes(content[:place] + bytes([changed]) + content[place + 1 :])
            assert "ledger_broken" in classes(evidence.folder), (file.name, place)
        file.write_bytes(content)
    assert classes(evidence.folder) == set()


def test_a_missing_or_foreign_file_is_found(evidence: Copy) -> None:
    """Each file that is gone, empty, cut, no UTF-8 or other JSON is a finding or harmless, never a crash."""
    kept = {path: path.read_bytes() for path in evidence.folder.rglob("*") if path.is_file()}
    ways: list[Callable[[bytes], bytes | None]] = [
        lambda _: None,
        lambda content: content[: len(content) // 2],
        lambda _: b"\xff\xfe\x00",
        lambda _: b"[" * 100_000,
    ]
    for path, content in kept.items():
        for way in ways:
            damaged = way(content)
            if damaged is None:
                path.unlink()
            else:
                path.write_bytes(damaged)
            found = classes(evidence.folder)
            # Metrics add little, and that a guard has no history says nothing: rules without one have none.
            assert found or path.parent.name == "metrics" or path.name.startswith(("budget-", "target-")), path.name
        path.write_bytes(content)
    assert classes(evidence.folder) == set()


def test_an_empty_folder_is_a_finding(tmp_path: Path) -> None:
    """Nothing at all is never a good trial."""
    assert classes(tmp_path) >= {"evidence", "ledger_broken"}
    assert classes(tmp_path / "nowhere") >= {"evidence", "ledger_broken"}


def test_no_value_of_a_wrong_type_makes_a_check_fail(evidence: Copy) -> None:
    """Whatever stands in the place of a value of any JSON file, or of what the ledger says: every check is still done."""
    chance = random.Random(21)  # noqa: S311 - repeatable, not secret
    names = ["trial.json", "alerts.json", "sent.jsonl", "votes.jsonl", "heads.jsonl"]
    names += [f"histories/{path.name}" for path in (evidence.folder / "histories").iterdir()]

    def some(line: Any) -> Any:
        return spoiled(line, chance) if chance.random() < 0.3 else line

    for _ in range(150):
        name = chance.choice(names)
        content = (evidence.folder / name).read_text()
        if name.endswith(".jsonl"):
            evidence.lines(
                name, lambda lines: [spoiled(lines, chance)] if chance.random() < 0.1 else [*map(some, lines)]
            )
        else:
            (evidence.folder / name).write_text(json.dumps(spoiled(json.loads(content), chance)))
        classes(evidence.folder)
        (evidence.folder / name).write_text(content)
    for _ in range(20):
        copied = evidence.folder.with_name("spoiled")
        shutil.copytree(evidence.folder, copied)
        spoil = Copy(copied)
        records = spoil.records()
        for _ in range(5):
            record = chance.choice(records)
            data = spoiled(record.data, chance, (*JUNK[:5], *JUNK[5:7], *JUNK[8:]))
            record.data = data if isinstance(data, dict) else {}
        spoil.rewrite(lambda _, records=records: records)  # type: ignore[misc]  # bound now, on purpose
        classes(copied)
        shutil.rmtree(copied)


def spoiled(value: Any, chance: random.Random, junk: Any = JUNK) -> Any:
    """Return the document with one value, anywhere in it, replaced."""
    inner = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else []
    if not inner or chance.random() < 0.1:
        return chance.choice(junk)
    place = chance.choice(inner)
    value[place] = spoiled(value[place], chance, junk)
    return value


def test_a_put_back_explains_what_temporal_forgot(evidence: Copy) -> None:
    """What was accepted between copy and restore may be gone: it is named under the counts, and is no finding."""
    trial = evidence.read("trial.json")
    lost_alert(evidence)
    put_back(evidence, trial["began"], trial["ended"])
    document = judge(evidence.folder)
    assert document["findings"] == []
    assert "accepted at" in " ".join(document["counts"]["put_back"]["names"])
    put_back(evidence, trial["ended"], trial["ended"] + 1)
    assert classes(evidence.folder) == {"lost"}


def test_a_put_back_explains_runs_that_a_guard_forgot(evidence: Copy) -> None:
    """More runs than the budget are explained only if it kept within it before and after by themselves."""
    trial = evidence.read("trial.json")
    BUGS["a third run of a budget of two"][2](evidence)
    budget = evidence.starts("Budget")
    put_back(evidence, trial["ended"] + 60, trial["ended"] + 61)
    assert "guard_exceeded" in classes(evidence.folder)
    put_back(evidence, trial["began"], budget[-1] - 0.01)
    assert "guard_exceeded" not in classes(evidence.folder)


@pytest.mark.parametrize("plant", [doubled_action, two_runs])
def test_a_put_back_explains_no_second_start_with_the_same_key(evidence: Copy, plant: Callable[[Copy], None]) -> None:
    """The ledger outlives the database: the same key twice, or two open runs, stay findings."""
    trial = evidence.read("trial.json")
    plant(evidence)
    put_back(evidence, trial["began"], trial["ended"])
    assert "doubled" in classes(evidence.folder)


@pytest.mark.parametrize("thawed", [False, True])
def test_what_a_put_back_forgot_acts_again_only_after_a_thaw(evidence: Copy, thawed: bool) -> None:
    """A new run claims what a run that Temporal forgot has claimed: wrong, unless somebody thawed in between."""
    trial, key = evidence.read("trial.json"), evidence.key("once")
    put_back(evidence, trial["began"], trial["ended"])

    def forgotten(records: list[Record]) -> list[Record]:
        first = next(place for place, one in enumerate(records) if one.kind == "action.started" and key in one.idem)
        claim = records[first]
        workflow, run, rest = claim.data["key"].split("/", 2)
        claim.data["key"] = f"{workflow}/{run[:-4]}0000/{rest}"
        claim.idem = claim.idem.replace(run, f"{run[:-4]}0000")
        thaw = Record(claim.at, "lumen-freeze/thaw", "override", "override", {"decision": "unfreeze"})
        return [*records[: first + 1], *([thaw] if thawed else []), *records[first + 1 :]]

    evidence.rewrite(forgotten)
    document = judge(evidence.folder)
    told = [finding["text"] for finding in document["findings"] if finding["class"] == "doubled"]
    assert any("nobody has thawed" in text for text in told) is not thawed
    assert document["counts"].get("claims_after_a_thaw", 0) == (1 if thawed else 0)
