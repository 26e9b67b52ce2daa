"""What Slack allows: lengths in characters, times in seconds. Each group names the page of Slack's reference it is from."""

from __future__ import annotations

# Reference, "Button element".
BUTTON_TEXT = 75
BUTTON_VALUE = 2000
BUTTON_URL = 3000
ACCESSIBILITY_LABEL = 75

# Reference, "Blocks" and "Block elements": both kinds of id.
IDENTIFIER = 255

# Reference, "Section block", "Header block", "Context block", "Actions block", "Input block", "Image block", "Markdown block".
SECTION_TEXT = 3000
SECTION_FIELDS = 10
FIELD_TEXT = 2000
HEADER_TEXT = 150
CONTEXT_ELEMENTS = 10
CONTEXT_TEXT = 3000
ACTIONS_ELEMENTS = 25
INPUT_LABEL = 2000
INPUT_HINT = 2000
IMAGE_URL = 3000
IMAGE_ALT_TEXT = 2000
IMAGE_TITLE = 2000
MARKDOWN_TEXT = 12000

# Reference, "Select menu element", "Overflow menu element", "Option object", "Plain-text input element".
SELECT_OPTIONS = 100
OVERFLOW_OPTIONS = 5
OPTION_TEXT = 75
OPTION_VALUE = 150
PLACEHOLDER = 150
INPUT_LENGTH = 3000

# Reference, "Confirmation dialog object".
CONFIRM_TITLE = 100
CONFIRM_TEXT = 300
CONFIRM_BUTTON = 30

# Reference, "Text object": what holds where no other limit does.
ANY_TEXT = 3000

# Reference, "Blocks": messages and modals.
MESSAGE_BLOCKS = 50
VIEW_BLOCKS = 100

# Reference, "Modal views" and the method `views.open`.
VIEW_TITLE = 24
VIEW_BUTTON = 24
VIEW_CALLBACK_ID = 255
VIEW_PRIVATE_METADATA = 3000
VIEW_BYTES = 250_000

# Method `chat.postMessage`: more is cut off there, and refused here so that it is noticed. Method `chat.update`: msg_too_long.
POSTED_TEXT = 40_000
UPDATED_TEXT = 4000

# Not in the reference. `msg_blocks_too_long` was reported from about this many characters over all blocks; the way in
# which Slack counts them is not public, so that this counts every string of the blocks, ids and types too.
ALL_BLOCKS = 13_200

# "Message metadata".
METADATA_BYTES = 16_000

# "Handling user interaction": acknowledgement, trigger ids, response URLs.
ACK_SECONDS = 3.0
TRIGGER_SECONDS = 3.0
RESPONSE_URL_USES = 5
RESPONSE_URL_SECONDS = 30 * 60.0

# "Using Socket Mode".
SOCKETS = 10
