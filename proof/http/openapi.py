"""What proofd tells programs of itself: an OpenAPI document. It is not served; nothing is open without need."""

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from lumen.openapi import PROBLEM, TEXT, Content, Description, Operation, Schema, document, fields, json_of, query, ref
from proof.format.kinds import CLIENT_KINDS

_PROBLEM: Content = {PROBLEM: ref("Problem")}
_PLAIN: Content = {"text/plain": TEXT}
_METRICS: Content = {**_PLAIN, "application/openmetrics-text": TEXT}
_NUMBER: Schema = {"type": "integer", "minimum": 0, "maximum": 10**16 - 1}
_HASH: Schema = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
_HASHES: Schema = {"type": "array", "items": _HASH}
_TEXT_OR_NULL: Schema = {"type": ["string", "null"]}
_TOKEN = ("bearer",)

_SCHEMAS: dict[str, Schema] = {
    "Problem": fields(
        {"type": TEXT, "title": TEXT, "status": {"type": "integer", "minimum": 400}, "detail": TEXT}, {"seq": _NUMBER}
    ),
    "Head": fields({"ok": {"type": "boolean"}, "head": _HASH, "height": _NUMBER, "bytes": _NUMBER}),
    "Keys": fields({"vkey": TEXT, "vkeys": {"type": "array", "items": TEXT}}),
    "Inclusion": fields(
        {"seq": _NUMBER, "size": _NUMBER, "leaf": _HASH, "root": _HASH, "proof": _HASHES}, {"checkpoint": TEXT}
    ),
    "Consistency": fields({"from": _NUMBER, "to": _NUMBER, "from_root": _HASH, "to_root": _HASH, "proof": _HASHES}),
    "Draft": fields(
        {"idem": TEXT, "kind": {"enum": sorted(CLIENT_KINDS)}, "parts": {"type": "object", "minProperties": 1}}
    ),
    "Receipt": fields(
        {"seq": _NUMBER, "leaf": _HASH, "prev": _HASH, "height": _NUMBER, "duplicate": {"type": "boolean"}}
    ),
    "Verified": fields(
        {
            "ok": {"type": "boolean"},
            "height": _NUMBER,
            "first_bad_seq": {"type": ["integer", "null"]},
            "reason": _TEXT_OR_NULL,
        }
    ),
    "Entry": fields(
        {
            "seq": _NUMBER,
            "leaf": _HASH,
            "prev": _HASH,
            "kind": TEXT,
            "idem": TEXT,
            "at": TEXT,
            "parts": {"type": "object"},
        }
    ),
    "ExportHead": fields({"origin": TEXT, "log": TEXT, "checkpoint": TEXT, "vkeys": {"type": "array", "items": TEXT}}),
    "ExportPart": fields({"name": TEXT, "salt": _TEXT_OR_NULL, "data": _TEXT_OR_NULL}),
    "ExportEntry": fields(
        {"seq": _NUMBER, "leaf": _HASH, "body": TEXT, "parts": {"type": "array", "items": ref("ExportPart")}}
    ),
    "ExportEntries": fields({"entries": {"type": "array", "items": ref("ExportEntry")}}),
    "ExportCheckpoints": fields({"checkpoints": {"type": "array", "items": fields({"size": _NUMBER, "note": TEXT})}}),
}


def _with(content: Content, *problems: int) -> dict[int, Content]:
    return {200: content, **dict.fromkeys(problems, _PROBLEM)}


_OPERATIONS: dict[str, Operation] = {
    **dict.fromkeys(("GET /head", "GET /stats"), Operation("How the ledger stands", _with(json_of(ref("Head"))))),
    "GET /healthz": Operation("Whether the ledger takes entries", _with(json_of(fields({"status": TEXT})), 503)),
    "GET /metrics": Operation("Metrics", _with(_METRICS)),
    "GET /vkey": Operation("The keys that sign", _with({**json_of(ref("Keys")), **_PLAIN})),
    "GET /checkpoint": Operation("A signed checkpoint over everything", _with(_PLAIN, 503)),
    "GET /proof/inclusion": Operation(
        "That an entry is in a tree",
        _with({**json_of(ref("Inclusion")), **_PLAIN}, 422, 503),
        parameters=(
            query("seq", _NUMBER, required=True),
            query("size", _NUMBER),
            query("format", {"type": "string", "enum": ["json", "tlog-proof"]}),
        ),
    ),
    "GET /proof/consistency": Operation(
        "That a tree continues another",
        _with(json_of(ref("Consistency")), 422, 503),
        parameters=(query("from", _NUMBER, required=True), query("to", _NUMBER)),
    ),
    "POST /append": Operation(
        "Append an entry", _with(json_of(ref("Receipt")), 400, 401, 409, 413, 422, 503), _TOKEN, json_of(ref("Draft"))
    ),
    "POST /verify": Operation("Verify everything", _with(json_of(ref("Verified")), 401), _TOKEN),
    "GET /entries/{seq}": Operation("One entry", _with(json_of(ref("Entry")), 401, 404, 503), _TOKEN),
    "GET /entries": Operation(
        "One entry by its idempotency key",
        _with(json_of(ref("Entry")), 401, 404, 422, 503),
        _TOKEN,
        parameters=(query("idem", TEXT, required=True),),
    ),
    "GET /export/head": Operation("Name, checkpoint and keys", _with(json_of(ref("ExportHead")), 401, 503), _TOKEN),
    "GET /export/entries": Operation(
        "Entries as they are stored",
        _with(json_of(ref("ExportEntries")), 401, 422, 503),
        _TOKEN,
        parameters=(query("from", _NUMBER), query("limit", _NUMBER), query("prefix", TEXT)),
    ),
    "GET /export/checkpoints": Operation(
        "Checkpoints that are kept",
        _with(json_of(ref("ExportCheckpoints")), 401, 422, 503),
        _TOKEN,
        parameters=(query("after", _NUMBER), query("limit", _NUMBER)),
    ),
}

_TOLD = Description(
    "proofd",
    "A ledger of signed entries, each of which can be proved",
    _OPERATIONS,
    _SCHEMAS,
    {"bearer": {"type": "http", "scheme": "bearer"}},
)


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the document of ``app``; raises ``KeyError`` for a route that nobody described."""
    return document(_TOLD, get_openapi(title=app.title, version="1", routes=app.routes)["paths"])
