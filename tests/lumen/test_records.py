"""Entries for the ledger: the same facts give the same bytes, and what was written can be read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen import records
from lumen.canonical import canonical_json
from lumen.messages import ActionResult, ExecuteRequest, LedgerAppend
from lumen.names import action_key, alert_workflow_id
from lumen.outcome import ActionStatus, Outcome
from lumen.plan import Approval
from lumen.quorum import Vote, VoteBox
from tests.lumen.samples import NOW, at, attempt, firing, plan, vote

WORKFLOW = alert_workflow_id(firing().key)
KEY = action_key(WORKFLOW, "run", 1, "grow")
RESULT = ActionResult("grow", "cmd", KEY, ActionStatus.SUCCEEDED, "done", 1.5, {"exit_code": 0, "stdout": "ok"})
REQUEST = ExecuteRequest(firing(), WORKFLOW, plan().digest, "grow", KEY, tried=2, attempt=1, decision_seq=7)
APPROVING = (vote("alice@example.com"), vote("bob@example.com", seconds=5))


def decision(*votes: Vote, refs: tuple[int, ...] = (3, 4)) -> LedgerAppend:
    """Return the entry of a decision by these votes."""
    box = VoteBox()
    for one in votes:
        box.cast(one)
    tally = box.tally(Approval(approve=2), at(6))
    return records.decision_entry(firing(), plan(), tally, "run.1.1", at(6), list(refs))


def remediation(outcome: Outcome = Outcome.REMEDIATED, *results: dict[str, Any], planned: bool = True) -> LedgerAppend:
    """Return the entry of an attempt."""
    return records.remediation_entry(
        workflow_id=WORKFLOW,
        first_run_id="run",
        alert=firing(),
        plan=plan() if planned else None,
        rule=plan().rule if planned else "",
        attempt=replace(attempt(outcome), results=results, ran=any(one.get("status") != "dry_run" for one in results)),
        decision={"status": "approved", "seq": 7},
    )


def result(status: str) -> dict[str, Any]:
    """Return what an attempt keeps of one action."""
    return {"name": "grow", "kind": "cmd", "key": KEY, "status": status, "reason": "", "detail": {"stdout": "long"}}


ENTRIES: list[tuple[str, Callable[[], LedgerAppend]]] = [
    ("approval_quorum_decision", lambda: decision(*APPROVING)),
    ("override", lambda: records.override_entry(WORKFLOW, firing().key, {"decision": "cancel", "actor": "a"}, NOW)),
    ("action.started", lambda: records.claim_entry(REQUEST, plan().actions[0], plan(), "nonce", "run")),
    ("action.void", lambda: records.void_entry(KEY, 2, "its worker was lost", "run")),
    ("rules.loaded", lambda: records.rules_entry("sha256:00", ["disk-full", "host-down"])),
    ("action.finished", lambda: records.finished_entry(RESULT, 2, "nonce", WORKFLOW)),
    ("auto_remediation", lambda: remediation(Outcome.REMEDIATED, result("succeeded"))),
]


@pytest.mark.parametrize(("kind", "build"), ENTRIES)
def test_an_entry_is_json_of_its_kind_and_always_the_same(kind: str, build: Callable[[], LedgerAppend]) -> None:
    """Building an entry again gives the same key and the same bytes; its one part says its kind."""
    entry = build()
    [part] = entry.parts.values()
    assert entry.kind == part["type"] == kind
    assert (entry.idem, canonical_json(entry.parts)) == (build().idem, canonical_json(build().parts))
    assert json.loads(canonical_json(entry.parts)) == entry.parts


def test_entries_have_keys_of_their_own() -> None:
    """No two kinds of entry of one attempt meet under one key, but for a claim and the void that takes its place."""
    keys = {kind: build().idem for kind, build in ENTRIES}
    assert keys["action.started"] == keys["action.void"]
    assert len(set(keys.values())) == len(keys) - 1


@given(
    st.datetimes(datetime(1, 1, 2), datetime(9999, 12, 30)),  # noqa: DTZ001 - Hypothesis adds the zone itself
    st.integers(-1439, 1439),
)
def test_times_are_utc_with_milliseconds(moment: datetime, minutes: int) -> None:
    """Any moment, in any zone, is written in UTC as `2026-03-01T12:00:00.000Z` and reads back to the same millisecond."""
    aware = moment.replace(tzinfo=UTC)
    text = records.rfc3339(aware.astimezone(timezone(timedelta(minutes=minutes))))
    assert len(text) == 24
    assert text.endswith("Z")
    assert timedelta() <= aware - datetime.fromisoformat(text) < timedelta(milliseconds=1)


def test_a_decision_keeps_the_fields_of_the_contract() -> None:
    """Whoever reads the ledger finds the decision, the alert, the voters and the entry before in their places."""
    part = decision(*APPROVING).parts["approval"]
    assert part["decision"] == "approve"
    assert part["alert_key"] == firing().key
    assert part["alert_context"] == {
        "labels": firing().labels,
        "annotations": firing().annotations,
        "startsAt": firing().starts_at,
        "proof_ref_prev": 4,
    }
    assert [voter["actor"] for voter in part["voters"]["approve"]] == ["alice@example.com", "bob@example.com"]
    assert part["voters"]["reject"] == []
    assert part["voters"]["approve"][0] == {
        "actor": "alice@example.com",
        "channel": "link",
        "rank": "link",
        "at": "2026-03-01T12:00:00.000Z",
        "reason": "because",
    }
    assert (part["ts"], part["plan_digest"]) == ("2026-03-01T12:00:06.000Z", plan().digest)
    assert decision(*APPROVING, refs=()).parts["approval"]["alert_context"]["proof_ref_prev"] is None


def test_a_rejection_is_recorded_as_one() -> None:
    """A vote against that decided is in the entry as the decision and as a voter."""
    part = decision(APPROVING[0], vote("carol@example.com", "reject")).parts["approval"]
    assert part["decision"] == "reject"
    assert [voter["actor"] for voter in part["voters"]["reject"]] == ["carol@example.com"]


def test_the_same_request_decided_by_others_is_another_entry() -> None:
    """After a restore other people may decide the same request anew: both decisions have a place in the ledger."""
    assert decision(*APPROVING).idem != decision(APPROVING[0], vote("carol@example.com")).idem
    assert decision(*APPROVING).idem == decision(*reversed(APPROVING)).idem


def test_each_override_is_an_entry() -> None:
    """The same words at another time are another override."""
    first, second = (records.override_entry(WORKFLOW, "k", {"decision": "retry"}, at(seconds)) for seconds in (0, 1))
    assert first.idem != second.idem
    assert first.idem.startswith(f"{WORKFLOW}/override/")


def test_a_claim_names_what_starts_and_by_what_right() -> None:
    """A claim holds the start, its nonce, the digest of the action alone, and the entry of the decision."""
    entry = records.claim_entry(REQUEST, plan().actions[0], plan(), "nonce", "run")
    part = entry.parts["claim"]
    assert entry.idem == records.claim_idem(KEY, 2) == f"{KEY}/claim/2"
    assert not entry.first_wins
    assert (part["nonce"], part["tried"], part["decision_seq"]) == ("nonce", 2, 7)
    assert (part["action"], part["kind"], part["plan_digest"]) == ("grow", "cmd", plan().digest)
    other = records.claim_entry(REQUEST, replace(plan().actions[0], spec={"argv": ["true"]}), plan(), "nonce", "run")
    assert other.parts["claim"]["action_digest"] != part["action_digest"]


def test_a_claim_holds_no_secret_of_an_action() -> None:
    """Headers and addresses of a call are in the claim as a digest only."""
    assert "hunter2" not in repr(records.claim_entry(REQUEST, plan().actions[1], plan(), "nonce", "run").parts)


def test_a_rule_set_is_recorded_once_by_its_content() -> None:
    """Every worker that loads the same rules sends the same entry, and other rules are another entry."""
    first, second = (records.rules_entry(digest, ["disk-full"]) for digest in ("sha256:00", "sha256:01"))
    assert first.first_wins
    assert first.idem != second.idem
    assert first.parts["rules"]["rules"] == ["disk-full"]


def test_the_text_of_the_rules_is_recorded_if_it_can_be() -> None:
    """What is too long, or no Unicode, is left out, and the entry says that something is hidden."""
    part = records.rules_entry("sha256:00", ["disk-full"], "{}").parts["rules"]
    assert (part["text"], part["hidden"]) == ("{}", False)
    assert records.rules_entry("sha256:00", [], "{}", hidden=True).parts["rules"]["hidden"] is True
    for text in ("", "x" * 262_145, "\ue000" * 100_000, "\ud800"):
        part = records.rules_entry("sha256:00", ["disk-full"], text).parts["rules"]
        assert (part["text"], part["hidden"]) == ("", True)


def test_only_one_of_claim_and_void_can_exist() -> None:
    """A void has the claim's key and no nonce, and what is there already stands."""
    void = records.void_entry(KEY, 2, "lost", "run")
    assert (void.idem, void.parts["claim"]["nonce"], void.first_wins) == (records.claim_idem(KEY, 2), "", True)
    assert records.void_entry(KEY, 3, "lost", "run").idem != void.idem


