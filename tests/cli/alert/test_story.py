"""An episode at a terminal: whose turn it is comes first, nothing that is copied is cut, nothing is lost."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.alert.outputs import output_lines, result_line
from cli.alert.plain import plain_fields
from cli.alert.story import decided, story
from cli.layout import Field, cells, fields
from cli.output import print_fields
from lumen.display import printable
from tests.cli.alert.samples import DIGEST, KEY, NOW, asking, attempt, vote
from tests.cli.test_output import HOSTILE, is_harmless

PHONE = """\
key        request-0aa043e5d176c819
state      awaiting_approval
outcome    failed
needs      1 more to approve (1 of 2 did),
           or 1 to reject
waits for  alice@example.com
           carol@example.com
expires    in 41m
voted      approve bob@example.com by token,
           2m ago
"""


def shown(document: dict[str, Any], width: int) -> list[str]:
    """Return the lines of an episode in a width."""
    return fields(story(document, NOW), width)


def test_on_a_phone_the_first_lines_say_whose_turn_it_is() -> None:
    """State, what is missing, who can give it and until when stand before everything else."""
    assert "\n".join(shown(asking(), 44)).startswith(PHONE)


@pytest.mark.parametrize("width", [24, 40, 44, 60, 120])
def test_what_people_copy_is_whole_at_every_width(width: int) -> None:
    """Key, target, command, condition, digest and ids are each in one line; no other line is too long."""
    document = asking()
    lines = shown(document, width)
    copied = {item.value for item in story(document, NOW) if isinstance(item, Field) and item.copy}
    for value in (KEY, DIGEST, "/usr/sbin/lvextend -L +10G /dev/vg0/data", document["plan"]["condition"], "run.2.1"):
        assert value in copied
        assert any(line.endswith(value) for line in lines)
    assert all(cells(line) <= width or line in copied for line in lines)


def test_an_ended_attempt_tells_who_decided_and_what_was_printed() -> None:
    """Outcome, age, decision with its ledger entry, votes, exit code, both streams, reason."""
    text = "\n".join(shown(asking(), 100))
    for expected in (
        "ATTEMPT 1: failed, 25m ago, took 5m",
        "reason     grow: exit code 3",
        "decided    approve by votes, ledger 4",
        "voted      approve bob@example.com by token, 29m ago: looks right",
        "ran        grow failed: exit code 3, 1.2 s",
        "stdout     growing\n           extent 1",
        "stderr     no space",
        "ledger     4 5 6 7",
        "status     requested by alice@example.com, 31m ago",
        "heard      3 times",
    ):
        assert expected in text


def test_what_is_not_known_is_left_out() -> None:
    """A document without a plan, approval or attempts, as it is known without a worker, is shown as far as it goes."""
    text = "\n".join(shown({"key": KEY, "state": "planning", "stale": True, "labels": {"a": "b"}}, 44))
    assert "no worker answers now" in text
    assert "PLAN" not in text
    assert "ATTEMPT" not in text
    assert "None" not in text


@pytest.mark.parametrize(
    ("decision", "line"),
    [
        (None, ""),
        ({"by": "votes", "decision": "reject", "seq": 9}, "reject by votes, ledger 9"),
        (
            {"by": "override", "decision": "cancel", "actor": "bob@example.com", "seq": 0, "reason": "no"},
            "cancel by override of bob@example.com, ledger 0: no",
        ),
        ({"by": "timeout", "decision": "approve"}, "approve by timeout"),
    ],
)
def test_each_way_to_decide_reads_well(decision: dict[str, Any] | None, line: str) -> None:
    """Votes, an override, silence, or nobody."""
    assert decided(attempt(decision=decision)) == line


def output(head: str, tail: str = "", truncated: bool = False) -> list[str]:
    """Return what is shown of one stream."""
    captured = {"head": head, "tail": tail, "bytes": 5000, "truncated": truncated}
    return [line for _, line in output_lines({"detail": {"stdout": captured}})]


def test_long_output_shows_its_beginning_and_its_end() -> None:
    """A few lines are all there; of many the first and last, with how much is between; so too where it was cut before."""
    assert output("one\ntwo\n") == ["one", "two"]
    assert output("\n".join(str(number) for number in range(9))) == [str(number) for number in range(9)]
    many = output("\n".join(str(number) for number in range(100)))
    assert many == ["0", "1", "2", "… 92 lines …", "95", "96", "97", "98", "99"]
    cut = output("a\nb\nc\nd\n", "e\nf\n", truncated=True)
    assert cut == ["a", "b", "c", "… 5000 bytes in all …", "e", "f"]
    assert output("") == []


def test_a_result_says_how_it_ended() -> None:
    """Exit code, signal or HTTP status beside the reason, each once."""
    assert result_line(attempt()["results"][0]) == "grow failed: exit code 3, 1.2 s"
    assert result_line({"name": "a", "status": "succeeded", "detail": {"status_code": 204}}) == "a succeeded: HTTP 204"
    assert result_line({"name": "a", "status": "unknown", "reason": "lost"}) == "a unknown: lost"


def test_the_plain_form_has_absolute_times_and_one_line_a_fact() -> None:
    """For pipes and files: nothing relative, nothing folded, every person and every ended attempt on a line."""
    told = list(plain_fields(asking()))
    assert ("waits for", "carol@example.com") in told
    assert ("missing", 1) in told
    assert ("expires", "2026-03-01T12:41:30.000Z") in told
    assert ("attempt", "1 failed grow: exit code 3") in told
    assert ("decided", "1 approve by votes, ledger 4") in told
    assert ("voted", "1 approve bob@example.com token 2026-03-01T11:31:00.000Z looks right") in told
    assert ("result", "1 grow failed: exit code 3, 1.2 s") in told
    assert ("stderr", "1 no space") in told
    assert ("run ended", "terminated") in list(plain_fields(asking(open=False, run_status="terminated")))


@given(st.text(max_size=80), st.integers(24, 130))
def test_whatever_the_words_are_they_are_shown_whole_and_harmless(text: str, width: int) -> None:
    """Labels, reasons, voters, commands and outputs from outside move no terminal; the key stays whole."""
    document = asking(
        state_reason=text,
        target=text,
        labels={text: text},
        annotations={"summary": text},
        attempts=[attempt(reason=text, votes={"approve": [vote(text, reason=text)], "reject": []})],
    )
    lines = shown(document, width)
    assert is_harmless("\n".join(lines))
    assert any(line.endswith(KEY) for line in lines)
    whole = "".join(lines).replace(" ", "")
    assert printable(f"{text}={text}").replace(" ", "") in whole


def test_hostile_text_is_harmless_in_the_plain_form(capsys: pytest.CaptureFixture[str]) -> None:
    """The plain form goes out through the same printing as every other field."""

    print_fields(plain_fields(asking(state_reason=HOSTILE, labels={HOSTILE: HOSTILE})))
    assert is_harmless(capsys.readouterr().out)
