"""The limits of blocks and views, each from both sides."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cli.fakeslack import limits
from cli.fakeslack.blocks import characters, faults_of_message, faults_of_view
from tests.cli.fakeslack.samples import actions, asking, button, confirm, modal, words

Make = Callable[[int], dict[str, Any]]
_URL = "https://example.com/"
_OPTION = {"text": words(1), "value": "v"}


def rich(kind: str, *elements: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Return a rich text block with one element."""
    return {"type": "rich_text", "elements": [{"type": kind, "elements": list(elements), **more}]}


BLOCKS: list[tuple[str, int, Make]] = [
    ("/0/text/text", limits.SECTION_TEXT, lambda n: {"type": "section", "text": words(n, "mrkdwn")}),
    ("/0/fields", limits.SECTION_FIELDS, lambda n: {"type": "section", "fields": [words(1)] * n}),
    ("/0/fields/0/text", limits.FIELD_TEXT, lambda n: {"type": "section", "fields": [words(n)]}),
    ("/0/text/text", limits.HEADER_TEXT, lambda n: {"type": "header", "text": words(n)}),
    ("/0/elements", limits.CONTEXT_ELEMENTS, lambda n: {"type": "context", "elements": [words(1)] * n}),
    ("/0/elements/0/text", limits.CONTEXT_TEXT, lambda n: {"type": "context", "elements": [words(n)]}),
    ("/0/elements", limits.ACTIONS_ELEMENTS, lambda n: actions(*(button(action_id=f"b{i}") for i in range(n)))),
    ("/0/elements/0/text/text", limits.BUTTON_TEXT, lambda n: actions(button(text=words(n)))),
    ("/0/elements/0/value", limits.BUTTON_VALUE, lambda n: actions(button(value="v" * n))),
    ("/0/elements/0/url", limits.BUTTON_URL, lambda n: actions(button(url=_URL.ljust(n, "x")))),
    ("/0/elements/0/action_id", limits.IDENTIFIER, lambda n: actions(button(action_id="i" * n))),
    ("/0/block_id", limits.IDENTIFIER, lambda n: {**actions(button()), "block_id": "i" * n}),
    ("/0/elements/0/confirm/title/text", limits.CONFIRM_TITLE, lambda n: confirm(title=words(n))),
    ("/0/elements/0/confirm/text/text", limits.CONFIRM_TEXT, lambda n: confirm(text=words(n))),
    ("/0/elements/0/confirm/confirm/text", limits.CONFIRM_BUTTON, lambda n: confirm(confirm=words(n))),
    ("/0/elements/0/confirm/deny/text", limits.CONFIRM_BUTTON, lambda n: confirm(deny=words(n))),
    ("/0/text", limits.MARKDOWN_TEXT, lambda n: {"type": "markdown", "text": "m" * n}),
    ("/0/label/text", limits.INPUT_LABEL, lambda n: {**asking(), "label": words(n)}),
    ("/0/element/placeholder/text", limits.PLACEHOLDER, lambda n: asking(placeholder=words(n))),
    (
        "/0/elements/0/options",
        limits.OVERFLOW_OPTIONS,
        lambda n: actions({"type": "overflow", "action_id": "o", "options": [_OPTION] * n}),
    ),
]

VIEWS: list[tuple[str, int, Make]] = [
    ("/title/text", limits.VIEW_TITLE, lambda n: modal(title=words(n))),
    ("/submit/text", limits.VIEW_BUTTON, lambda n: modal(submit=words(n))),
    ("/close/text", limits.VIEW_BUTTON, lambda n: modal(close=words(n))),
    ("/private_metadata", limits.VIEW_PRIVATE_METADATA, lambda n: modal(private_metadata="p" * n)),
    ("/callback_id", limits.VIEW_CALLBACK_ID, lambda n: modal(callback_id="c" * n)),
    ("/blocks", limits.VIEW_BLOCKS, lambda n: modal(blocks=[{"type": "divider"}] * n)),
]


@pytest.mark.parametrize(("pointer", "most", "make"), BLOCKS, ids=[f"{at} {most}" for at, most, _ in BLOCKS])
def test_a_block_at_its_limit_is_taken_and_one_above_it_is_refused(pointer: str, most: int, make: Make) -> None:
    """Each limit holds to the character, and the only fault names the place."""
    assert faults_of_message([make(most)]) == []
    assert [fault.pointer for fault in faults_of_message([make(most + 1)])] == [f"/blocks{pointer}"]


