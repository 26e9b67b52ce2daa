"""Random requests to every route of running services, and that the checks of such a run find what they are there for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random

import pytest

from tests.fuzz.wire.campaign import Campaign
from tests.fuzz.wire.documents import api_document, proofd_document
from tests.fuzz.wire.mutants import mutant
from tests.fuzz.wire.place import Place, running_place
from tests.fuzz.wire.promises import MOST_SECONDS, Promises
from tests.fuzz.wire.sending import Answer, Sent
from tests.stack.calling import calls
from tests.stack.site import PROOFD_TOKEN

_REQUESTS = 100
_EXAMPLES = 4
_PROBLEM = {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "there is nothing at this path"}
_IS_PROBLEM = {"content-type": "application/problem+json"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """One installation for all tests of this file."""
    with running_place(tmp_path_factory.mktemp("place")) as one:
        yield one


@pytest.mark.long
def test_every_route_keeps_its_promises(place: Place) -> None:
    """Whatever is sent, whoever sends it: documented answers, no 5xx, no secret, bounded memory, and nothing by refusals."""
    report = Campaign(place, 1, lambda _line: None).run(_REQUESTS, _EXAMPLES)
    assert report.broken == {}
    routes = sum(len(methods) for service in place.services for methods in service.document["paths"].values())
    assert len(report.requests) == routes
    assert all(count >= _REQUESTS // 2 for count in report.requests.values())


def test_the_documents_name_every_way_in() -> None:
    """Each operation has an answer that is documented, and each that needs a token documents what comes without one."""
    for document in (api_document(), proofd_document()):
        for path, methods in document["paths"].items():
            for method, operation in methods.items():
                answers = operation["responses"]
                assert answers, (method, path)
                assert not operation.get("security") or answers.keys() & {"401", "303"}, (method, path)


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        (Answer(200, {"content-type": "application/json"}, b'{"alerts":[],"next":null}', 0.1), ""),
        (Answer(404, _IS_PROBLEM, json.dumps(_PROBLEM).encode(), 0.1), "not documented"),
        (Answer(500, _IS_PROBLEM, json.dumps({**_PROBLEM, "status": 500}).encode(), 0.1), "not documented"),
        (Answer(200, {"content-type": "text/html"}, b"<p>", 0.1), "text/html"),
        (Answer(200, {"content-type": "application/json"}, b'{"alerts":{}}', 0.1), "200: "),
        (Answer(200, {"content-type": "application/json"}, b"{", 0.1), "no JSON"),
        (Answer(401, _IS_PROBLEM, json.dumps(_PROBLEM).encode(), 0.1), "another status"),
        (Answer(401, _IS_PROBLEM, json.dumps(_PROBLEM | {"status": 401, "detail": "\x1b"}).encode(), 0.1), "control"),
        (Answer(200, {"content-type": "application/json"}, b'{"alerts":[],"next":"hush"}', 0.1), "secret"),
        (Answer(200, {"content-type": "application/json"}, b'{"alerts":[],"next":null}', MOST_SECONDS + 1), "seconds"),
        (Answer(0, {}, b"", 0.1), "0 is not documented"),
    ],
)
def test_a_broken_promise_is_found(answer: Answer, found: str) -> None:
    """Each of these checks finds what it is there for, and nothing in an answer as it should be."""
    broken = Promises(api_document(), ["hush"]).broken(Sent("", "GET", "/alerts?limit=1"), answer)
    assert broken == [] if not found else any(found in problem for problem in broken)


def test_the_same_seed_makes_the_same_requests() -> None:
    """A run can be repeated."""
    sent = Sent("", "POST", "/alerts/x/votes?a=b", {"Content-Type": "application/json"}, b'{"decision":"approve"}')
    one, two = ([mutant(sent, rng, ["y"]) for _ in range(200)] for rng in (Random(3), Random(3)))  # noqa: S311 - a seed
    assert one == two
    assert len(set(map(repr, one))) > 100


def test_a_state_that_changed_is_found(place: Place) -> None:
    """An entry and a workflow that no answer tells of are findings, as they are after a pass that was refused as a whole."""
    campaign = Campaign(place, 1, lambda _line: None)
    before = place.quiet_state()
    key = place.site.post_alert("FuzzAsk", severity="critical", more="one")
    place.site.until_state(key, "awaiting_approval")
    campaign._unchanged(before, place.quiet_state())
    assert any(problem.startswith("workflows changed") for problem in campaign.report.broken)
    untold = {"idem": "untold/1", "kind": "command", "parts": {"a": {}}}
    answer = calls().post(
        f"{place.site.proofd_url}/append", json=untold, headers={"Authorization": f"Bearer {PROOFD_TOKEN}"}
    )
    assert answer.is_success, answer.text
    campaign._accounted(before["ledger"]["height"])
    assert f"nobody was told of the entry {answer.json()['seq']} (untold/1)" in campaign.report.broken
    assert f"nobody was told of the workflow alert-{key}" in campaign.report.broken
