"""Reading episodes."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query

from api.edge import Key, Reader, TheEdge, check_key
from api.errors import NoWorkerError, ParameterError
from api.paging import seal, unseal
from api.ports import Episodes, Filters
from api.problems import Json
from lumen.outcome import Outcome, State

router = APIRouter()


@router.get("/alerts")
async def list_alerts(
    edge: TheEdge,
    _caller: Reader,
    state: str = "",
    outcome: str = "",
    rule: Annotated[str, Query(max_length=1000)] = "",
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    after: Annotated[str, Query(max_length=4000)] = "",
) -> Json:
    """List episodes, newest first."""
    filters = Filters(_one_of(State, "state", state), _one_of(Outcome, "outcome", outcome), _text("rule", rule))
    page = await edge.episodes.page(filters, limit, unseal(after, edge.bridge_keys))
    return Json({"alerts": page.rows, "next": seal(page.after, edge.bridge_keys)})


@router.get("/alerts/{key}")
async def show_alert(edge: TheEdge, _caller: Reader, key: Key) -> Json:
    """Show one episode; what is known without a worker if none answers."""
    return Json(await document_of(edge.episodes, key))


@router.get("/get")
async def get_alert(edge: TheEdge, _caller: Reader, key: str) -> Json:
    """Read one alert back in the form in which ``POST /alert`` took it."""
    document = await document_of(edge.episodes, check_key(key))
    alert = {
        "key": key,
        "labels": document.get("labels", {}),
        "annotations": document.get("annotations", {}),
        "startsAt": document.get("starts_at", ""),
        "status": document.get("status"),
    }
    return Json(alert | ({"stale": True} if document.get("stale") else {}))


async def document_of(episodes: Episodes, key: str) -> dict[str, Any]:
    """Return the document of an episode; with ``"stale": true`` it is only what Temporal knows without a worker."""
    try:
        return await episodes.status(key)
    except NoWorkerError:
        found = await episodes.describe(key)
    # The row's status is the run's; in this document it would be the alert's, which nobody can tell now.
    known = {name: value for name, value in found.row.items() if name != "status"}
    run = {"run_id": found.run_id, "open": found.open, "run_status": found.row["status"]}
    return {**known, **found.memo, "key": key, **run, "stale": True}


def _one_of(kind: type[State | Outcome], name: str, value: str) -> str:
    if value and value not in [str(item) for item in kind]:
        raise ParameterError(f'"{name}" must be one of {", ".join(kind)}')
    return value


def _text(name: str, value: str) -> str:
    if "\x00" in value:
        raise ParameterError(f'"{name}" holds a NUL')
    return value
