"""Every key of the rule and policy files in one table: name, type, default, meaning. The reader and the docs use it.

The keys of a kind of action stand with the kind.
"""

from __future__ import annotations

from lumen.episode import DEFAULT_COOLDOWN
from lumen.plan import Approval, Limits, PlannedAction, Rollback, Verification
from rules import kinds, surroundings
from rules.key import REQUIRED, Key
from rules.kinds import http

RANKS = ("signal", "token", "link", "slack", "oidc")
TITLE = r"[^\x00-\x1f\x7f]{1,100}"
RUNNER = r"[a-z0-9-]{1,63}"
LABEL = r"[a-zA-Z_][a-zA-Z0-9_]{0,99}"

ESCALATION = (
    Key("after", "duration", REQUIRED, "how long after the first request", least=1),
    Key("allow", "strings", REQUIRED, "who may vote from then on: e-mail addresses and `group:NAME`"),
    Key(
        "channel", "text", "", "Slack channel that gets the request too", otherwise="no other than that of the request"
    ),
)

OWNER = Key(
    "owner_label",
    "text",
    None,
    "label of the alert that names its owner, by e-mail address or a Slack id of `people`; that person does not vote",
    pattern=LABEL,
)

APPROVAL = (
    Key("approve", "int", Approval.approve, "how many people must approve", least=1, most=100),
    Key("reject", "int", Approval.reject, "how many people stop it", least=1, most=100),
    Key(
        "allow",
        "strings",
        None,
        "who may vote: e-mail addresses and `group:NAME`",
        otherwise="`approver_allowlist` of the policy",
    ),
    Key("window", "duration", Approval.window, "how long a vote counts", least=1),
    Key("timeout", "duration", Approval.timeout, "how long to wait for the quorum", least=1),
    Key(
        "valid_for", "duration", Approval.valid_for, "how long a decision stays valid until its action starts", least=1
    ),
    Key(
        "on_timeout",
        "choice",
        Approval.on_timeout,
        "what a missing quorum means; `escalate`: a human is told and the time runs once more; `approve` only in a rule, "
        "and never for severity critical",
        choices=("reject", "approve", "escalate"),
    ),
    Key(
        "min_rank",
        "choice",
        None,
        "the weakest identity whose vote counts",
        choices=RANKS,
        otherwise="`signal` with `lumen up`, else `link`",
    ),
    Key("channel", "text", Approval.channel, "Slack channel for this request", otherwise="`SLACK_CHANNEL`"),
    Key("escalate", "sections", None, "who may vote too if nothing is decided by then", keys=ESCALATION),
    Key("remind", "duration", None, "how often to remind until it is decided", least=60, otherwise="never"),
    Key(
        "anonymous",
        "bool",
        Approval.anonymous,
        "links that name nobody may vote, all of them together as one; never for severity critical",
    ),
    OWNER,
)

LIMITS = (
    Key("attempts", "int", Limits.attempts, "attempts in one episode before a human is told", least=1, most=100),
    Key(
        "concurrency", "int", Limits.concurrency, "episodes of this rule that may act at once; 0: any number", most=1000
    ),
    Key("stale_after", "duration", Limits.stale_after, "silence after which an open episode ends", least=60),
    Key(
        "max_runs", "int", Limits.max_runs, "runs within `per`, over all episodes of the rule; 0: any number", most=1000
    ),
    Key("max_targets", "int", Limits.max_targets, "distinct targets acted on within `per`; 0: any number", most=1000),
    Key(
        "failures",
        "int",
        Limits.failures,
        "failed remediations within `per` after which nothing runs until it is over or a human clears it; 0: any number",
        most=1000,
    ),
    Key("per", "duration", Limits.per, "the period of `max_runs`, `max_targets` and `failures`", least=1),
)

RETRY = (
    Key(
        "attempts",
        "int",
        PlannedAction.attempts,
        "starts in all; more than 1 only with `idempotent: true`",
        least=1,
        most=100,
    ),
    Key("backoff", "duration", PlannedAction.backoff, "pause before the next start"),
)

KINDS = tuple(kind.key for kind in kinds.KINDS.values())

UNDOING = (
    *KINDS,
    Key("timeout", "duration", Rollback.timeout, "how long it may run", least=1),
    *surroundings.KEYS,
)

ACTION = (
    Key("name", "text", None, "unique in its rule", pattern=TITLE, otherwise="`action-1`, `action-2` …"),
    *KINDS,
    Key(
        "timeout",
        "duration",
        None,
        "how long it may run",
        least=1,
        otherwise=f"`timeout` of the file, else {PlannedAction.timeout:g} s",
    ),
    Key("retry", "section", None, "further starts after a failure", keys=RETRY, otherwise="one start"),
    Key("idempotent", "bool", PlannedAction.idempotent, "running it twice does what running it once does"),
    Key("check", "argv", None, "exit 0: already done; run before anything that may have run", otherwise="nobody looks"),
    Key("rollback", "section", None, "what undoes it", keys=UNDOING, otherwise="nothing undoes it"),
    Key("runner", "text", PlannedAction.runner, "task queue of the workers that may run it", pattern=RUNNER),
    *surroundings.KEYS,
)

