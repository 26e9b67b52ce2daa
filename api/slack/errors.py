"""What can go wrong between this edge and Slack."""

from __future__ import annotations

from lumen.errors import LumenError


class SlackRefusedError(LumenError):
    """Slack understood a call and refused it; ``code`` is Slack's own word for why."""

    reason = "slack_refused"

    def __init__(self, method: str, code: str) -> None:
        """``method`` is the call that was refused."""
        super().__init__(f"Slack refuses {method}: {code}")
        self.code = code


class SlackUnreachableError(LumenError):
    """Slack did not answer in time, or not with what it answers when it is well.

    ``retry_after``: how many seconds Slack asks to wait, 0 if it says nothing.
    """

    reason = "slack_unreachable"

    def __init__(self, message: str, retry_after: float = 0.0) -> None:
        """Keep how long to wait beside the sentence."""
        super().__init__(message)
        self.retry_after = retry_after


class ForeignError(LumenError):
    """An interaction is of another workspace or another app than the one whose tokens Lumen holds."""

    reason = "foreign"


class PersonError(LumenError):
    """A Slack user is nobody whose vote can count; ``why`` says which kind and names the text that tells them."""

    reason = "unidentified"

    def __init__(self, why: str) -> None:
        """``why`` is the last part of a text id ``slack.answer.who.*``."""
        super().__init__(f"this Slack user cannot vote: {why}")
        self.why = why
