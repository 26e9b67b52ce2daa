"""Socket Mode: the same clicks over a connection that Lumen opens and keeps."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from api.errors import UnreachableError
from api.slack.calls import SlackCalls
from api.slack.interaction import interact
from api.slack.socket_mode import Patience, SocketMode
from tests.api.slack.office import Office, eventually

QUICK = Patience(first=0.05, longest=0.2, refused=0.2, steady=0.0, retiring=0.5)


def listener_of(office: Office, token: str = "") -> SocketMode:
    """Return the Socket Mode of one API process."""
    calls = SlackCalls(office.desk.calls._session, token or office.slack.app_token, office.slack.api_url)
    return SocketMode(
        calls,
        office.desk.calls._session,
        lambda payload: interact(office.edge, office.desk, payload),
        office.edge.metrics.slack_connected,
        QUICK,
    )


@contextlib.asynccontextmanager
async def running(listener: SocketMode) -> AsyncIterator[None]:
    """Run it while inside."""
    task = asyncio.create_task(listener.run())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def is_connected(office: Office) -> bool:
    """Return what the metric says."""
    return office.edge.metrics.registry.get_sample_value("lumen_slack_socket_connected") == 1


@pytest_asyncio.fixture
async def connected(office: Office) -> AsyncIterator[Office]:
    """An office whose clicks come by Socket Mode."""
    office.slack.request_url = ""
    async with running(listener_of(office)):
        await eventually(lambda: is_connected(office))
        yield office


async def test_a_click(connected: Office) -> None:
    """A click by Socket Mode is the same vote and the same answer, acknowledged once."""
    delivery = await connected.click()
    assert delivery.ok
    assert connected.box.ballots[0].actor == "alice@example.com"
    assert "recorded" in (await connected.told())[0]
    assert connected.slack.violations == []


async def test_a_form(connected: Office) -> None:
    """The answer to a form goes back with the acknowledgement."""
    await connected.click("lumen.reject")
    [view] = connected.slack.views()
    await connected.slack.submit(view, {"reason": " "})
    assert "needed" in view.errors["reason"]
    await connected.slack.submit(view, {"reason": "no"})
    assert not view.open
    assert [ballot.reason for ballot in connected.box.ballots] == ["no"]


async def test_the_same_envelope_again(connected: Office) -> None:
    """An envelope that Slack sends again is the same vote with the same id."""
    delivery = await connected.click()
    await connected.slack.replay(delivery)
    await eventually(lambda: len(connected.box.ballots) == 2)
    first, second = connected.box.ballots
    assert (first.id, first.at) == (second.id, second.at)


@pytest.mark.parametrize("reason", ["warning", "refresh_requested", "link_disabled"])
async def test_sent_away(connected: Office, reason: str) -> None:
    """Told to go, the listener comes back by a new address; no click is lost after that."""
    await connected.slack.disconnect(reason)
    await eventually(lambda: connected.slack.sockets.opened == 2 and is_connected(connected))
    assert (await connected.click()).ok
    assert connected.slack.violations == []


async def test_what_is_on_its_way_at_a_disconnect(connected: Office) -> None:
    """A click that is being dealt with when Slack wants a new connection is still acknowledged."""
    connected.box.seconds = 0.2
    clicking = asyncio.create_task(connected.click())
    await eventually(lambda: connected.slack.sockets.envelopes)
    await connected.slack.sockets.disconnect(close=False)
    assert (await clicking).ok
    assert len({ballot.id for ballot in connected.box.ballots}) == 1


async def test_cut_and_down(connected: Office) -> None:
    """After a break without a word, and a time without Slack, the listener comes back by itself."""
    await connected.slack.go_down()
    await eventually(lambda: not is_connected(connected))
    await connected.slack.come_back()
    await eventually(lambda: is_connected(connected))
    assert (await connected.click()).ok
    assert connected.slack.violations == []


async def test_too_many_calls(connected: Office, caplog: pytest.LogCaptureFixture) -> None:
    """A 429 at the connecting is waited out, with one line in the log."""
    connected.slack.ratelimit(1, 1, "apps.connections.open")
    connected.slack.sockets.cut()
    await eventually(lambda: connected.slack.sockets.opened == 2)
    assert len(connected.slack.calls("apps.connections.open")) == 3
    assert sum("no connection to Slack" in record.getMessage() for record in caplog.records) == 1


async def test_a_wrong_token(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong app token is a clear line without the token, tried again for as long as it takes; HTTP goes on."""
    wrong = "xapp-wrong-secret"
    with caplog.at_level(logging.DEBUG):
        async with running(listener_of(office, wrong)):
            await eventually(lambda: len(office.slack.calls("apps.connections.open")) >= 3)
            assert (await office.click()).ok
    lines = [record.getMessage() for record in caplog.records if "SLACK_APP_TOKEN" in record.getMessage()]
    assert len(lines) >= 2
    assert "invalid_auth" in lines[0]
    assert wrong not in caplog.text


