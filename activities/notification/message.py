"""The message of an episode: what waits, what runs, how it ended. Pure; a message always fits into what Slack takes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC
from urllib.parse import quote

from activities.notification import blocks as kit
from activities.notification.blocks import Block, Message
from activities.notification.face import Asked, Ended, Face, Result, Voter, utc
from lumen.wording import Wording

APPROVE = "lumen.approve"
REJECT = "lumen.reject"
OPEN = "lumen.open"
OPEN_RUNBOOK = "lumen.open.runbook"
"""What a button sends when it is pressed: a vote, or that an address was opened (Slack tells that too)."""


@dataclass(frozen=True)
class Room:
    """How much of each text is shown: ``value`` of a fact, ``step`` of an action, and so on, in characters or items."""

    value: int
    step: int
    steps: int
    votes: int
    reason: int
    summary: int
    url: int
    button: int


_ROOMS = (
    Room(value=200, step=2000, steps=12, votes=12, reason=300, summary=600, url=3000, button=2000),
    Room(value=100, step=600, steps=8, votes=6, reason=120, summary=200, url=1500, button=2000),
    Room(value=40, step=160, steps=4, votes=3, reason=40, summary=0, url=400, button=1000),
    Room(value=24, step=40, steps=2, votes=0, reason=0, summary=0, url=200, button=600),
)
"""From a message with everything in it to one that fits whatever stands in it."""


_PEOPLE = 5
_ABOVE = 1000


class MessageWriter:
    """Writes messages in one language. ``base_url`` is where people reach Lumen."""

    def __init__(self, words: Wording, base_url: str) -> None:
        self._say = words
        self._base = base_url.rstrip("/")

    def message(self, face: Face, decide_url: str = "", valid_until: str = "", *, above: str = "") -> Message:
        """Return the message for an episode as it stands.

        With ``decide_url`` (a signed link, valid until ``valid_until``) one button opens the decision page in place of
        the buttons that vote, for a channel from which Slack sends nothing back. ``above`` is said first.
        """
        first = [kit.section(above, _ABOVE)] if above else []
        for room in _ROOMS:
            found = [*first, *self._blocks(face, room, decide_url, valid_until)]
            if kit.size(found) <= kit.ALL_BLOCKS:
                return Message(self.heading(face), found)
        return self.bare(face, decide_url)

    def bare(self, face: Face, decide_url: str = "") -> Message:
        """Return the least that is of use: what it is about, and the way to all of it."""
        buttons = kit.link_button(self._say("slack.decide"), decide_url, OPEN) or self.details(face)
        return Message(self.heading(face), [kit.header(self.heading(face)), *kit.actions(buttons)])

    def heading(self, face: Face) -> str:
        """Return what an episode is about and where it stands, in one line."""
        status = self.status(face)
        if face.target and face.target != face.key:
            return self._say(
                "slack.heading", status=status, alert=kit.cut(face.alert, 60), target=kit.cut(face.target, 50)
            )
        return self._say("slack.heading_plain", status=status, alert=kit.cut(face.alert, 100))

    def status(self, face: Face) -> str:
        """Return where an episode stands, in a few words."""
        if face.ended and face.last is not None:
            return self.word("outcome", face.last.outcome)
        return self.word("state", face.state)

    def word(self, group: str, value: str) -> str:
        """Return the name of one value of a fixed set; a value of a newer Lumen is shown as it is."""
        try:
            return self._say(f"slack.{group}.{value}")
        except KeyError:
            return kit.cut(value, 60) or "?"

    def details(self, face: Face) -> list[Block]:
        """Return the button that opens the page of an episode."""
        return kit.link_button(self._say("slack.details"), f"{self._base}/episodes/{quote(face.key, safe='')}", OPEN)

    def _blocks(self, face: Face, room: Room, decide_url: str, valid_until: str) -> list[Block]:
        found = [kit.header(self.heading(face)), kit.facts(self._facts(face, room))]
        if face.needs_human:
            found.append(kit.section(self._say("slack.needs_human")))
        if face.ended and face.last is not None:
            found += self._ending(face.last, room)
        elif face.reason and room.reason:
            found.append(kit.section(f"{self._say('slack.reason')}: {kit.cut(face.reason, room.reason)}"))
        if face.summary and room.summary:
            found.append(kit.section(self._say("slack.summary", text=kit.cut(face.summary, room.summary))))
        if face.waiting and face.asked is not None and (at := face.asked.expires_at) is not None:
            found.append(kit.rich_text([kit.date_part(self._say("slack.decide_by_local"), at, utc(at))]))
        found += self._plan(face, room)
        if face.asked is not None and not face.ended:
            found += self._votes(face.asked, room)
        if face.results and not face.ended:
            found.append(kit.section("\n".join(self._results(face.results, room))))
        if decide_url and face.waiting:
            found.append(kit.section(self._say("slack.link_note", until=valid_until)))
        found += self._buttons(face, room, decide_url)
        about = self._say("slack.plan_context", digest=face.short_digest or "-", key=kit.cut(face.key, room.value))
        return [*found, kit.context(about)]

    def _facts(self, face: Face, room: Room) -> list[tuple[str, str]]:
        asked, say = face.asked if face.waiting else None, self._say
        pairs = [
            (say("slack.severity"), face.severity),
            (say("slack.target"), face.target if face.target != face.key else ""),
            (say("slack.rule"), face.rule),
            (say("slack.quorum"), self._quorum(asked) if asked else ""),
            (say("slack.decide_by"), utc(asked.expires_at) if asked else ""),
            (say("slack.allow"), self._people(asked) if asked else ""),
            (say("slack.attempt"), str(face.attempt)),
            (say("slack.mode"), say("slack.mode_dry_run") if face.dry_run else ""),
            (say("slack.requested_by"), face.requested_by),
        ]
        return [(name, kit.cut(value, max(room.value, 40))) for name, value in pairs if value]

    def _quorum(self, asked: Asked) -> str:
        return self._say(
            "slack.quorum_is",
            approved=len(asked.approved),
            approve=asked.approve,
            rejected=len(asked.rejected),
            reject=asked.reject,
        )

    def _people(self, asked: Asked) -> str:
        people = ", ".join(asked.allow[:_PEOPLE]) or "-"
        more = len(asked.allow[_PEOPLE:]) + asked.allow_left_off
        people = self._say("slack.more_people", people=people, count=more) if more else people
        return f"{people}\n{self._say('slack.allow_anonymous')}" if asked.anonymous else people

    def _plan(self, face: Face, room: Room) -> list[Block]:
        title = "slack.actions" if not face.ended else "slack.actions_ran"
        parts: list[Block] = []
        shown = face.steps[: room.steps]
        for step in shown:
            parts += kit.code_parts(kit.cut(step.name, room.value), kit.cut(step.text, room.step))
        whole = len(shown) == len(face.steps) and not any(_is_cut(step.text, room.step) for step in shown)
        found = [kit.section(self._say(title))] if shown else []
        if parts:
            found.append(kit.rich_text(parts))
        if not shown and face.waiting:
            found.append(kit.section(self._say("slack.no_actions")))
        if face.steps_left_out or not whole:
            # Nobody should approve a command of which only the harmless beginning is in sight.
            found.append(kit.section(self._say("slack.more_actions")))
        return found

    def _votes(self, asked: Asked, room: Room) -> list[Block]:
        lines = self._voters(asked.approved, asked.rejected, room)
        return [kit.section("\n".join(lines) if lines else self._say("slack.no_votes"))] if room.votes else []

    def _voters(self, approved: Sequence[Voter], rejected: Sequence[Voter], room: Room) -> list[str]:
        sides = (("slack.approved_by", approved), ("slack.rejected_by", rejected))
        lines = []
        for text_id, voters in sides:
            lines += [self._say(text_id, who=_voter(vote, room)) for vote in voters[: room.votes]]
            if len(voters) > room.votes > 0:
                lines.append(self._say("slack.more_votes", count=len(voters) - room.votes))
        return lines

    def _ending(self, last: Ended, room: Room) -> list[Block]:
        lines = [self._say("slack.ended_at", at=utc(last.ended_at))]
        if last.by == "override":
            lines.append(self._say("slack.by_override", actor=kit.cut(last.actor, room.value)))
        elif last.by == "timeout":
            lines.append(self._say("slack.by_timeout"))
        if last.reason and room.reason:
            lines.append(f"{self._say('slack.reason')}: {kit.cut(last.reason, room.reason)}")
        lines += self._voters(last.approved, last.rejected, room)
        return [kit.section("\n".join(lines + self._results(last.results, room)))]

    def _results(self, results: Sequence[Result], room: Room) -> list[str]:
        lines = []
        for result in results[: room.steps]:
            said = f"{kit.cut(result.name, room.value)}: {self.word('status', result.status)}"
            lines.append(f"{said} ({kit.cut(result.reason, room.reason)})" if result.reason and room.reason else said)
        return lines

    def _buttons(self, face: Face, room: Room, decide_url: str) -> list[Block]:
        row: list[Block] = []
        if face.waiting and face.asked is not None:
            row += self._deciding(face, face.asked, room, decide_url)
        row += self.details(face)
        if len(face.runbook_url) <= room.url:
            row += kit.link_button(self._say("slack.runbook"), face.runbook_url, OPEN_RUNBOOK)
        return kit.actions(row, face.asked.id if face.waiting and face.asked else "")

    def _deciding(self, face: Face, asked: Asked, room: Room, decide_url: str) -> list[Block]:
        if decide_url:
            return kit.link_button(self._say("slack.decide"), decide_url, "lumen.open.decide")
        value = json.dumps({"k": face.key, "a": asked.id, "d": face.digest}, separators=(",", ":"))
        if len(value) > min(room.button, kit.VALUE):
            return []  # an id that long is none of Lumen's: Details still leads to the request
        text = self._say(
            "slack.confirm_text",
            alert=kit.cut(face.alert, 80),
            target=kit.cut(face.target or face.key, 80),
            digest=face.short_digest,
        )
        confirm = kit.Confirm(
            self._say("slack.confirm_title"), text, self._say("slack.approve"), self._say("slack.confirm_back")
        )
        return [
            kit.vote_button(self._say("slack.approve"), APPROVE, value, "primary", confirm),
            kit.vote_button(self._say("slack.reject"), REJECT, value, "danger"),
        ]


def _voter(vote: Voter, room: Room) -> str:
    at = f"{vote.at.astimezone(UTC):%H:%M} UTC" if vote.at else "?"
    said = f": {kit.cut(vote.reason, room.reason)}" if vote.reason and room.reason else ""
    return f"{kit.cut(vote.actor, room.value)} ({kit.cut(vote.channel, 20)}, {at}){said}"


def _is_cut(text: str, limit: int) -> bool:
    return kit.cut(text, limit) != text
