"""Every key of a file of test cases, in the form of :mod:`rules.schema`."""

from __future__ import annotations

from dataclasses import replace

from lumen.ballot import Decision
from lumen.outcome import ActionStatus, Outcome
from lumen.plan import Approval, Mode
from lumen.probing import Judgement
from rules import schema
from rules.key import REQUIRED, Key

BLOCKED = "blocked"
"""What ``outcome`` is where an attempt has not ended, since something outside keeps it from going on."""

GUARDS = ("free", "held", "cooling", "runs", "targets", "failures")

ALERT = (
    Key("labels", "texts", REQUIRED, "its labels, `alertname` among them"),
    Key("annotations", "texts", {}, "its annotations"),
    Key("requested_by", "text", "", "the person who asked for it (`lumen run`)", otherwise="nobody: it fires"),
)

GIVEN = (
    Key(
        "condition",
        "json",
        None,
        "what Prometheus says: `true`, `false` or `unavailable`; a list answers one question after the other, the last "
        "answer stays",
        otherwise="`true`",
    ),
    Key("guard", "choice", "free", "what the locks and budgets of the rule say", choices=GUARDS),
    Key("frozen", "bool", False, "Lumen is frozen"),
    Key(
        "results",
        "texts",
        {},
        "how actions end, by name (rollbacks: `NAME/rollback`): "
        + ", ".join(f"`{each}`" for each in (ActionStatus.SUCCEEDED, ActionStatus.FAILED, ActionStatus.UNKNOWN)),
        otherwise="all succeed",
    ),
    Key(
        "verify",
        "choice",
        str(Judgement.HELD),
        "what the verification of the rule finds",
        choices=tuple(map(str, Judgement)),
    ),
    Key("resolved", "duration", None, "how long after people were asked the alert resolves", otherwise="never"),
)

VOTE = (
    Key("actor", "text", REQUIRED, "who votes: an e-mail address, a Slack id of `people`, or `anonymous`"),
    Key("decision", "choice", str(Decision.APPROVE), "what they say", choices=tuple(map(str, Decision))),
    Key("at", "duration", 0.0, "how long after people were asked"),
    Key(
        "rank",
        "choice",
        None,
        "how well the voter is known",
        choices=schema.RANKS,
        otherwise="as well as the rule asks",
    ),
)

APPROVAL = (
    *(
        replace(key, default=None, otherwise="")
        for key in schema.APPROVAL
        if key.name in Approval.__dataclass_fields__ and key.type != "sections"
    ),
    Key("barred", "strings", None, "who does not vote: they asked for it or own what it is about"),
)

EXPECT = (
    Key("unmatched", "true", None, "no rule matches"),
    Key("rule", "text", None, "the rule that applies"),
    Key("refused", "text", None, "no plan can be made; this text is in the reason"),
    Key("mode", "choice", None, "mode of the rule", choices=tuple(map(str, Mode))),
    Key("target", "text", None, "what is locked"),
    Key("severity", "text", None, "severity by which the policy asks"),
    Key("condition", "text", None, "the condition, filled in"),
    Key("dry_run", "bool", None, "whether the act is left out"),
    Key(
        "actions",
        "json",
        None,
        "all actions in order, each a list (program and arguments), the line that `lumen alert explain` shows, or a mapping "
        "of what matters in it",
    ),
    Key("approval", "section", None, "who has to agree; only what is written is compared", keys=APPROVAL),
    Key("digest", "text", None, "digest of the plan"),
    Key(
        "outcome",
        "choice",
        None,
        f"how the attempt ends; `{BLOCKED}`: it does not, something outside keeps it waiting",
        choices=(*map(str, Outcome), BLOCKED),
    ),
    Key("path", "strings", None, "the states that the attempt passes through"),
    Key("reason", "text", None, "this text is in the reason of the outcome"),
)

CASE = (
    Key("name", "text", REQUIRED, "what the case shows", pattern=r"[^\x00-\x1f\x7f]{1,200}"),
    Key("alert", "section", REQUIRED, "the alert", keys=ALERT),
    Key("given", "section", None, "what the world says", keys=GIVEN, otherwise="nothing stands in the way"),
    Key("votes", "sections", None, "who votes what and when", keys=VOTE),
    Key(
        "rollback_votes",
        "sections",
        None,
        "the same on the rollback, counted from when people are asked about that; only with `rollback_approval`",
        keys=VOTE,
    ),
    Key("expect", "section", REQUIRED, "what must come of it; only what is written is compared", keys=EXPECT),
)

FILE = (
    Key("folder", "text", "..", "the folder of rules and policy, seen from this file"),
    Key("min_rank", "choice", "link", "from which rank votes count where no rule says so", choices=schema.RANKS),
    Key("cases", "sections", REQUIRED, "the cases", keys=CASE),
)

TABLES: dict[str, tuple[Key, ...]] = {
    "test_file": FILE,
    "case": CASE,
    "case_alert": ALERT,
    "given": GIVEN,
    "vote": VOTE,
    "expect": EXPECT,
    "expected_approval": APPROVAL,
}
"""The tables of the docs, by the name in their mark."""
