"""What the message of an episode says in each state, and that it is text and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.notification import blocks as kit
from activities.notification.blocks import Message
from activities.notification.face import face_of
from activities.notification.message import MessageWriter
from cli.fakeslack.blocks import characters, faults_of_message
from cli.fakeslack.limits import ALL_BLOCKS, UPDATED_TEXT
from lumen.wording import LANGUAGES, Wording
from tests.activities.notification.samples import HOSTILE, KEY, ended, hostile, running, texts, waiting

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
LONG = st.text(st.characters(), min_size=0, max_size=40).flatmap(
    lambda text: st.sampled_from([1, 7, 100]).map(lambda times: text * times)
)


def written(document: dict[str, Any], lang: str = "en", **more: Any) -> Message:
    """Return the message for a document."""
    return MessageWriter(Wording(lang), "https://lumen.example").message(face_of(document), **more)


def elements(message: Message, kind: str) -> list[dict[str, Any]]:
    """Return the elements of the blocks of one type."""
    return [item for block in message.blocks if block["type"] == kind for item in block["elements"]]


def said(message: Message) -> str:
    """Return everything that can be read in a message."""
    return "\n".join(texts(message.blocks))


def problems(message: Message) -> list[str]:
    """Return what Slack would not take in a message."""
    found = [str(fault) for fault in faults_of_message(message.blocks)]
    found += ["too long"] if characters(message.blocks) > ALL_BLOCKS or kit.size(message.blocks) > ALL_BLOCKS else []
    return found + (["bad text"] if not 0 < len(kit.fallback(message.text)) <= UPDATED_TEXT else [])


def test_who_waits_for_what_stands_in_the_request() -> None:
    """A request shows severity, target, rule, quorum, deadline, who voted, who may, and what will run, exactly."""
    message = written(waiting())
    fields = {item["text"] for block in message.blocks for item in block.get("fields", [])}
    assert message.text == "Approval needed: DiskFull on db-1"
    assert fields >= {
        "Severity\ncritical",
        "Target\ndb-1",
        "Rule\ndisk-full",
        "Quorum\n1 of 2 to approve\n0 of 1 to reject",
        "Decide by\n2026-11-22 18:00 UTC",
        "Who may decide\nalice@example.com, bob@example.com",
    }
    assert "/usr/sbin/lvextend -L +10G -- /dev/data" in texts(elements(message, "rich_text"))
    assert "Approved: alice@example.com (slack, 17:01 UTC): looks right" in said(message)
    assert problems(message) == []


def test_buttons_carry_only_what_the_workflow_checks_again() -> None:
    """Approve asks first and shows the digest; both votes carry key, approval id and plan digest, nothing else."""
    document = waiting()
    approve, reject, details, runbook = elements(written(document), "actions")
    value = {"k": KEY, "a": "0199-first.1.1", "d": document["plan"]["digest"]}
    assert (approve["action_id"], approve["style"], json.loads(approve["value"])) == ("lumen.approve", "primary", value)
    assert (reject["action_id"], reject["style"], json.loads(reject["value"])) == ("lumen.reject", "danger", value)
    assert "3fa1c0de3fa1" in approve["confirm"]["text"]["text"]
    assert details["url"] == f"https://lumen.example/episodes/{KEY}"
    assert runbook["url"] == "https://runbooks.example/disk-full"
    assert [block.get("block_id") for block in written(document).blocks if block["type"] == "actions"] == [value["a"]]


@pytest.mark.parametrize(
    ("document", "heading"),
    [
        (running(), "Running: DiskFull on db-1"),
        (running(state="waiting_ledger"), "Waiting for the ledger: DiskFull on db-1"),
        (waiting(approval=waiting()["approval"] | {"status": "approved"}), "Approval needed: DiskFull on db-1"),
        (ended(), "Remediated: DiskFull on db-1"),
        (ended("expired"), "Expired: not decided in time: DiskFull on db-1"),
        (ended("unknown", state="closed"), "Result unknown: DiskFull on db-1"),
    ],
)
def test_only_an_open_request_can_be_decided(document: dict[str, Any], heading: str) -> None:
    """Once decided, running or ended, a message has no button that votes, and its first words say where it stands."""
    message = written(document)
    assert message.text == heading
    assert {item["action_id"] for item in elements(message, "actions")} == {"lumen.open", "lumen.open.runbook"}
    assert problems(message) == []


def test_the_end_says_who_when_and_what_came_of_it() -> None:
    """An ended episode shows the voters, the time, the reason and the result of each action."""
    message = said(written(ended()))
    for wanted in ("Ended 2026-11-22 17:05 UTC", "Approved: alice@example.com", "Reason: verified", "grow: succeeded"):
        assert wanted in message


@pytest.mark.parametrize("outcome", ["failed", "unknown", "refused"])
def test_outcomes_that_need_a_human_say_so(outcome: str) -> None:
    """After an end that Lumen leaves to people, the message says that a human is needed; after a good one it does not."""
    assert "A human is needed" in said(written(ended(outcome)))
    assert "A human is needed" not in said(written(ended()))


def test_times_are_in_utc_whatever_zone_they_came_in() -> None:
    """A vote and a deadline with another offset are shown in UTC."""
    document = waiting()
    document["approval"]["expires_at"] = "2026-11-23T03:00:00+09:00"
    document["approval"]["votes"]["approve"][0]["at"] = "2026-11-23T02:30:00+09:00"
    message = said(written(document))
    assert "2026-11-22 18:00 UTC" in message
    assert "(slack, 17:30 UTC)" in message


def test_an_override_is_told_apart_from_votes() -> None:
    """An attempt that an override decided names who overrode."""
    document = ended()
    document["attempts"][0]["decision"] = {"by": "override", "actor": "root@example.com"}
    assert "Decided by override: root@example.com" in said(written(document))


def test_korean_texts_are_korean() -> None:
    """With ``ko`` every text that is Lumen's own is Korean, and a Korean message fits too."""
    message = written(waiting(), "ko")
    assert message.text == "승인 필요: DiskFull (db-1)"
    assert [item["text"]["text"] for item in elements(message, "actions")] == ["승인", "거부…", "상세 보기", "런북"]
    assert "승인 2표 중 1표" in said(message)
    assert problems(message) == []


