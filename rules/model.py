"""What the files mean once they are read: rules and policy as frozen data, with a digest over their content."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from lumen.canonical import canonical_json, digest
from lumen.plan import Approval, Escalation, Limits, Mode, Rollback, Verification
from rules.kinds import KINDS, shown_spec
from rules.language.matchers import Matcher
from rules.language.patterns import Pattern


@dataclass(frozen=True)
class ApprovalRule:
    """What a rule, a severity or the policy says about approval; None = says nothing. Times in seconds.

    ``allow``, and that of each escalation, holds lower-case e-mail addresses and ``group:NAME``. ``owner_label`` names the
    label of the alert that names its owner.
    """

    approve: int | None = None
    reject: int | None = None
    allow: tuple[str, ...] | None = None
    window: float | None = None
    timeout: float | None = None
    valid_for: float | None = None
    on_timeout: str | None = None
    min_rank: str | None = None
    channel: str | None = None
    escalate: tuple[Escalation, ...] | None = None
    remind: float | None = None
    anonymous: bool | None = None
    owner_label: str | None = None


@dataclass(frozen=True)
class Param:
    """The pattern (RE2, fullmatch) that the value of one placeholder (``labels.instance``) must match."""

    placeholder: str
    source: str
    pattern: Pattern = field(compare=False, repr=False)


@dataclass(frozen=True)
class ActionTemplate:
    """One action before its placeholders are filled; ``spec``, ``check`` and ``rollback`` as in :class:`PlannedAction`."""

    name: str
    kind: str
    spec: dict[str, Any]
    timeout: float
    attempts: int
    backoff: float
    idempotent: bool
    runner: str
    check: tuple[str, ...] = ()
    rollback: Rollback | None = None


@dataclass(frozen=True)
class Rule:
    """One rule. ``alert`` and ``matchers`` must all hold; ``target`` and ``when`` are templates, "" = not given.

    ``verify`` holds templates too. ``rollback_approval`` is what differs from ``approval`` when people are asked about a
    rollback; None = they are not.
    """

    name: str
    alert: str
    matchers: tuple[Matcher, ...]
    mode: Mode
    target: str
    when: str
    approval: ApprovalRule
    params: tuple[Param, ...]
    actions: tuple[ActionTemplate, ...]
    cooldown: float
    limits: Limits
    dry_run: bool
    runbook_url: str
    verify: Verification | None = None
    rollback_approval: ApprovalRule | None = None

    def content(self) -> dict[str, Any]:
        """Return the rule as JSON data, the same for every way of writing it."""
        own = {
            name: getattr(self, name)
            for name in ("name", "alert", "target", "when", "cooldown", "dry_run", "runbook_url")
        }
        return own | {
            "mode": str(self.mode),
            "matchers": [str(matcher) for matcher in self.matchers],
            "approval": asdict(self.approval),
            "params": sorted([param.placeholder, param.source] for param in self.params),
            "actions": [asdict(action) for action in self.actions],
            "limits": asdict(self.limits),
            "verify": asdict(self.verify) if self.verify else None,
            "rollback_approval": asdict(self.rollback_approval) if self.rollback_approval else None,
        }


@dataclass(frozen=True)
class Policy:
    """Who may approve what. Times in seconds; addresses in lower case.

    ``severity`` maps a label value in lower case, or ``default``, to what it changes. ``people`` maps an address to
    ``{"slack": id}``. ``min_rank`` is what counts where no rule or severity says otherwise.
    """

    allowlist: tuple[str, ...] = ()
    quorum_window: float = Approval.window
    timeout: float = Approval.timeout
    on_timeout: str = Approval.on_timeout
    severity: Mapping[str, ApprovalRule] = field(default_factory=dict)
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    people: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    min_rank: str = Approval.min_rank
    owner_label: str = ""

    def principal(self, actor: str) -> str:
        """Return the person that ``actor`` is: the address of a known Slack id, else ``actor`` in lower case."""
        wanted = actor.strip().upper()
        for address, known in self.people.items():
            if wanted and known.get("slack", "").upper() == wanted:
                return address
        return actor.strip().lower()

    def content(self) -> dict[str, Any]:
        """Return the policy as JSON data, the same for every way of writing it."""
        own = {
            name: getattr(self, name) for name in ("quorum_window", "timeout", "on_timeout", "min_rank", "owner_label")
        }
        return own | {
            "allowlist": sorted(set(self.allowlist)),
            "severity": {name: asdict(rule) for name, rule in self.severity.items()},
            "groups": {name: sorted(set(members)) for name, members in self.groups.items()},
            "people": {address: dict(known) for address, known in self.people.items()},
            "commands": sorted(set(self.commands)),
        }


@dataclass(frozen=True)
class RuleSet:
    """All rules in the order in which they are tried, and the policy. ``warnings`` are lines for the log."""

    rules: tuple[Rule, ...]
    policy: Policy
    digest: str
    warnings: tuple[str, ...] = ()

    def text(self) -> tuple[str, bool]:
        """Return the JSON text whose SHA-256 is ``digest``, and whether something in it had to be hidden.

        What is hidden is what :func:`rules.kinds.shown_plan` hides; the text then has another SHA-256.
        """
        rules = [rule.content() for rule in self.rules]
        shown = [{**rule, "actions": [_shown(action) for action in rule["actions"]]} for rule in rules]
        for rule in shown:
            rule["verify"] = _hidden(rule["verify"])
        content = {"rules": shown, "policy": self.policy.content()}
        return canonical_json(content).decode("utf-8", "surrogatepass"), digest(content) != self.digest


def _shown(action: dict[str, Any]) -> dict[str, Any]:
    return {**_known(action), "rollback": _hidden(action["rollback"])}


def _hidden(part: dict[str, Any] | None) -> dict[str, Any] | None:
    return None if part is None else _known(part)


def _known(part: dict[str, Any]) -> dict[str, Any]:
    """Return a part that has a spec; a way to verify that is no kind of action has nothing to hide."""
    return {**part, "spec": shown_spec(part["kind"], part["spec"])} if part["kind"] in KINDS else part


def digest_of(rules: tuple[Rule, ...], policy: Policy) -> str:
    """Return the digest of the content of a rule set: not of file names, comments or spelling."""
    return digest({"rules": [rule.content() for rule in rules], "policy": policy.content()})
