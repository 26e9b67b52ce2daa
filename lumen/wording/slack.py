"""What Slack messages say: text id to (English, Korean)."""

TEXTS: dict[str, tuple[str, str]] = {
    "slack.approve": ("Approve", "승인"),
}
