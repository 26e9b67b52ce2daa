"""``lumen alert`` and the votes, against a loopback API."""

from __future__ import annotations

import socket
import threading
from typing import Any

import pytest

from tests.cli.conftest import FakeService, Lumen
from tests.cli.test_output import HOSTILE, is_harmless
from tests.stack.processes import free_port

KEY = "alertmanager-0aa043e5d176c819"

EPISODE: dict[str, Any] = {
    "key": KEY,
    "status": "firing",
    "state": "awaiting_approval",
    "rule": "disk-full",
    "labels": {"alertname": "DiskFull", "note": HOSTILE},
    "annotations": {"summary": "full"},
    "plan": {
        "digest": "sha256:1",
        "actions": [{"name": "grow", "kind": "cmd", "spec": {"argv": ["/bin/x", "a b"]}, "shown": "/bin/x 'a b'"}],
    },
    "approval": {
        "id": "run.1.1",
        "required": {"approve": 2, "reject": 1},
        "votes": {"approve": [{"actor": "alice@example.com", "channel": "token", "at": "T", "reason": HOSTILE}]},
        "expires_at": "2026-01-01T00:00:00Z",
    },
    "attempts": [{"n": 1, "outcome": "failed", "reason": "exit 1"}],
    "proof_ref": [3, 4],
    "stale": True,
}