@given(
    st.builds(
        ActionResult,
        name=st.text(),
        kind=st.sampled_from(["cmd", "http", "control_bus", "proof"]),
        key=st.text(),
        status=st.sampled_from(list(ActionStatus)),
        reason=st.text(),
        duration_sec=st.floats(0, 1e6),
        detail=st.dictionaries(st.text(), st.none() | st.integers() | st.text() | st.lists(st.text())),
    ),
    st.integers(1, 9),
)
def test_a_result_is_read_back_as_it_was_written(result: ActionResult, tried: int) -> None:
    """A result that went through the ledger's JSON is the result that was recorded, with a status of its own type."""
    entry = records.finished_entry(result, tried, "nonce", WORKFLOW)
    read = records.result_of(json.loads(json.dumps(entry.parts["result"])))
    assert read == result
    assert isinstance(read.status, ActionStatus)
    assert (entry.idem, entry.first_wins) == (records.finished_idem(result.key, tried), True)


def test_a_status_that_nobody_knows_is_not_read() -> None:
    """A result with an unknown word as its status is an error, not a result."""
    part = records.finished_entry(RESULT, 1, "nonce", WORKFLOW).parts["result"]
    with pytest.raises(ValueError, match="splendid"):
        records.result_of({**part, "status": "splendid"})


