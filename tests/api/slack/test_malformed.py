"""Signed nonsense: a 4xx each, never a 5xx, and nothing changes."""

from __future__ import annotations

import contextlib
import copy
import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.errors import PayloadError
from api.slack.clicks import Press, Submission
from api.slack.payload import clicker_of, kept_in_form, origin_of, read_form, read_press, read_submission
from tests.api.slack.office import Office

PRESS: dict[str, Any] = {
    "type": "block_actions",
    "user": {"id": "U00000001", "team_id": "T0LUMEN"},
    "team": {"id": "T0LUMEN"},
    "api_app_id": "A0LUMEN",
    "container": {"message_ts": "1763801000.000100"},
    "channel": {"id": "C00000001"},
    "trigger_id": "1.2.abc",
    "response_url": "https://hooks.slack.com/actions/x",
    "actions": [
        {
            "action_id": "lumen.reject",
            "value": '{"k":"alertmanager-0aa043e5d176c819","a":"run.1.1","d":"sha256:1"}',
            "action_ts": "1763801000.123456",
        }
    ],
}
VIEW: dict[str, Any] = {
    **{name: PRESS[name] for name in ("user", "team", "api_app_id")},
    "type": "view_submission",
    "view": {
        "id": "V1",
        "callback_id": "lumen.reject",
        "private_metadata": json.dumps(
            {
                "k": "alertmanager-1",
                "a": "run.1.1",
                "d": "sha256:1",
                "channel": "C1",
                "ts": "1",
                "at": "1763801000.000000",
            }
        ),
        "state": {"values": {"reason": {"reason": {"value": "because"}}}},
    },
}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"payload",
        b"payload=",
        b"other=%7B%7D",
        b"payload=%7B%7D&payload=%7B%7D",
        b"payload=%FF%FE",
        b"payload=[]",
        b"payload=null",
        b"payload=NaN",
        b"payload=" + b"%5B" * 100_000,
        b"payload=" + b"9" * 10_000,
        b"payload=" + quote('{"type": "block_actions"}').encode(),
        b"&".join(b"a%d=1" % number for number in range(1000)),
        b'{"type": "block_actions"}',
    ],
)
async def test_bodies(office: Office, body: bytes) -> None:
    """A signed body that is no interaction is a 400."""
    answer = await office.post_body(body)
    assert answer.status_code == 400, answer.text
    assert office.untouched()
    assert office.count("malformed") == 1


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("user",), None),
        (("user",), "U1"),
        (("user", "id"), ""),
        (("user", "id"), "U1\n<!channel>"),
        (("user", "id"), ["U1"]),
        (("team",), None),
        (("team",), {"id": 7}),
        (("api_app_id",), None),
        (("actions",), []),
        (("actions",), {}),
        (("actions",), ["x"]),
        (("actions", 0, "value"), None),
        (("actions", 0, "value"), "not JSON"),
        (("actions", 0, "value"), "[]"),
        (("actions", 0, "value"), '{"k": "../../x", "a": "1", "d": "1"}'),
        (("actions", 0, "value"), '{"k": "k", "a": "\\ud800", "d": "1"}'),
        (("actions", 0, "value"), '{"k": "k", "a": "' + "x" * 300 + '", "d": "1"}'),
        (("actions", 0, "action_ts"), "yesterday"),
        (("actions", 0, "action_ts"), 1763801000.1),
        (("actions", 0, "action_ts"), "9" * 40 + ".000000"),
    ],
)
async def test_fields(office: Office, path: tuple[str | int, ...], value: object) -> None:
    """A field of a wrong type or content is a 400."""
    payload: Any = copy.deepcopy(await office.payload())
    inside = payload
    for step in path[:-1]:
        inside = inside[step]
    inside[path[-1]] = value
    answer = await office.post(payload)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert office.untouched()


@given(base=st.sampled_from([PRESS, VIEW]), value=JSON, data=st.data())
@settings(max_examples=300, deadline=None)
def test_any_change(base: dict[str, Any], value: Any, data: st.DataObject) -> None:
    """Whatever stands in the place of any part of a payload, it is read or refused, and nothing else is raised."""
    payload = copy.deepcopy(base)
    inside: Any = payload
    while True:
        step = data.draw(st.sampled_from(sorted(inside) if isinstance(inside, dict) else list(range(len(inside)))))
        if not isinstance(inside[step], (dict, list)) or not inside[step] or data.draw(st.booleans()):
            inside[step] = value
            break
        inside = inside[step]
    for read in (origin_of, clicker_of, read_press, read_submission):
        try:
            found = read(payload)
        except PayloadError:
            continue
        if isinstance(found, Press):
            kept_in_form(found)
        if isinstance(found, Submission):
            assert found.reason == found.reason.strip()


@given(body=st.binary(max_size=200) | st.binary(max_size=200).map(lambda raw: b"payload=" + raw))
@settings(max_examples=300, deadline=None)
def test_any_bytes(body: bytes) -> None:
    """Any bytes are read as a form or refused."""
    with contextlib.suppress(PayloadError):
        read_form(body)


@pytest.mark.parametrize("body", [b"payload=%22%FF%22", b"payload={}&payload={}", b"payload=%22\xc3%22"])
def test_only_one_reading(body: bytes) -> None:
    """A form that could be read in two ways is refused, even if one of them would make sense."""
    with pytest.raises(PayloadError):
        read_form(body)


def test_the_form_keeps_what_it_needs() -> None:
    """What a button is about comes back with the form that it opened, in less than Slack's 3000 characters."""
    press = read_press(PRESS)
    assert press is not None
    kept = kept_in_form(press)
    assert len(kept) < 1000
    view = {**VIEW["view"], "private_metadata": kept}
    found = read_submission({**VIEW, "view": view})
    assert found is not None
    assert (found.subject, found.opened, found.clicker.channel) == (press.subject, press.at, "C00000001")
