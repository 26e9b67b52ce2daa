"""The numbers, compared with those of Slack's own SDK."""

from __future__ import annotations

import pytest
from slack_sdk.models.blocks import block_elements, blocks
from slack_sdk.models.blocks.basic_components import ConfirmObject
from slack_sdk.models.views import View

from cli.fakeslack import limits

SHARED = [
    (limits.BUTTON_TEXT, block_elements.ButtonElement.text_max_length),
    (limits.BUTTON_VALUE, block_elements.ButtonElement.value_max_length),
    (limits.BUTTON_URL, block_elements.ButtonElement.url_max_length),
    (limits.IDENTIFIER, block_elements.ButtonElement.action_id_max_length),
    (limits.IDENTIFIER, blocks.Block.block_id_max_length),
    (limits.SECTION_TEXT, blocks.SectionBlock.text_max_length),
    (limits.SECTION_FIELDS, blocks.SectionBlock.fields_max_length),
    (limits.HEADER_TEXT, blocks.HeaderBlock.text_max_length),
    (limits.CONTEXT_ELEMENTS, blocks.ContextBlock.elements_max_length),
    (limits.ACTIONS_ELEMENTS, blocks.ActionsBlock.elements_max_length),
    (limits.INPUT_LABEL, blocks.InputBlock.label_max_length),
    (limits.INPUT_HINT, blocks.InputBlock.hint_max_length),
    (limits.MARKDOWN_TEXT, blocks.MarkdownBlock.text_max_length),
    (limits.IMAGE_URL, blocks.ImageBlock.image_url_max_length),
    (limits.PLACEHOLDER, block_elements.InputInteractiveElement.placeholder_max_length),
    (limits.OVERFLOW_OPTIONS, block_elements.OverflowMenuElement.options_max_length),
    (limits.SELECT_OPTIONS, block_elements.StaticSelectElement.options_max_length),
    (limits.CONFIRM_TITLE, ConfirmObject.title_max_length),
    (limits.CONFIRM_TEXT, ConfirmObject.text_max_length),
    (limits.CONFIRM_BUTTON, ConfirmObject.confirm_max_length),
    (limits.VIEW_TITLE, View.title_max_length),
    (limits.VIEW_BUTTON, View.submit_max_length),
    (limits.VIEW_BLOCKS, View.blocks_max_length),
    (limits.VIEW_PRIVATE_METADATA, View.private_metadata_max_length),
]


@pytest.mark.parametrize(("ours", "theirs"), SHARED, ids=range(len(SHARED)))
def test_a_limit_is_that_of_the_sdk(ours: int, theirs: int) -> None:
    """Where Slack's SDK has the number, it is the same one."""
    assert ours == theirs


def test_what_the_sdk_does_not_have() -> None:
    """The numbers of the reference pages, of the methods and of what was reported."""
    assert (limits.FIELD_TEXT, limits.MESSAGE_BLOCKS, limits.UPDATED_TEXT, limits.POSTED_TEXT) == (
        2000,
        50,
        4000,
        40000,
    )
    assert (limits.ACK_SECONDS, limits.TRIGGER_SECONDS, limits.SOCKETS, limits.ALL_BLOCKS) == (3, 3, 10, 13200)
    assert (limits.RESPONSE_URL_USES, limits.RESPONSE_URL_SECONDS) == (5, 1800)