@pytest.mark.parametrize(
    ("statuses", "ran"), [([], False), (["dry_run"], False), (["dry_run", "unknown"], True), (["succeeded"], True)]
)
def test_an_attempt_says_whether_anything_ran(statuses: list[str], ran: bool) -> None:
    """An attempt ran when an action did or may have; a dry run does not count."""
    assert remediation(Outcome.CANCELLED, *map(result, statuses)).parts["remediation"]["ran"] is ran


def test_an_attempt_is_recorded_once_with_the_heads_of_its_actions() -> None:
    """The entry's key names run and attempt; of each action it holds how it ended and not its output."""
    entry = remediation(Outcome.REMEDIATED, result("succeeded"))
    part = entry.parts["remediation"]
    assert (entry.idem, entry.first_wins) == (f"{WORKFLOW}/run/1/auto_remediation", True)
    assert part["actions"] == [{"name": "grow", "kind": "cmd", "key": KEY, "status": "succeeded", "reason": ""}]
    assert (part["outcome"], part["rule"], part["target"]) == ("remediated", "disk-full", "db-1")
    assert part["decision"] == {"status": "approved", "seq": 7}


def test_an_attempt_without_a_plan_is_recorded_too() -> None:
    """A refusal before any plan was made has an entry with nothing in the places of the plan."""
    part = remediation(Outcome.REFUSED, planned=False).parts["remediation"]
    assert [part[name] for name in ("rule", "mode", "dry_run", "target", "plan_digest", "rules_digest")] == [None] * 6
