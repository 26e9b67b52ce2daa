"""What the console and the decision page say: text id to (English, Korean)."""

TEXTS: dict[str, tuple[str, str]] = {
    "page.console": ("Console", "콘솔"),
}