VERIFY = (
    Key("promql", "template", None, "a condition as in `when`"),
    Key("http", "section", None, "a request that must succeed", keys=http.KEYS),
    Key("cmd", "argv", None, "a command that must exit 0"),
    Key("resolved", "true", None, "the alert must resolve"),
    Key("for", "duration", Verification.stable_for, "how long it must hold on end"),
    Key("within", "duration", Verification.within, "how long to wait for that", least=1, most=86400),
    Key("every", "duration", Verification.every, "how often to look", least=1),
)

RULE = (
    Key("name", "text", None, "unique over all files", pattern=TITLE, otherwise="the value of `alert`"),
    Key(
        "alert",
        "text",
        None,
        "exact alertname; this or `match` is required",
        pattern=r"[^\x00-\x1f\x7f]{1,200}",
        otherwise="any alert",
    ),
    Key("match", "strings", None, "Alertmanager matchers; all must hold"),
    Key("mode", "choice", "approve", "how much the rule may do by itself", choices=("shadow", "approve", "auto")),
    Key("target", "template", None, "what locks and cooldowns count", otherwise="the episode itself"),
    Key("when", "template", "", "PromQL instant query; a result means go on", otherwise="no condition"),
    Key("approval", "section", None, "overrides the policy key by key", keys=APPROVAL, otherwise="that of the policy"),
    Key(
        "params",
        "texts",
        {},
        "patterns of placeholders: RE2, the whole value must match",
        otherwise=r"`[^\x00-\x1f\x7f]{1,256}` without a leading `-`",
    ),
    Key("actions", "sections", REQUIRED, "run one after the other", keys=ACTION),
    Key("verify", "section", None, "what must hold afterwards", keys=VERIFY, otherwise="that the actions succeed"),
    Key(
        "rollback_approval",
        "section",
        None,
        "who must agree before anything is undone; what it does not say is as in `approval`",
        keys=APPROVAL,
        otherwise="nobody is asked again: the rollback was agreed to with the plan",
    ),
    Key(
        "cooldown",
        "duration",
        None,
        "pause after an attempt",
        otherwise=f"`cooldown` of the file, else {DEFAULT_COOLDOWN:g} s",
    ),
    Key("limits", "section", None, "what bounds the rule", keys=LIMITS, otherwise="the defaults there"),
    Key("dry_run", "bool", None, "everything but the act", otherwise="`dry_run` of the file, else `false`"),
    Key("runbook_url", "url", "", "shown to approvers"),
)

DEFAULTS = (
    Key("dry_run", "bool", False, "for rules of this file that do not say"),
    Key("cooldown", "duration", DEFAULT_COOLDOWN, "for rules of this file that do not say"),
    Key("timeout", "duration", PlannedAction.timeout, "for actions of this file that do not say", least=1),
    Key("proofd_url", "url", "", "ignored with a warning: `PROOFD_URL` says where the ledger is"),
    Key("control_bus_url", "url", "", "ignored with a warning: `CONTROL_BUS_TARGET` says where the control bus is"),
)

FILE = (
    Key("defaults", "section", None, "for the rules of this file", keys=DEFAULTS),
    Key("rules", "sections", REQUIRED, "first match wins", keys=RULE),
)

PERSON = (Key("slack", "text", "", "Slack user id", pattern=r"[UW][A-Z0-9]{2,30}"),)

POLICY = (
    Key("approver_allowlist", "strings", REQUIRED, "who may vote: e-mail addresses and `group:NAME`"),
    Key("quorum_window_sec", "duration", Approval.window, "how long a vote counts", least=1),
    Key("timeout", "duration", Approval.timeout, "how long to wait for the quorum", least=1),
    Key(
        "on_timeout",
        "choice",
        "reject",
        "what a missing quorum means; `approve` is refused here: a rule may say it for itself",
        choices=("reject", "approve", "escalate"),
    ),
    OWNER,
    Key(
        "severity",
        "named_sections",
        {},
        "approval by the value of the label `severity`, in any case; the name `default` is for all others",
        keys=APPROVAL,
    ),
    Key("groups", "named_strings", {}, "names for lists of e-mail addresses"),
    Key("people", "named_sections", {}, "what belongs to one person", keys=PERSON),
    Key("commands", "strings", (), "what `POST /commands` may send"),
)
