from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.body import parse_json
from api.errors import PayloadError
from api.intakes import INTAKES
from api.intakes.protocol import Intake, Refused
from lumen.alert import Alert
from tests.api.payloads import ALERTMANAGER_0_25, alert

NOW = datetime(2026, 11, 22, 7, 0, tzinfo=UTC)

_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=6)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | _text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_text, inner, max_size=3),
    max_leaves=8,
)


def _mostly(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(good, good, good, _json)


_labels = st.dictionaries(st.sampled_from(["alertname", "instance", "x"]) | _text, _mostly(_text), max_size=4)
_alert = st.fixed_dictionaries(
    {},
    optional={
        "labels": _mostly(_labels),
        "annotations": _mostly(_labels),
        "status": _mostly(st.sampled_from(["firing", "resolved"])),
        "startsAt": _mostly(_text),
        "endsAt": _mostly(_text),
        "generatorURL": _mostly(_text),
        "fingerprint": _mostly(st.sampled_from(["0aa043e5d176c819", "0AA043E5D176C819"]) | _text),
    },
)
_body = st.fixed_dictionaries(
    {"alerts": _mostly(st.lists(_mostly(_alert), max_size=4))},
    optional={
        "groupKey": _mostly(_text),
        "externalURL": _mostly(_text),
        "truncatedAlerts": _mostly(st.integers(0, 9)),
        "status": _mostly(_text),
    },
)


@pytest.mark.parametrize("intake", INTAKES.values(), ids=INTAKES.keys())
@given(payload=_mostly(_body))
def test_any_json(intake: Intake, payload: Any) -> None:
    """Whatever JSON comes in, it is alerts and refusals or a PayloadError; and every alert can be stored and keyed."""
    try:
        found = intake.parse(payload, NOW)
    except PayloadError:
        return
    assert len(found.alerts) == len(payload["alerts"])
    for item in found.alerts:
        if isinstance(item, Refused):
            assert item.detail
            continue
        assert item.name
        assert item.key.startswith(f"{intake.source}-")
        assert len(item.fingerprint) == 16
        text = json.dumps(item.labels, ensure_ascii=False) + json.dumps(item.annotations, ensure_ascii=False)
        assert "\\u0000" not in text
        text.encode("utf-8")


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes(body: bytes) -> None:
    """Whatever bytes come in, they are a JSON value or a PayloadError."""
    with contextlib.suppress(PayloadError):
        parse_json(body)


@given(st.integers(0, 400), st.sampled_from(["[", '{"a":']), st.binary(max_size=3))
def test_any_cut(depth: int, opening: str, rest: bytes) -> None:
    """A cut or nested body is a PayloadError at the most, at any depth."""
    with contextlib.suppress(PayloadError):
        parse_json(opening.encode() * depth * 50 + rest)


@given(st.integers(0, 700))
def test_every_prefix(length: int) -> None:
    """Every proper prefix of a real notification is refused, never half read."""
    whole = json.dumps(ALERTMANAGER_0_25).encode()
    with pytest.raises(PayloadError):
        parse_json(whole[: min(length, len(whole) - 1)])


def test_received_once() -> None:
    """All alerts of one body were received at the same moment."""
    found = INTAKES["/webhook"].parse({"alerts": [alert("A"), alert("B")]}, NOW)
    assert {item.received_at for item in found.alerts if isinstance(item, Alert)} == {NOW}


def test_empty_labels_are_dropped() -> None:
    """A label without a value is no label, as in Prometheus, so that the fingerprint is the same either way."""
    (with_empty,) = INTAKES["/webhook"].parse({"alerts": [alert("A", labels={"x": ""})]}, NOW).alerts
    (without,) = INTAKES["/webhook"].parse({"alerts": [alert("A")]}, NOW).alerts
    assert with_empty == without
