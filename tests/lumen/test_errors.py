"""One tree of errors, each with a stable reason."""

from __future__ import annotations

import re

from lumen import errors
from lumen.errors import BallotError, Finding, LumenError, RulesError

FINDING = Finding("disk.yaml", 3, 7, 'unknown key "wen"', 'did you mean "when"?', length=3)


def test_every_error_is_in_the_tree_with_a_reason_of_its_own() -> None:
    """Whatever Lumen raises on purpose can be caught as one, and its reason fits a metric label and an error type."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    reasons = [kind.reason for kind in kinds if issubclass(kind, LumenError) and kind is not BallotError]
    assert all(issubclass(kind, LumenError) for kind in kinds)
    assert len(set(reasons)) == len(reasons) == len(kinds) - 1
    assert all(re.fullmatch(r"[a-z_]+", reason) for reason in reasons)


def test_a_ballot_error_carries_its_reason_beside_the_sentence() -> None:
    """The reason of a refused vote is a word for programs, its text a sentence for a person."""
    error = BallotError("closed", "nobody is asked any more")
    assert (error.reason, str(error)) == ("closed", "nobody is asked any more")


def test_a_finding_is_one_line_that_editors_jump_to() -> None:
    """A finding says file, line, column, problem and fix."""
    assert str(FINDING) == 'disk.yaml:3:7: unknown key "wen": did you mean "when"?'


def test_a_rules_error_lists_its_findings() -> None:
    """The text of the error is its findings, one a line, unless it says something else."""
    error = RulesError(findings=(FINDING, FINDING))
    assert str(error) == f"{FINDING}\n{FINDING}"
    assert error.findings == (FINDING, FINDING)
    assert str(RulesError("no such folder")) == "no such folder"
    assert RulesError("no such folder").findings == ()
