"""``lumen rules backtest``, over files and over the ledger of a real proofd."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lumen.alert import Alert, fingerprint
from lumen.episode import Attempt
from lumen.messages import LedgerAppend
from lumen.outcome import Outcome
from lumen.plan import Plan
from lumen.quorum import Tally
from lumen.records import decision_entry, remediation_entry
from rules.loader import load
from rules.match import rule_for
from rules.planner import plan_for
from tests.cli.conftest import Lumen
from tests.stack.calling import calls
from tests.stack.processes import Child
from tests.stack.rulebook import Rulebook

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def item(
    name: str, instance: str = "h1", status: str = "firing", start: str = "2026-03-01T00:00:00Z"
) -> dict[str, Any]:
    """Return an alert as Alertmanager sends it."""
    return {"labels": {"alertname": name, "instance": instance}, "annotations": {}, "startsAt": start, "status": status}


def books(folder: Path) -> None:
    """Write the current rules and others in which Full runs something else."""
    Rulebook(folder / "rules").add("Full", actions=[{"cmd": ["/bin/a", "{labels.instance}"]}])
    Rulebook(folder / "new").add("Full", actions=[{"cmd": ["/bin/b", "{labels.instance}"]}])


FILES = {
    "alerts, one a line": "\n".join(json.dumps(item("Full", instance)) for instance in ("h1", "h2", "h1")),
    "notifications": json.dumps({"alerts": [item("Full"), item("Full", "h2"), item("Full")]}) + "\n",
    "an array over lines": json.dumps([item("Full"), item("Full", "h2"), item("Full")], indent=2),
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_file_is_read_in_any_of_its_forms(lumen: Lumen, clean_place: Path, text: str) -> None:
    """Repeats of an episode count once; every rule is listed with what it does."""
    books(clean_place)
    (clean_place / "past.jsonl").write_text(text)
    ran = lumen("rules", "backtest", "past.jsonl", "--json")
    assert ran.code == 0, ran.err
    assert (ran.document["episodes"], ran.document["left_out"]["repeats"]) == (2, 1)
    assert ran.document["rules"]["Full"]["modes"] == {"approve": 2}
    assert ran.document["changes"] == []


def test_other_rules_are_compared_with_the_current_ones(lumen: Lumen, clean_place: Path) -> None:
    """What changes, for which alerts and why; in both directions; resolved alerts start nothing."""
    books(clean_place)
    lines = [item("Full"), item("Other"), item("Full", "h3", "resolved")]
    (clean_place / "past.jsonl").write_text("\n".join(map(json.dumps, lines)))
    ran = lumen("rules", "backtest", "past.jsonl", "--rules", "new")
    assert ran.code == 0
    assert "  actions: /bin/a h1 -> /bin/b h1" in ran.out.splitlines()
    assert ran.out.splitlines()[-1] == "2 episodes, 1 treated otherwise; 0 repeats and 1 resolved are left out"
    back = lumen("rules", "backtest", "past.jsonl", "--against", "new", "--json").document
    assert back["changes"][0]["changes"] == [{"what": "actions", "before": "/bin/b h1", "after": "/bin/a h1"}]
    assert back["unmatched"] == {"before": 1, "after": 1}


def test_many_alerts_are_counted_and_few_are_shown(lumen: Lumen, clean_place: Path) -> None:
    """Ten thousand episodes: the counts are whole, the list is short, the JSON has every one."""
    books(clean_place)
    (clean_place / "past.jsonl").write_text("\n".join(json.dumps(item("Full", f"h{n}")) for n in range(10_000)))
    ran = lumen("rules", "backtest", "past.jsonl", "--rules", "new")
    assert "10000 episodes, 10000 treated otherwise" in ran.out
    assert len(ran.out.splitlines()) < 60
    assert len(lumen("rules", "backtest", "past.jsonl", "--rules", "new", "--json").document["changes"]) == 10_000


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (json.dumps(item("Full")) + "\nnonsense", "past.jsonl:2: no JSON"),
        ('{"labels": {}}', "past.jsonl:1: this is no alert"),
        ('{"alerts": [1]}', "past.jsonl:1: this is no alert"),
        ("\n7\n", "past.jsonl:2: this is no alert"),
    ],
)
def test_what_is_no_alert_is_told_with_its_line(lumen: Lumen, clean_place: Path, text: str, said: str) -> None:
    """Exit code 1: half of the past would be a wrong answer."""
    books(clean_place)
    (clean_place / "past.jsonl").write_text(text)
    ran = lumen("rules", "backtest", "past.jsonl")
    assert (ran.code, said in ran.err) == (1, True)


@pytest.mark.parametrize("arguments", [[], ["past.jsonl", "--from", "ledger"], ["--from", "memory"]])
def test_it_must_be_said_which_alerts(lumen: Lumen, clean_place: Path, arguments: list[str]) -> None:
    """A file or the ledger, not both and nothing else."""
    books(clean_place)
    assert lumen("rules", "backtest", *arguments).code == 2


def entries(folder: Path, instance: str, start: str, *, voted: bool) -> list[LedgerAppend]:
    """Return what one attempt leaves in the ledger, by the code of the core."""
    labels = {"alertname": "Full", "instance": instance}
    sent = Alert("alertmanager", fingerprint(labels), labels, NOW, {"summary": "full"}, starts_at=start)
    ruleset = load(folder)
    rule = rule_for(sent, ruleset)
    assert rule is not None
    plan = plan_for(sent, rule, ruleset)
    assert isinstance(plan, Plan)
    votes = [decision_entry(sent, plan, Tally("approved", (), ()), f"run.{instance}{start}", NOW, [])]
    ended = remediation_entry(
        workflow_id=f"alert-{sent.key}",
        first_run_id=f"run-{start}",
        alert=replace(sent, starts_at=start),
        plan=plan,
        rule=plan.rule,
        attempt=Attempt(1, Outcome.REMEDIATED, NOW, NOW),
        decision=None,
    )
    return [*(votes if voted else []), ended]


def test_the_alerts_of_the_ledger_are_tried_again(
    lumen: Lumen,
    clean_place: Path,
    start_proofd: Callable[[], tuple[Child, str]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each attempt and its decision are one episode; where nobody voted, annotations are not known."""
    books(clean_place)
    Rulebook(clean_place / "new").add("Full", actions=[{"cmd": ["/bin/b", "{annotations.summary}"]}])
    url = start_proofd()[1]
    monkeypatch.setenv("PROOFD_URL", url)
    monkeypatch.setenv("PROOFD_TOKEN", "proofd-token")
    for number in range(3):
        for each in entries(clean_place / "rules", "h1", f"2026-03-0{number + 1}T00:00:00Z", voted=number > 0):
            body = {"idem": each.idem, "kind": each.kind, "parts": each.parts}
            headers = {"Authorization": "Bearer proofd-token"}
            calls().post(f"{url}/append", json=body, headers=headers).raise_for_status()
    ran = lumen("rules", "backtest", "--from", "ledger", "--rules", "new", "--json")
    assert ran.code == 0, ran.err
    assert ran.document["episodes"] == 3
    assert ran.document["rules"]["Full"]["modes"] == {"unknown": 1, "approve": 2}
    assert ran.document["changes"][1]["changes"] == [{"what": "actions", "before": "/bin/a h1", "after": "/bin/b full"}]