@pytest.mark.parametrize(("pointer", "most", "make"), VIEWS, ids=[f"{at} {most}" for at, most, _ in VIEWS])
def test_a_view_at_its_limit_is_taken_and_one_above_it_is_refused(pointer: str, most: int, make: Make) -> None:
    """The same for modals."""
    assert faults_of_view(make(most)) == []
    assert [fault.pointer for fault in faults_of_view(make(most + 1))] == [f"/view{pointer}"]


def test_a_message_has_fifty_blocks_at_most() -> None:
    """Fifty are taken, fifty-one are not."""
    divider = {"type": "divider"}
    assert faults_of_message([divider] * limits.MESSAGE_BLOCKS) == []
    wanted = "[ERROR] no more than 50 items allowed [json-pointer:/blocks]"
    assert [str(fault) for fault in faults_of_message([divider] * (limits.MESSAGE_BLOCKS + 1))] == [wanted]


@pytest.mark.parametrize(
    ("blocks", "problem"),
    [
        ([{"type": "section"}], "must provide one of: text, fields"),
        ([{"type": "section", "text": words(0)}], "must be more than 0 characters"),
        ([{"type": "header", "text": words(1, "mrkdwn")}], "unsupported type: mrkdwn"),
        ([{"type": "banner"}], "unsupported type: banner"),
        ([{"block_id": "a"}], "missing required field: type"),
        (["text"], "must provide an object"),
        ([actions()], "no less than 1 items allowed"),
        ([actions(button(style="default"))], "must be one of: primary, danger"),
        ([actions(button(url="javascript:alert(1)"))], "must be a valid URL"),
        ([actions(button(color="red"))], "invalid additional property: color"),
        ([actions({"type": "button", "action_id": "go"})], "missing required field: text"),
        ([actions(button(text=words(1, "mrkdwn")))], "unsupported type: mrkdwn"),
        ([actions(button(), button())], "action_id 'go' already exists for another element"),
        ([actions(button()), actions(button())], "block_id 'a' already exists for another block"),
        ([rich("rich_text_section", {"type": "text", "text": ""})], "must be more than 0 characters"),
        ([rich("rich_text_preformatted", {"type": "user", "user_id": "U1"})], "unsupported type: user"),
        ([rich("rich_text_list", style="dots")], "must be one of: bullet, ordered"),
    ],
)
def test_what_is_no_block_is_refused(blocks: list[Any], problem: str) -> None:
    """Unknown types, missing and unknown keys, empty texts and ids that stand twice are named."""
    assert problem in [fault.problem for fault in faults_of_message(blocks)]


def test_rich_text_may_hold_a_command_and_a_list() -> None:
    """What shows a command without any markup is taken."""
    line = rich("rich_text_section", {"type": "text", "text": "item"})["elements"][0]
    assert (
        faults_of_message(
            [
                rich("rich_text_preformatted", {"type": "text", "text": "/usr/bin/true -- *not bold*"}, border=0),
                {"type": "rich_text", "elements": [{"type": "rich_text_list", "style": "bullet", "elements": [line]}]},
                rich("rich_text_quote", {"type": "link", "url": _URL, "text": "here", "style": {"bold": True}}),
            ]
        )
        == []
    )


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        ({"type": "home", "blocks": []}, "unsupported type: home"),
        ({"type": "modal", "title": words(1), "blocks": [asking()]}, "missing required field: submit"),
        ({"type": "modal", "blocks": []}, "missing required field: title"),
        (modal(title=words(1, "mrkdwn")), "unsupported type: mrkdwn"),
    ],
)
def test_what_is_no_modal_is_refused(view: dict[str, Any], problem: str) -> None:
    """A modal has a title, and a button to send what it asks for."""
    assert any(fault.problem.startswith(problem) for fault in faults_of_view(view))


def test_every_string_of_the_blocks_counts() -> None:
    """Texts, ids and types are counted, keys and numbers are not."""
    assert characters([{"type": "ab", "n": 5, "inside": {"text": "cde"}}]) == 5


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inside: (
        st.lists(inside, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "text", "elements", "fields", "block_id", "blocks"]), inside, max_size=4
        )
    ),
    max_leaves=12,
)


@given(_JSON)
def test_any_json_is_judged(value: Any) -> None:
    """Whatever is sent is judged and never ends the stand-in with an exception."""
    assert faults_of_view(value)
    assert isinstance(faults_of_message(value), list)
    assert isinstance(faults_of_message([value]), list)