def test_send_posts_one_alert_and_prints_its_key(
    lumen: Lumen, api: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The body is the context-store form, the token is one that may send alerts, the output is the key alone."""
    monkeypatch.setenv("LUMEN_WEBHOOK_TOKEN", "hook-token")
    api.answer(202, {"key": KEY})
    ran = lumen("alert", "send", "DiskFull", "-l", "instance=h=1", "--annotation", "summary=s", "--resolved")
    assert (ran.code, ran.out) == (0, KEY + "\n")
    (asked,) = api.asked
    assert (asked.method, asked.path, asked.token) == ("POST", "/alert", "Bearer hook-token")
    assert asked.body.pop("startsAt").endswith("Z")
    assert asked.body == {
        "labels": {"alertname": "DiskFull", "instance": "h=1"},
        "annotations": {"summary": "s"},
        "status": "resolved",
    }
    assert lumen("alert", "send", "X", "--json").document == {"key": KEY}


@pytest.mark.parametrize(
    "arguments",
    [
        ("alert", "send"),
        ("alert", "send", "X", "-l", "novalue"),
        ("alert", "send", "X", "-l", "=v"),
        ("alert", "send", "X", "-l", "a=1", "-l", "a=2"),
        ("alert", "send", "X", "-l", "alertname=Y"),
        ("alert", "list", "--state", "nonsense"),
        ("alert", "list", "--limit", "0"),
        ("override", KEY, "nonsense", "--reason", "r"),
        ("override", KEY, "cancel"),
        ("approve",),
        ("cooldown", "clear", "--actor", "a", "--reason", "r"),
        ("cooldown", "clear", "x", "--all", "--actor", "a", "--reason", "r"),
        ("freeze", "on"),
        ("proof", "show", "-1"),
        ("nonsense",),
    ],
)
def test_what_was_asked_wrongly_is_exit_code_two(lumen: Lumen, api: FakeService, arguments: tuple[str, ...]) -> None:
    """Usage errors end with 2 and send nothing."""
    ran = lumen(*arguments)
    assert ran.code == 2
    assert ran.err
    assert not api.asked


def test_list_prints_a_table_with_whole_keys(lumen: Lumen, api: FakeService) -> None:
    """Filters go to the API; hostile labels stay harmless; a further page is mentioned."""
    api.answer(200, {"alerts": [{"key": KEY, "state": "cooling", "rule": HOSTILE, "outcome": None}], "next": "token"})
    ran = lumen("alert", "list", "--state", "cooling", "--outcome", "failed", "--rule", "a b", "--limit", "5")
    assert api.asked[0].path == "/alerts?state=cooling&outcome=failed&rule=a+b&limit=5"
    assert KEY in ran.out
    assert "there are more" in ran.out
    assert is_harmless(ran.out)


def test_an_empty_list_says_so(lumen: Lumen, api: FakeService) -> None:
    """No rows is a sentence for people and an empty list for programs."""
    api.answer(200, {"alerts": [], "next": None})
    assert lumen("alert", "list").out == "no episodes\n"
    assert lumen("alert", "list", "--json").document == {"alerts": [], "next": None}


def test_show_prints_plan_votes_and_attempts(lumen: Lumen, api: FakeService) -> None:
    """A person sees what would run, quoted as a shell would need it, and who has said what."""
    api.answer(200, EPISODE)
    ran = lumen("alert", "show", KEY)
    assert ran.code == 0
    assert is_harmless(ran.out)
    for expected in ("grow: /bin/x 'a b'", "2 to approve or 1 to reject", "alice@example.com token", "3 4", "1 failed"):
        assert expected in ran.out
    assert "no worker answers" in ran.out
    assert lumen("alert", "show", KEY, "--json").document == EPISODE


def test_a_key_cannot_reach_another_route(lumen: Lumen, api: FakeService) -> None:
    """A key is one path segment whatever it holds."""
    lumen("alert", "show", "../metrics?x=1")
    assert api.asked[0].path == "/alerts/..%2Fmetrics%3Fx%3D1"


def test_a_vote_prints_the_tally(lumen: Lumen, api: FakeService) -> None:
    """Status, counts and voters are readable; the actor is sent only when it is named."""
    tally = {
        "status": "pending",
        "decision": "approve",
        "votes": {"approve": [{"actor": "alice@example.com", "channel": "signal"}], "reject": []},
        "required": {"approve": 2, "reject": 1},
    }
    api.answer(200, tally)
    ran = lumen("approve", KEY, "--actor", "alice@example.com", "--reason", "ok")
    assert ran.out == "pending: 1 of 2 to approve, 0 of 1 to reject\n  approve alice@example.com signal\n"
    assert api.asked[0].path == f"/alerts/{KEY}/votes"
    assert api.asked[0].body == {"decision": "approve", "reason": "ok", "actor": "alice@example.com"}
    assert lumen("reject", KEY, "--json").document == tally
    assert api.asked[1].body == {"decision": "reject", "reason": ""}


def test_a_vote_that_nobody_counted_yet_is_not_called_counted(lumen: Lumen, api: FakeService) -> None:
    """202 says recorded, and where to look."""
    api.answer(202, {"status": "pending", "decision": "approve"})
    ran = lumen("approve", KEY)
    assert ran.code == 0
    assert "no worker has counted it yet" in ran.out


def test_an_override_is_sent_with_its_reason(lumen: Lumen, api: FakeService) -> None:
    """The decision goes to the override route."""
    api.answer(202, {"status": "sent", "workflow_id": f"alert-{KEY}", "effect": f"it ends {HOSTILE}"})
    ran = lumen("override", KEY, "cancel", "--actor", "a@example.com", "--reason", "why")
    assert ran.code == 0
    assert f"override cancel sent to {KEY}: it ends " in ran.out
    assert is_harmless(ran.out)
    assert api.asked[0].path == f"/alerts/{KEY}/override"
    assert api.asked[0].body == {"decision": "cancel", "reason": "why", "actor": "a@example.com"}


@pytest.mark.parametrize("status", [400, 403, 404, 409, 410, 503])
def test_a_refusal_is_one_line_with_the_detail(lumen: Lumen, api: FakeService, status: int) -> None:
    """What the API says about a refused vote is what the person reads, made harmless; exit code 1."""
    api.answer(status, {"title": "T", "status": status, "detail": f"not {HOSTILE} so"})
    ran = lumen("approve", KEY)
    assert ran.code == 1
    assert is_harmless(ran.err)
    assert ran.err.startswith("lumen: not ")
    assert f"(HTTP {status})" in ran.err
    assert ran.err.count("\n") <= 2


def test_a_refused_token_names_its_variable(lumen: Lumen, api: FakeService) -> None:
    """401 with a token: correct it. The token itself is not printed."""
    api.answer(401, {"detail": "send a valid token"})
    ran = lumen("alert", "list")
    assert ran.code == 1
    assert "LUMEN_API_TOKEN" in ran.err
    assert "api-token-1" not in ran.err


def test_without_a_token_the_way_to_one_is_said(
    lumen: Lumen, service: FakeService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """401 without a token names the variable and the data directory; it is a matter of usage."""
    monkeypatch.setenv("LUMEN_API_ADDR", service.url.removeprefix("http://"))
    service.answer(401, {"detail": "send a valid token"})
    ran = lumen("alert", "list")
    assert ran.code == 2
    assert "LUMEN_DATA_DIR" in ran.err


def test_an_api_that_is_not_there_is_one_line(lumen: Lumen, monkeypatch: pytest.MonkeyPatch) -> None:
    """What, where, what to do; no traceback."""
    port = free_port()
    monkeypatch.setenv("LUMEN_API_ADDR", f"127.0.0.1:{port}")
    ran = lumen("alert", "list")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert f"cannot reach the Lumen API at http://127.0.0.1:{port}: nothing listens there: " in ran.err
    assert "lumen up" in ran.err


def test_something_else_on_the_port_is_recognised(lumen: Lumen, api: FakeService) -> None:
    """An answer that is not JSON means another program."""
    api.content, api.status = b"<html>hello", 200
    ran = lumen("alert", "list")
    assert ran.code == 1
    assert "is not the Lumen API" in ran.err


def test_a_service_that_hangs_up_is_one_line(lumen: Lumen, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection without an answer is no traceback either."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        monkeypatch.setenv("LUMEN_API_ADDR", f"127.0.0.1:{listener.getsockname()[1]}")

        def hang_up() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)

        thread = threading.Thread(target=hang_up)
        thread.start()
        ran = lumen("alert", "list")
        thread.join()
    assert ran.code == 1
    assert ran.err.count("\n") == 1


def test_an_alert_that_starts_nothing_says_so(lumen: Lumen, api: FakeService) -> None:
    """No key is handed out, the exit code is 1, and stderr says that no rule matches."""
    api.answer(200, {"key": KEY, "result": "unmatched"})
    ran = lumen("alert", "send", "Nobody")
    assert (ran.code, ran.out) == (1, "")
    assert "no rule matches" in ran.err
