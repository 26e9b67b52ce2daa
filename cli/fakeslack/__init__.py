"""A loopback stand-in for Slack that checks what it is sent and refuses what Slack refuses. For tests and the demo."""

from cli.fakeslack.acting import NotPossibleError
from cli.fakeslack.fake import FakeSlack
from cli.fakeslack.sending import Delivery
from cli.fakeslack.signing import signed_headers
from cli.fakeslack.state import Channel, Message, User, View

__all__ = ["Channel", "Delivery", "FakeSlack", "Message", "NotPossibleError", "User", "View", "signed_headers"]
