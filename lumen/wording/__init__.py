"""The texts that approvers read, in every language that ``LUMEN_LANG`` may name. English and Korean stand side by side."""

from lumen.wording.catalogue import LANGUAGES, Wording

__all__ = ["LANGUAGES", "Wording"]
