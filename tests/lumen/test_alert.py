"""An alert's identity: the fingerprint that Prometheus gives, computed here again from its published definition."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.alert import Alert, AlertStatus, accepted_fingerprint, fingerprint
from tests.lumen.samples import NOW, firing, resolved

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
LABELS = st.dictionaries(TEXT, TEXT, max_size=6)


def fnv1a(octets: bytes) -> str:
    """FNV-1a of 64 bits as its authors define it: for each octet, xor it in, then multiply by the prime."""
    number = 0xCBF29CE484222325
    for octet in octets:
        number = (number ^ octet) * 0x00000100000001B3 % 2**64
    return format(number, "016x")


def layout(labels: dict[str, str]) -> bytes:
    """The octets that Prometheus hashes: name, 0xFF, value, 0xFF, for the names in byte order."""
    encoded = sorted((name.encode(), value.encode()) for name, value in labels.items())
    return b"".join(name + b"\xff" + value + b"\xff" for name, value in encoded)


@pytest.mark.parametrize(
    ("octets", "expected"),
    [
        (b"", "cbf29ce484222325"),
        (b"a", "af63dc4c8601ec8c"),
        (b"b", "af63df4c8601f1a5"),
        (b"foobar", "85944171f73967e8"),
    ],
)
def test_the_reference_of_these_tests_knows_the_published_values(octets: bytes, expected: str) -> None:
    """The hash that the other tests compare with gives the test vectors published for FNV-1a."""
    assert fnv1a(octets) == expected


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        ({}, 14695981039346656037),
        ({"name": "garland, briggs", "fear": "love is not enough"}, 5799056148416392346),
    ],
)
def test_prometheus_own_examples_give_prometheus_own_fingerprints(labels: dict[str, str], expected: int) -> None:
    """The examples that Prometheus tests its fingerprints with give the same numbers here."""
    assert fingerprint(labels) == format(expected, "016x")


@given(LABELS)
def test_a_fingerprint_is_fnv1a_over_the_sorted_labels(labels: dict[str, str]) -> None:
    """Any label set, in any script, has the fingerprint that the definition gives, always of 16 digits."""
    assert fingerprint(labels) == fnv1a(layout(labels))
    assert len(fingerprint(labels)) == 16


@given(LABELS, st.randoms(use_true_random=False))
def test_the_order_of_labels_does_not_matter(labels: dict[str, str], random: Random) -> None:
    """The same labels in another order are the same alert."""
    shuffled = list(labels.items())
    random.shuffle(shuffled)
    assert fingerprint(dict(shuffled)) == fingerprint(labels)


def test_the_border_between_name_and_value_counts() -> None:
    """Labels whose names and values only join to the same text are different alerts."""
    assert fingerprint({"ab": "c"}) != fingerprint({"a": "bc"})
    assert fingerprint({"a": "b", "c": "d"}) != fingerprint({"a": "bc", "": "d"})


@pytest.mark.parametrize("sent", ["0123456789abcdef", "0123456789ABCDEF", "ffffffffffffffff"])
def test_a_senders_fingerprint_is_kept_in_lower_case(sent: str) -> None:
    """Sixteen hexadecimal digits are a fingerprint, whatever their case."""
    assert accepted_fingerprint(sent, {"alertname": "X"}) == sent.lower()


@pytest.mark.parametrize(
    "sent",
    [
        None,
        "",
        0,
        0x0123456789ABCDEF,
        b"0123456789abcdef",
        ["0123456789abcdef"],
        "0123456789abcde",
        "0123456789abcdef0",
        "0123456789abcdeg",
        "0123456789abcdef\n",
        " 0123456789abcdef",
        "\uff10123456789abcdef",
        "../../etc/passwd",
    ],
)
def test_anything_else_that_was_sent_is_replaced_by_prometheus_fingerprint(sent: object) -> None:
    """What is not a fingerprint is ignored: the labels give one, so a bad sender cannot choose an episode's name."""
    labels = {"alertname": "X", "instance": "db-1"}
    assert accepted_fingerprint(sent, labels) == fnv1a(layout(labels))


def test_the_key_names_source_and_fingerprint_only() -> None:
    """Times, group and address of a notification are no part of the episode's key."""
    first = firing()
    other = Alert(
        "alertmanager", first.fingerprint, {}, NOW, starts_at="later", group_key="{}", external_url="http://b"
    )
    assert first.key == other.key == "alertmanager-0123456789abcdef"


def test_an_alert_without_name_or_severity_has_empty_ones() -> None:
    """Labels that are missing read as nothing instead of failing."""
    bare = Alert("grafana", "0" * 16, {}, NOW)
    assert (bare.name, bare.severity, bare.firing) == ("", "", True)
    assert (firing().name, firing().severity) == ("DiskFull", "critical")


def test_a_status_is_firing_or_resolved() -> None:
    """Whether an alert fires is read from its status, also when that came as plain text from a payload."""
    assert firing().firing
    assert not resolved().firing
    assert [str(status) for status in AlertStatus] == ["firing", "resolved"]


def test_only_the_source_makes_a_request() -> None:
    """A label that names a requester means nothing on an alert that a sender raised: anybody may set it."""
    labels = {"alertname": "X", "requested_by": "alice@example.com"}
    sent = Alert("alertmanager", "0" * 16, labels, NOW)
    asked = Alert("request", "0" * 16, labels, NOW)
    assert (sent.requested, sent.requester) == (False, "")
    assert (asked.requested, asked.requester) == (True, "alice@example.com")
    assert asked.key == "request-0000000000000000"
