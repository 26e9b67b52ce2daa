"""docs/http-api.md lists every route, and every line of it works as it stands against a real ``lumen up``."""

from __future__ import annotations

import json
import re
import warnings

import pytest
from fastapi import FastAPI
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.routing import Route

from api import problems
from api.app import create_app
from api.body import BODY_SECONDS, OTHER_BYTES, WEBHOOK_BYTES
from api.metrics import Result
from tests.api.fakes import FakeEpisodes, RecordingSink, make_edge
from tests.cli.up.conftest import Up
from tests.docs.shell import ROOT, Terminal, answers, blocks, shape
from worker.health import create_health_app

_PAGE = (ROOT / "docs" / "http-api.md").read_text(encoding="utf-8")


def section(heading: str) -> str:
    """Return the text under a heading of the second level."""
    return _PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]


def listed(heading: str) -> set[str]:
    """Return the routes in the table under a heading, such as ``GET /healthz``."""
    rows = re.findall(r"^\| (`[A-Z]+ /.*?) \|", section(heading), re.MULTILINE)
    return {route for row in rows for route in re.findall(r"`([A-Z]+ /[^`]*)`", row)}


def routes_of(app: FastAPI) -> set[str]:
    """Return the routes of an application; both spellings of a webhook are one, HEAD comes with GET."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # HEAD and GET of one route share the id that only a schema would need
        paths = app.openapi()["paths"]
    found = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    return {f"{method} {path.rstrip('/') or '/'}" for method, path in found if method != "HEAD"}


def served(app: Starlette) -> set[str]:
    """Return the routes of an application without a schema; HEAD comes with GET."""
    routes = [route for route in app.routes if isinstance(route, Route)]
    return {f"{method} {route.path}" for route in routes for method in route.methods or () if method != "HEAD"}


def routes_of_proofd() -> set[str]:
    """Return the routes in the source of proofd, whose application wants an open ledger."""
    found = set()
    for file in sorted((ROOT / "proof").rglob("*.py")):
        source = file.read_text(encoding="utf-8")
        prefix = "".join(re.findall(r'APIRouter\(prefix="([^"]+)"', source))
        routes = re.findall(r'@\w*router\.(get|post)\("([^"]+)"', source)
        found |= {f"{method.upper()} {prefix}{path}" for method, path in routes}
    return found


def called() -> set[str]:
    """Return the routes that the lines of the page call, keys and numbers as their placeholders."""
    found = set()
    for line in re.findall(r"^\s*(?:\w+=\$\()?((?:curl|form) .*?[^\\])$", _PAGE, re.MULTILINE | re.DOTALL):
        place, path = re.findall(r'"\$(API|PROOFD|WORKER)(/[^"?]*)', line)[0]
        posts = line.startswith("form") or "-X POST" in line or ("-d '" in line and " -G " not in line)
        path = path.replace("$KEY", "{key}").replace("/entries/0", "/entries/{seq}").replace("lumen.css", "{name}")
        found.add(f"{place} {'POST' if posts else 'GET'} {path}")
    return found


API = create_app(make_edge(RecordingSink(), FakeEpisodes()))
WORKER = create_health_app(CollectorRegistry(), None)  # type: ignore[arg-type]  # no request is made


@pytest.mark.parametrize(
    ("heading", "routes"),
    [("Routes of the API", routes_of(API)), ("proofd", routes_of_proofd()), ("worker", served(WORKER))],
    ids=["api", "proofd", "worker"],
)
def test_the_page_lists_every_route_and_no_other(heading: str, routes: set[str]) -> None:
    """The tables are the routes that are served."""
    assert listed(heading) == routes


def test_every_route_has_its_line() -> None:
    """For each route there is a curl line to copy."""
    wanted = {f"API {route}" for route in listed("Routes of the API")}
    wanted |= {f"PROOFD {route}" for route in listed("proofd")} | {f"WORKER {route}" for route in listed("worker")}
    assert called() == wanted


def test_the_page_names_every_kind_of_problem_and_result() -> None:
    """What a program can branch on is on the page, with the status that it comes with."""
    rows = dict(re.findall(r"^\| (\d{3}(?:, \d{3})*) \| (.*?) \|", section("Errors"), re.MULTILINE))
    status = {error.reason: code for error, code in problems._STATUS.items()} | problems.BALLOT_STATUS | {"scope": 403}
    for reason, code in status.items():
        assert f"`{reason}`" in rows[str(code)], reason
    results = set(re.findall(r"^\| `(\w+)` \|", section("Send alerts"), re.MULTILINE)) - {"result"}
    assert results == set(Result)


def test_the_limits_on_the_page_hold() -> None:
    """Sizes and times of bodies."""
    assert (WEBHOOK_BYTES, OTHER_BYTES, BODY_SECONDS) == (16 * 2**20, 2**20, 30)
    assert "Bodies: 16 MiB on the webhooks,\n1 MiB elsewhere" in _PAGE
    assert "body too slow (30 s)" in _PAGE


def test_every_line_works_as_it_stands(running: Up) -> None:
    """The lines run one after the other; where the page shows an answer, the real one has the same names in it."""
    sent = 'curl -sS "$API/alert" -u "x:$WEBHOOK_TOKEN" -d \'{"labels":{"alertname":"HelloApi","instance":"x"}}\''
    terminal = Terminal(running)
    for text, shown in blocks(_PAGE):
        printed = terminal.run(text)
        if "rules check" in text:
            terminal.until(sent, "started")  # within seconds the API has taken over the rule
        if shown:
            if "/alerts" in text and " -d " not in text:  # what was just sent takes a moment to be there
                printed = terminal.until(text, "awaiting_approval")
            assert shape(answers(printed)[-1]) == shape(json.loads(shown)), text
