"""What is said in the thread of an episode."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from activities.notification import blocks as kit
from activities.notification.lines import LineWriter
from activities.notification.message import MessageWriter
from cli.fakeslack.blocks import faults_of_message
from lumen.display import printable
from lumen.showing import Line, Note
from lumen.wording import LANGUAGES, Wording
from tests.activities.notification.samples import AT, HOSTILE, line

NAMES = ("attempt", "minutes", "people", "actor", "decision", "channel", "reason", "name", "status", "outcome", "text")


def writer(lang: str = "en") -> LineWriter:
    """Return a writer of lines in one language."""
    words = Wording(lang)
    return LineWriter(words, MessageWriter(words, "https://lumen.example"))


@pytest.mark.parametrize(
    ("said", "wanted"),
    [
        (line(Note.ASKED, attempt="2"), "Attempt 2: approval was asked for."),
        (line(Note.REMINDER, minutes="50"), "Reminder: still waiting for a decision, 50 min left."),
        (
            line(Note.ESCALATED, minutes="40", people="carol@example.com"),
            "Escalated: now these people may decide too: carol@example.com. 40 min left.",
        ),
        (line(Note.VOTE, actor="a@b.c", decision="approve", channel="link", reason=""), "a@b.c approved (link)."),
        (
            line(Note.VOTE, actor="a@b.c", decision="reject", channel="slack", reason="not now"),
            "a@b.c rejected (slack). Reason: not now",
        ),
        (
            line(Note.OVERRIDE, actor="a@b.c", decision="cancel", reason="wrong host"),
            "OVERRIDE by a@b.c: cancel. The quorum was bypassed. Reason: wrong host",
        ),
        (line(Note.ACTION, name="grow", status="failed", reason="exit 5"), "grow: failed. Reason: exit 5"),
        (line(Note.ENDED, attempt="1", outcome="remediated", reason=""), "Attempt 1 ended: Remediated."),
        (
            line(Note.NEEDS_HUMAN, reason="attempts_used_up", text="3 attempts"),
            "A human is needed: all attempts are used up. Reason: 3 attempts",
        ),
        (line(Note.NEEDS_HUMAN, reason="unknown", text=""), "A human is needed: Result unknown."),
    ],
)
def test_each_note_has_its_sentence(said: Line, wanted: str) -> None:
    """Every kind of line says what happened, when, and why if somebody gave a reason."""
    assert writer().text(said) == f"2026-11-22 17:00 UTC · {wanted}"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("note", list(Note))
@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_values_are_text(note: Note, text: str, lang: str) -> None:
    """Whatever an actor, a reason or an action is called, a line is one plain text without control characters."""
    message = writer(lang).message(Line("1", note, dict.fromkeys(NAMES, text), AT))
    assert faults_of_message(message.blocks) == []
    assert message.blocks[0]["text"]["emoji"] is False
    assert message.blocks[0]["text"]["type"] == "plain_text"
    assert "<" not in kit.fallback(message.text)
    assert message.text == printable(message.text)
    assert "\n" not in message.blocks[0]["text"]["text"]


@settings(deadline=None)
@given(
    st.sampled_from(list(Note)),
    st.dictionaries(st.sampled_from(NAMES), st.text(st.characters()).map(lambda text: text * 300)),
    st.sampled_from(LANGUAGES),
)
def test_any_line_fits(note: Note, values: dict[str, str], lang: str) -> None:
    """Whatever values a line has, or lacks, Slack takes it."""
    assert faults_of_message(writer(lang).message(Line("1", note, values)).blocks) == []
