"""The one error tree of Lumen. Every error has a stable ``reason``, which is also its metric label and Temporal error type."""

from __future__ import annotations

from dataclasses import dataclass


class LumenError(Exception):
    """Root of all errors that Lumen raises on purpose; ``str()`` is a sentence for the person who reads it."""

    reason = "error"


class SettingsError(LumenError, ValueError):
    """A setting of the environment cannot be used; the text names the variable, the value's problem and the fix."""

    reason = "bad_setting"


class AlertError(LumenError, ValueError):
    """One alert cannot be accepted (missing or unusable labels, too large)."""

    reason = "bad_alert"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong in a rule or policy file. ``line`` and ``column`` count characters from 1.

    ``length`` is how many characters of that line the problem spans. ``str()`` is one line,
    ``file:line:column: what is wrong: how to fix it``.
    """

    file: str
    line: int
    column: int
    problem: str
    fix: str
    length: int = 1

    def __str__(self) -> str:
        """Return the finding as one line, in the form that editors jump to."""
        return f"{self.file}:{self.line}:{self.column}: {self.problem}: {self.fix}"


class RulesError(LumenError, ValueError):
    """A rule or policy file cannot be used; the text holds one finding a line, each with file, line, column and fix."""

    reason = "bad_rules"

    def __init__(self, message: str = "", findings: tuple[Finding, ...] = ()) -> None:
        """Keep the ``findings`` beside the text; without a message the text is made of them."""
        super().__init__(message or "\n".join(str(finding) for finding in findings))
        self.findings = findings


class RenderError(LumenError, ValueError):
    """A placeholder has no value in this alert, or its value is outside the allowed pattern."""

    reason = "bad_parameter"


class UnknownRuleError(LumenError):
    """No rule has the name that a person asked for; the text names the nearest ones."""

    reason = "unknown_rule"


class IncompleteRequestError(LumenError, ValueError):
    """A rule cannot be run with what a person gave; the text names each thing that is missing and how to give it."""

    reason = "incomplete_request"


class OtherRuleError(LumenError):
    """The labels of a request fall under another rule, which is tried before the one that was asked for."""

    reason = "other_rule"


class BallotError(LumenError, ValueError):
    """A vote or an override cannot be read, or is not allowed; ``reason`` says which and is stable.

    Reasons: ``malformed``, ``closed``, ``plan_changed``, ``not_allowed``, ``rank_too_low``, ``forged``, ``used``, ``expired``,
    ``too_many``.
    """

    def __init__(self, reason: str, message: str) -> None:
        """Keep the stable ``reason`` beside the sentence."""
        super().__init__(message)
        self.reason = reason


class SealError(LumenError, ValueError):
    """A sealed text was not made by a holder of the keys for this purpose."""

    reason = "forged"


class LedgerError(LumenError):
    """The ledger refused an entry (4xx): the request is wrong and repeating it cannot help."""

    reason = "ledger_refused"


class LedgerUnavailableError(LumenError):
    """The ledger cannot be reached or answered 5xx: repeating the request later can help."""

    reason = "ledger_unavailable"
