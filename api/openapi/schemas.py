"""The shapes of bodies and answers. What stands here is tested against answers of a running installation."""

from __future__ import annotations

from api.metrics import Result
from lumen.ballot import Decision, OverrideDecision
from lumen.openapi import TEXT, Schema, fields, ref
from lumen.outcome import Outcome, State

_NUMBER: Schema = {"type": "integer", "minimum": 0}
_FLAG: Schema = {"type": "boolean"}
_TEXTS: Schema = {"type": "object", "additionalProperties": TEXT}
_ANYTHING: Schema = {"type": "object"}


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _list_of(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _one_of(values: type[State | Outcome | Decision | OverrideDecision | Result]) -> Schema:
    return {"type": "string", "enum": [str(value) for value in values]}


_ALERT_STATUS: Schema = {"type": "string", "enum": ["firing", "resolved"]}
_SOURCE_FIELDS = {
    "labels": {**_TEXTS, "required": ["alertname"]},
    "annotations": _TEXTS,
    "startsAt": TEXT,
    "status": _ALERT_STATUS,
}
_SENT_ALERT = fields(
    {"labels": _SOURCE_FIELDS["labels"]},
    {
        **{name: schema for name, schema in _SOURCE_FIELDS.items() if name != "labels"},
        "endsAt": TEXT,
        "generatorURL": TEXT,
        "fingerprint": TEXT,
    },
    more=True,
)
_NOTIFICATION = fields(
    {"alerts": _list_of(ref("Alert"))},
    {
        "version": TEXT,
        "status": TEXT,
        "receiver": TEXT,
        "groupKey": TEXT,
        "externalURL": TEXT,
        "truncatedAlerts": {"type": "integer", "minimum": 0, "exclusiveMaximum": 2**63},
    },
    more=True,
)
_TAKEN = fields(
    {
        "key": _or_null(TEXT),
        "fingerprint": _or_null(TEXT),
        "status": _or_null(_ALERT_STATUS),
        "rule": _or_null(TEXT),
        "workflow_id": _or_null(TEXT),
        "result": _one_of(Result),
    },
    {"detail": TEXT},
)
_WAITING = fields(
    {
        "approval_id": TEXT,
        "expires_at": _or_null(TEXT),
        "allow": _or_null(_list_of(TEXT)),
        "min_rank": TEXT,
        "approve": _NUMBER,
        "reject": _NUMBER,
    },
    more=True,
)
_ROW = fields(
    {
        "key": TEXT,
        "workflow_id": TEXT,
        "state": _or_null(_one_of(State)),
        "outcome": _or_null(_one_of(Outcome)),
        "rule": _or_null(TEXT),
        "alert": _or_null(TEXT),
        "severity": _or_null(TEXT),
        "target": _or_null(TEXT),
        "labels": _TEXTS,
        "waiting": _or_null(_WAITING),
        "status": _or_null(TEXT),
        "started_at": _or_null(TEXT),
        "closed_at": _or_null(TEXT),
    }
)
_COUNTS = fields({"approve": _NUMBER, "reject": _NUMBER})
_VOTE = fields({"actor": TEXT, "channel": TEXT, "rank": TEXT, "at": TEXT, "reason": TEXT})
_VOTES = fields({"approve": _list_of(ref("CountedVote")), "reject": _list_of(ref("CountedVote"))})
_EPISODE = fields(
    {"key": TEXT, "open": _FLAG, "run_status": _or_null(TEXT)},
    {
        "stale": _FLAG,
        "source": TEXT,
        "fingerprint": TEXT,
        "labels": _TEXTS,
        "annotations": _TEXTS,
        "starts_at": TEXT,
        "status": _ALERT_STATUS,
        "state": _or_null(_one_of(State)),
        "state_reason": TEXT,
        "outcome": _or_null(_one_of(Outcome)),
        "rule": _or_null(TEXT),
        "target": _or_null(TEXT),
        "plan": _or_null(_ANYTHING),
        "approval": _or_null(_ANYTHING),
        "attempts": _list_of(_ANYTHING),
        "repeats": _NUMBER,
        "proof_ref": _list_of(_NUMBER),
        "workflow_id": TEXT,
        "run_id": _or_null(TEXT),
    },
    more=True,
)

_BALLOT = {"actor": TEXT, "reason": TEXT, "approval_id": TEXT, "digest": TEXT}

SCHEMAS: dict[str, Schema] = {
    "Problem": fields(
        {"type": TEXT, "title": TEXT, "status": {"type": "integer", "minimum": 400}, "detail": TEXT},
    ),
    "Alert": _SENT_ALERT,
    "Notification": _NOTIFICATION,
    "Taken": _TAKEN,
    "AllTaken": fields({"alerts": _list_of(ref("Taken")), "truncated": _NUMBER}),
    "KeptAlert": fields(
        {
            "key": TEXT,
            "labels": _TEXTS,
            "annotations": _TEXTS,
            "startsAt": TEXT,
            "status": _or_null(_ALERT_STATUS),
        },
        {"stale": _FLAG},
    ),
    "Row": _ROW,
    "Page": fields({"alerts": _list_of(ref("Row")), "next": _or_null(TEXT)}),
    "Episode": _EPISODE,
    "CountedVote": _VOTE,
    "Vote": fields({"decision": _one_of(Decision)}, _BALLOT, more=True),
    "LinkVote": fields(
        {"token": TEXT, "decision": _one_of(Decision)}, {"reason": {**TEXT, "maxLength": 2000}}, more=True
    ),
    "Tally": fields(
        {"decision": TEXT, "status": TEXT, "votes": _VOTES, "required": _COUNTS},
    ),
    "Recorded": fields({"status": TEXT, "decision": TEXT, "id": TEXT, "detail": TEXT}),
    "Override": fields({"decision": _one_of(OverrideDecision), "reason": TEXT}, _BALLOT, more=True),
    "Sent": fields(
        {"status": TEXT, "workflow_id": TEXT, "state": _or_null(TEXT), "takes_effect": _FLAG, "effect": TEXT},
    ),
    "Run": fields(
        {"rule": {**TEXT, "minLength": 1}, "reason": {**TEXT, "maxLength": 2000}},
        {"target": TEXT, "labels": _TEXTS, "annotations": _TEXTS, "actor": TEXT},
    ),
    "Started": fields({"key": TEXT, "workflow_id": TEXT, "rule": TEXT, "result": _one_of(Result)}),
    "Command": fields(
        {"command": TEXT},
        {"args": _or_null(_ANYTHING), "idempotency_key": {**TEXT, "maxLength": 200}, "actor": TEXT},
    ),
    "Commanded": fields({"workflow_id": TEXT, "idempotency_key": TEXT}),
    "Health": fields({"status": TEXT}),
}
