"""README.ko.md keeps up with README.md: the same lines to copy, links, headings and rows; only the words are Korean."""

from __future__ import annotations

import re

import pytest

from tests.docs.shell import ROOT

_ENGLISH, _KOREAN = ((ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "README.ko.md"))
_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def code(page: str) -> list[tuple[str, str]]:
    """Return the blocks of a page with their comments left out; of drawings only the arrows."""
    found = []
    for language, text in _FENCE.findall(page):
        bare = re.sub(r" +#.*$", "", text, flags=re.MULTILINE)
        found.append((language, "".join(re.findall(r"-->|\b[A-Z]\b", bare)) if language == "mermaid" else bare))
    return found


def links(page: str) -> list[str]:
    """Return where the links of a page lead, but for those between the two."""
    return [link for link in re.findall(r"\]\(([^)]+)\)", _FENCE.sub("", page)) if not link.startswith("README")]


def test_the_lines_to_copy_are_the_same() -> None:
    """Every block of code stands in both pages, in the same order, the same to the letter but for comments."""
    assert code(_KOREAN) == code(_ENGLISH)


def test_the_links_are_the_same() -> None:
    """Both pages lead to the same places, in the same order."""
    assert links(_KOREAN) == links(_ENGLISH)


@pytest.mark.parametrize("pattern", [r"^#+ ", r"^\|", r"^- "], ids=["headings", "rows", "items"])
def test_the_structure_is_the_same(pattern: str) -> None:
    """As many headings of each depth, rows of tables and items of lists."""
    both = [re.findall(pattern, _FENCE.sub("", page), re.MULTILINE) for page in (_KOREAN, _ENGLISH)]
    assert both[0] == both[1]


def test_the_korean_page_leads_back() -> None:
    """Whoever prefers English finds it at the top."""
    assert "[English](README.md)" in _KOREAN[:200]