async def test_several_processes(connected: Office) -> None:
    """Each process has a connection of its own, and every click comes to one of them."""
    async with running(listener_of(connected)):
        await eventually(lambda: connected.slack.sockets.connected == 2)
        for _ in range(6):
            assert (await connected.click()).ok
    assert len(connected.box.ballots) == 6


async def test_stop(office: Office) -> None:
    """At the end of the process what is being dealt with is still recorded and acknowledged."""
    office.slack.request_url = ""
    office.box.seconds = 0.2
    async with running(listener_of(office)):
        await eventually(lambda: is_connected(office))
        clicking = asyncio.create_task(office.click())
        await eventually(lambda: office.slack.sockets.envelopes)
    assert (await clicking).ok
    assert len(office.box.ballots) == 1
    assert not is_connected(office)
    await eventually(lambda: office.slack.sockets.connected == 0)


@pytest.mark.parametrize("changes", [{"team": {"id": "T0OTHER"}}, {"api_app_id": "A0OTHER"}, {"actions": None}])
async def test_foreign_and_malformed(connected: Office, changes: dict[str, Any]) -> None:
    """What is of another workspace or app, or makes no sense, is not acknowledged; the connection goes on."""
    payload = (await connected.click("lumen.open")).payload
    envelope = await connected.slack.sockets.send({**payload, **changes})
    assert (await connected.click()).ok
    assert envelope is not None
    assert not envelope.acked.is_set()
    assert len(connected.box.ballots) == 1


async def test_other_messages(connected: Office) -> None:
    """Other kinds of envelopes are acknowledged, and what is no message at all is passed over."""
    [socket] = connected.slack.sockets._open
    for text in ("no JSON", "[]", "7", '{"type": 7}', '{"envelope_id": "x"}', "[" * 100_000):
        await socket.send_str(text)
    envelope = await connected.slack.sockets.send({"event": {}}, "events_api")
    assert envelope is not None
    await asyncio.wait_for(envelope.acked.wait(), 5)
    assert (await connected.click()).ok


async def test_temporal_slow(connected: Office) -> None:
    """By Socket Mode, too, Slack is answered in time where nobody can tell yet."""
    connected.box.tally = UnreachableError("Temporal did not answer in time")
    assert (await connected.click()).ok
    assert "cannot tell yet" in (await connected.told())[0]


async def test_a_handshake_that_fails(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """After a failed handshake a new address is asked for, and the spent one does not stand in the log."""
    monkeypatch.setattr(office.slack.sockets, "ticket", lambda: "spent-ticket")
    async with running(listener_of(office)):
        await eventually(lambda: len(office.slack.calls("apps.connections.open")) >= 3)
        monkeypatch.undo()
        await eventually(lambda: is_connected(office))
    assert "the connection was not made" in caplog.text
    assert "spent-ticket" not in caplog.text


async def test_no_ticket_in_the_log(office: Office, caplog: pytest.LogCaptureFixture) -> None:
    """The address of a connection, which anybody could use, never stands in the log."""
    office.slack.request_url = ""
    with caplog.at_level(logging.DEBUG):
        async with running(listener_of(office)):
            await eventually(lambda: is_connected(office))
            await office.click()
            await office.slack.go_down()
            await eventually(lambda: not is_connected(office))
    ours = "\n".join(record.getMessage() for record in caplog.records if record.name.startswith(("lumen", "slack")))
    assert "Socket Mode" in ours
    for secret in ("ticket", office.slack.app_token, office.slack.bot_token, office.slack.signing_secret, "/actions/"):
        assert secret not in ours
