"""All targets."""

from __future__ import annotations

from tests.fuzz.targets import intake, language, ledger

TARGETS = (*language.TARGETS, *intake.TARGETS, *ledger.TARGETS)