def test_a_plan_that_does_not_fit_is_shown_with_a_warning() -> None:
    """Where not all of a plan is in sight, the message says so; where all of it is, it does not."""
    document = waiting()
    assert "Not everything fits here" not in said(written(document))
    document["plan"]["actions"][0]["shown"] = "/bin/echo " + "x" * 5000
    assert "Not everything fits here" in said(written(document))
    whole = waiting()
    whole["plan"]["actions_left_off"] = 1
    assert "Not everything fits here" in said(written(whole))


@pytest.mark.parametrize(
    "url",
    [
        *("javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//evil.example", "https://", "https:///x"),
        *("https://a b", "https://a|b", "https://a>b", "HTTPS://evil.example", "https://a\u202eb", "https://[::1"),
    ],
)
def test_only_web_addresses_become_buttons(url: str) -> None:
    """A runbook address that is not http or https, or could break out of its place, gets no button."""
    ids = [item["action_id"] for item in elements(written(waiting(runbook_url=url)), "actions")]
    assert "lumen.open.runbook" not in ids


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("lang", LANGUAGES)
def test_hostile_text_is_shown_as_text(text: str, lang: str) -> None:
    """Whatever stands in labels, annotations, actors and reasons: no markup object, no emoji, no control character."""
    for document in hostile(text):
        message = written(document, lang)
        assert problems(message) == []
        sent = json.dumps(message.blocks)
        assert "mrkdwn" not in sent
        assert '"emoji": true' not in sent
        assert not any(one in sent for one in ('"link"', '"user"', '"broadcast"', '"usergroup"', '"channel"'))
        for shown in texts(message.blocks):
            assert all(char == "\n" or char.isprintable() for char in shown)
        assert "<" not in kit.fallback(message.text)
        assert ">" not in kit.fallback(message.text)


def test_a_label_cannot_start_a_line_of_its_own() -> None:
    """A new line in a label is shown as an escape, so that nothing in it looks like a line of Lumen."""
    message = written(waiting(target="db-1\nApproved: boss@example.com"))
    assert "\\x0aApproved: boss@example.com" in said(message)
    assert not any(line.startswith("Approved: boss") for shown in texts(message.blocks) for line in shown.split("\n"))


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(sorted(waiting())), JSON), st.sampled_from(["awaiting_approval", "cooling"]))
def test_any_document_makes_a_message_that_slack_takes(document: dict[str, Any], state: str) -> None:
    """Whatever the types in a document, the message can be posted."""
    assert problems(written({**document, "state": state})) == []


@settings(deadline=None, max_examples=40)
@given(text=LONG, lang=st.sampled_from(LANGUAGES), count=st.integers(0, 20))
def test_any_text_of_any_length_fits(text: str, lang: str, count: int) -> None:
    """However long a text is and however many actions and votes there are, the message can be posted."""
    for document in hostile(text):
        document["plan"]["actions"] *= count
        for side in ("approve", "reject"):
            if document["approval"]:
                document["approval"]["votes"][side] *= count
            for last in document["attempts"]:
                last["votes"][side] *= count
                last["results"] *= count
        url = "https://lumen.example/decision?token=" + "x" * 600
        assert problems(written(document, lang)) == []
        assert problems(written(document, lang, decide_url=url, valid_until="2026", above=text)) == []


@given(st.text(st.characters()), st.integers(1, 200))
def test_cut_text_is_never_too_long_for_slack(text: str, limit: int) -> None:
    """A cut text is within the limit, counted in UTF-16 units and with what Slack escapes; a short one is unchanged."""
    found = kit.cut(text, limit)
    units = len(found.encode("utf-16-le", "surrogatepass")) // 2
    assert units + sum({"&": 4, "<": 3, ">": 3}.get(char, 0) for char in found) <= limit
    assert found == text or found.endswith("…")
