"""One episode: where it is asked for, how it is laid out, and how it is watched."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from cli.alert.changes import changes
from cli.alert.story import story
from cli.alert.watching import Pace, follow, watched
from cli.layout import fields
from cli.remote import Remote
from lumen.standing import Document, over


def episode_path(key: str) -> str:
    """Return the path of an episode; a key is one segment whatever it holds."""
    return f"/alerts/{quote(key, safe='')}"


def show_lines(document: Document, now: datetime, width: int) -> list[str]:
    """Return an episode as lines for a terminal."""
    return fields(story(document, now), width)


def watch_episode(remote: Remote, key: str, *, as_json: bool) -> None:
    """Show an episode again and again until it has closed or Ctrl-C is pressed."""
    with watched(show_lines, changes, as_json=as_json) as view:
        follow(lambda: remote.get(episode_path(key)).body, view, over, Pace())
