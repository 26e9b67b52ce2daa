r"""Texts that look like a placeholder and are none, or are one that no alert will fill; each with what was meant.

Braces that are no placeholder are literal text, so none of these is an error: ``awk '{print $1}'`` must stay possible.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

from lumen.display import truncate
from rules.language.placeholders import spans

COMMON = ("alertname", "instance", "job", "severity")
"""Labels that nearly every alert has, so that ``{instance}`` is known for a forgotten ``labels.``."""

_KINDS = ("labels", "annotations")
_BRACED = re.compile(r"\$?\{+([^{}]{1,120})\}*")
_PARTS = re.compile(r"\s*[$.]?([A-Za-z]+)\s*(?:[.\[]\s*([^{}]*?))?\s*")
_USUAL = re.compile(r"[\w./:-]+")
_LIKENESS = 0.75
_SHOWN = 60  # bytes of what is written that a warning repeats


@dataclass(frozen=True)
class Misspelling:
    """``written`` stands at ``start`` (characters) of its text; ``problem`` says what becomes of it, ``fix`` what was meant."""

    start: int
    written: str
    problem: str
    fix: str


def misspellings(text: str, known: Iterable[str] = ()) -> list[Misspelling]:
    """Return what looks misspelt in ``text``; ``known`` are placeholders (``labels.instance``) that the rule surely means."""
    means = [*known, *(f"labels.{name}" for name in COMMON)]
    exact = {start: name for start, _, name in spans(text)}
    found = []
    for match in _BRACED.finditer(text):
        inner = match.start(1) - 1
        if inner in exact:
            found.append(_placeholder(match, exact[inner], means))
        else:
            found.append(_other(match, means))
    return [each for each in found if each is not None]


def _placeholder(match: re.Match[str], name: str, means: list[str]) -> Misspelling | None:
    """A true placeholder: with braces or a dollar before it that stay, or with a name that is not what it should be."""
    start, written = match.start(), match.group()
    if start < match.start(1) - 1:
        problem = f"only {{{name}}} is replaced, what stands around it in {written} stays"
        return Misspelling(start, written, problem, f"did you mean {{{name}}}?")
    kind, _, label = name.partition(".")
    if name not in means:
        like = next((one for one in means if one.lower() == f"{kind}.{label.strip()}".lower()), "")
        if like:
            return Misspelling(
                start, written, f"{written} is another label than {{{like}}}", f"did you mean {{{like}}}?"
            )
    if not _USUAL.fullmatch(label):
        plain = _USUAL.match(label.strip())
        meant = f"{{{kind}.{plain.group() if plain else 'NAME'}}}"
        return Misspelling(
            start, written, f'{written} asks for the {kind[:-1]} "{label}", which is unusual', f"did you mean {meant}?"
        )
    return None


def _other(match: re.Match[str], means: list[str]) -> Misspelling | None:
    """Braces that stay as they are: literal text, unless what is in them is nearly a placeholder."""
    parts = _PARTS.fullmatch(match.group(1))
    if parts is None:
        return None
    word, label = parts.group(1), parts.group(2)
    if label is None and f"labels.{word}" in means:
        meant = f"labels.{word}"
    elif (kind := _kind(word, alone=label is None)) is not None:
        plain = _USUAL.search(label or "")
        meant = _nearest(f"{kind}.{plain.group()}" if plain else "", means) or f"{kind}.NAME"
    else:
        return None
    written = truncate(match.group(), _SHOWN)
    problem = f"{written} is no placeholder and stays as it is"
    return Misspelling(match.start(), written, problem, f"did you mean {{{meant}}}?")


def _kind(word: str, *, alone: bool) -> str | None:
    lower = word.lower()
    if lower.endswith(_KINDS):  # $labels, .Labels and .CommonLabels of Prometheus' and Alertmanager's templates
        return next(kind for kind in _KINDS if lower.endswith(kind))
    if alone and lower not in {"label", "annotation"}:
        return None
    close = get_close_matches(lower, _KINDS, n=1, cutoff=_LIKENESS)
    return close[0] if close else None


def _nearest(name: str, means: list[str]) -> str:
    """Return ``name``, in the spelling that the rule uses elsewhere if that differs in case only."""
    return next((one for one in means if one.lower() == name.lower()), name)
