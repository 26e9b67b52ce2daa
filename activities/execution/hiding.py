"""Takes secrets out of a stream of bytes before anything is kept, told or digested."""

from __future__ import annotations

import base64
import json
import os
from typing import TYPE_CHECKING
from urllib.parse import quote, quote_plus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

MASK = b"(redacted)"
SHORTEST_LINE = 8  # characters of a line of a secret of several lines that is hidden by itself
SHORTEST_CODED = 6  # bytes of a coded form: shorter ones are ordinary text
SHORTEST_REST = 4  # bytes of the beginning of a secret that are hidden when the stream ends in it
ANCHOR = 16  # bytes by which the beginnings of a form are looked up


class Hider:
    """Replaces every form of some secrets in a stream, however it is cut into pieces.

    Keeps back what may be the beginning of a form: less than the longest form, whatever the stream.
    """

    def __init__(self, secrets: Iterable[str]) -> None:
        self._forms = sorted({form for secret in secrets for form in forms_of(secret)}, key=len, reverse=True)
        self._held = b""
        self._covered = 0  # so many bytes at the start of what is held are part of a secret
        self._masking = False  # the last byte that was let out was part of one, so its mask is out already

    def take(self, data: bytes) -> bytes:
        """Take in the next piece and return what can be shown by now."""
        data = self._held + data
        open_from = self._open_from(data)
        shown, beyond = self._shown(data, open_from)
        self._held, self._covered = data[open_from:], max(0, beyond - open_from)
        return shown

    def rest(self) -> bytes:
        """Return what was kept back, at the end of the stream; a longer beginning of a secret is hidden as well."""
        held, self._held = self._held, b""
        if len(held) - self._covered >= SHORTEST_REST:
            return b"" if self._masking else MASK
        return self._shown(held, len(held))[0]

    def _open_from(self, data: bytes) -> int:
        """Where the longest end of the data begins that some form could begin with; its length if there is none."""
        found = len(data)
        for form in self._forms:
            for start in beginnings(data, form):
                if start >= found:
                    break
                if form.startswith(data[start:]):
                    found = start
                    break
        return found

    def _shown(self, data: bytes, end: int) -> tuple[bytes, int]:
        """Data up to `end` with masks, and how far the secrets reach that begin before it."""
        shown: list[bytes] = []
        at = reach = 0
        for start, stop in self._found(data, end):
            if start > at:
                shown.append(data[at:start])
                self._masking = False
            if not self._masking:
                shown.append(MASK)
                self._masking = True
            at = reach = max(at, stop)
        if at < end:
            shown.append(data[at:end])
            self._masking = False
        return b"".join(shown), reach

    def _found(self, data: bytes, end: int) -> list[tuple[int, int]]:
        """From where to where secrets stand that begin before `end`, overlapping ones too, in order."""
        begun = [(0, self._covered)] if self._covered else []
        found = ((start, start + len(form)) for form in self._forms for start in places(data, form, 0) if start < end)
        return sorted([*begun, *found])


def beginnings(data: bytes, form: bytes) -> Iterator[int]:
    """Places, in order, from which the data ends before a whole form could: only there it may be cut."""
    first = max(0, len(data) - len(form) + 1)
    yield from places(data, form[:ANCHOR], first)
    yield from range(max(first, len(data) - ANCHOR + 1), len(data))


def places(data: bytes, wanted: bytes, first: int) -> Iterator[int]:
    """Every place from `first` on where `wanted` stands, overlapping ones too."""
    while (first := data.find(wanted, first)) >= 0:
        yield first
        first += 1


def forms_of(secret: str) -> set[bytes]:
    """The secret and the forms it usually travels in: its lines, JSON, URL encoding, Base64 at any offset."""
    raw = os.fsencode(secret)
    lines = [line.strip() for line in secret.splitlines()]
    forms = {raw, *(os.fsencode(line) for line in lines if len(line) >= SHORTEST_LINE and len(lines) > 1)}
    coded = set(base64_forms(raw))
    for coding in (quote(raw, safe=""), quote(raw), quote_plus(raw)):
        coded |= {coding.encode(), lower_escapes(coding).encode()}
    text = raw.decode(errors="replace")
    coded |= {json.dumps(text)[1:-1].encode(), json.dumps(text, ensure_ascii=False)[1:-1].encode()}
    return {form for form in forms if form} | {form for form in coded if len(form) >= SHORTEST_CODED}


def base64_forms(raw: bytes) -> Iterator[bytes]:
    """What Base64 makes of the secret wherever it stands in a longer text: the characters that depend on it alone."""
    for offset in range(3):
        whole = base64.b64encode(bytes(offset) + raw)
        first = (0, 2, 3)[offset]
        last = (offset + len(raw)) * 8 // 6
        form = whole[first:last]
        yield from (form, form.replace(b"+", b"-").replace(b"/", b"_"))


def lower_escapes(coding: str) -> str:
    """URL encoding with small letters in its escapes."""
    head, *escaped = coding.split("%")
    return "%".join([head, *(part[:2].lower() + part[2:] for part in escaped)])
