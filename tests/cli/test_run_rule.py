"""``lumen run``, against a loopback API."""

from __future__ import annotations

import pytest

from tests.cli.alert.samples import asking
from tests.cli.conftest import FakeService, Lumen
from tests.cli.test_output import HOSTILE, is_harmless

KEY = "request-0aa043e5d176c819"
STARTED = {"key": KEY, "workflow_id": f"alert-{KEY}", "rule": "disk-full", "result": "started"}


@pytest.fixture
def now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """Patience of a moment, so that a test does not wait for what never comes."""
    monkeypatch.setattr("cli.run_rule._PATIENCE", 0.0)


def test_what_is_given_goes_to_the_api_and_the_key_alone_comes_back(
    lumen: Lumen, api: FakeService, now_and_then: None
) -> None:
    """stdout is the key; stderr says whose turn it is. What was not given is not sent."""
    api.answer(202, asking(**STARTED))
    ran = lumen(
        *("run", "disk-full", "--target", "host1:9100", "-l", "vg=data", "--annotation", "by=10G"),
        *("--actor", "alice@example.com", "--reason", "the release"),
    )
    assert (ran.code, ran.out) == (0, KEY + "\n")
    assert "it asks for 1 more to approve (1 of 2 did)" in ran.err
    assert "may vote: alice@example.com, carol@example.com" in ran.err
    assert f"vote with: lumen approve {KEY} --actor …" in ran.err
    post, get = api.asked
    assert (post.method, post.path, post.token) == ("POST", "/runs", "Bearer api-token-1")
    assert post.body == {
        "rule": "disk-full",
        "target": "host1:9100",
        "labels": {"vg": "data"},
        "annotations": {"by": "10G"},
        "actor": "alice@example.com",
        "reason": "the release",
    }
    assert (get.method, get.path) == ("GET", f"/alerts/{KEY}")
    lumen("run", "disk-full")
    assert api.asked[2].body == {"rule": "disk-full"}


def test_asked_for_again_it_says_that_nothing_starts(lumen: Lumen, api: FakeService, now_and_then: None) -> None:
    """A request that is open is counted; while it cools the way to start it all the same is named."""
    api.answer(202, asking(**{**STARTED, "result": "updated"}))
    assert "open already: this was counted with it" in lumen("run", "disk-full").err
    api.answer(202, asking(**{**STARTED, "result": "updated", "state": "cooling"}))
    err = lumen("run", "disk-full").err
    assert "this was counted and starts nothing" in err
    assert f"lumen override {KEY} retry" in err


def test_for_programs_it_is_one_document(lumen: Lumen, api: FakeService) -> None:
    """`--json` prints the answer and asks for nothing more."""
    api.answer(202, STARTED)
    ran = lumen("run", "disk-full", "--json")
    assert (ran.document, ran.err) == (STARTED, "")
    assert len(api.asked) == 1


def test_watching_follows_it_to_its_end(lumen: Lumen, api: FakeService) -> None:
    """`--watch` prints the key and then what happens, until it has closed."""
    api.answer(202, asking(**STARTED, state="closed", open=False, run_status="completed"))
    ran = lumen("run", "disk-full", "--watch")
    assert ran.code == 0
    assert ran.out.startswith(KEY + "\n")
    assert [line for line in ran.out.splitlines() if line.endswith(" state closed")]


@pytest.mark.parametrize("status", [403, 404, 409, 422, 503])
def test_a_refusal_is_the_sentence_of_the_api(lumen: Lumen, api: FakeService, status: int) -> None:
    """What is missing and how to give it is what the person reads; no key is printed."""
    api.answer(status, {"detail": f"give -l vg=… {HOSTILE}"})
    ran = lumen("run", "disk-full")
    assert (ran.code, ran.out) == (1, "")
    assert ran.err.startswith("lumen: give -l vg=… ")
    assert is_harmless(ran.err)


@pytest.mark.parametrize("arguments", [("run",), ("run", "r", "-l", "novalue"), ("run", "r", "-l", "a=1", "-l", "a=2")])
def test_what_was_asked_wrongly_sends_nothing(lumen: Lumen, api: FakeService, arguments: tuple[str, ...]) -> None:
    """Usage errors end with 2."""
    assert lumen(*arguments).code == 2
    assert not api.asked
