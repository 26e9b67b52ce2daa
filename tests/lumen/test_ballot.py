"""Votes and overrides from anybody: what is refused and how it is said, and what a signature proves."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lumen.ballot import Ballot, Rank, is_authentic, read_actor, read_override, read_vote, sign
from lumen.errors import BallotError

WORKFLOW = "alert-alertmanager-0123456789abcdef"
OLD = {"k1": "old-secret-old-secret"}
KEYS = {"k2": "new-secret-new-secret", **OLD}
GOOD: dict[str, Any] = {"decision": "approve", "actor": "alice@example.com", "reason": "I looked"}
FULL = Ballot(
    decision="approve",
    actor="alice@example.com",
    reason="I looked",
    id="v1",
    approval_id="run.1.1",
    digest="sha256:00",
    channel="link",
    rank="link",
    jti="j1",
    at="2026-03-01T12:00:00Z",
)
SIGNED_FIELDS = [name for name in Ballot.__dataclass_fields__ if name != "auth"]
READERS = pytest.mark.parametrize("read", [read_vote, read_override])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@READERS
@pytest.mark.parametrize("payload", [None, "approve", b"{}", 1, 1.5, True, [], [GOOD], [["decision", "approve"]]])
def test_what_is_no_object_is_refused(read: Callable[[Any], Ballot], payload: object) -> None:
    """A payload that is no JSON object is malformed, and the message shows what a vote looks like."""
    with pytest.raises(BallotError, match="a vote is a JSON object such as") as caught:
        read(payload)
    assert caught.value.reason == "malformed"


@READERS
@pytest.mark.parametrize("name", list(Ballot.__dataclass_fields__))
@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (1, "must be a string, not int"),
        (True, "must be a string, not bool"),
        (["x"], "must be a string, not list"),
        ({"x": 1}, "must be a string, not dict"),
        (b"x", "must be a string, not bytes"),
        ("a\x00b", "holds a NUL"),
        ("a\ud800b", "holds a NUL or half a surrogate pair"),
        ("\udfff", "holds a NUL or half a surrogate pair"),
        ("x" * 2001, "is longer than"),
    ],
)
def test_a_field_that_cannot_be_stored_is_named(
    read: Callable[[Any], Ballot], name: str, value: object, problem: str
) -> None:
    """A value of a wrong type, with bytes no store takes, or too long, is refused by the name of its field."""
    with pytest.raises(BallotError, match=f'^"{name}" {problem}') as caught:
        read({**GOOD, name: value})
    assert caught.value.reason == "malformed"


@pytest.mark.parametrize(
    ("name", "limit"), [("reason", 2000), ("id", 512), ("jti", 512), ("auth", 512), ("digest", 512)]
)
def test_a_field_may_be_as_long_as_its_limit(name: str, limit: int) -> None:
    """The limits are 2000 characters for the reason and 512 for the rest, and the message tells the limit."""
    assert getattr(read_vote({**GOOD, name: "x" * limit}), name) == "x" * limit
    with pytest.raises(BallotError, match=f'"{name}" is longer than {limit} characters'):
        read_vote({**GOOD, name: "x" * (limit + 1)})


@pytest.mark.parametrize(
    "actor",
    [
        "",
        " ",
        "alice bob",
        "alice@example.com ",
        "a\tb",
        "a\nb",
        "a\x1b[31m",
        "a\x7f",
        "a\u00a0b",
        "a\u2028b",
        "x" * 255,
    ],
)
def test_an_actor_is_one_word(actor: str) -> None:
    """Spaces of any kind, control characters, nothing at all and more than 254 characters name no person."""
    with pytest.raises(BallotError, match='"actor" must name one person'):
        read_vote({**GOOD, "actor": actor})


def test_a_missing_actor_is_told_how_to_be_given() -> None:
    """Whoever votes by the command line reads the option, not only the field."""
    with pytest.raises(BallotError, match="--actor"):
        read_vote({"decision": "approve"})


@pytest.mark.parametrize("missing", ["actor", "decision"])
@pytest.mark.parametrize("how", ["absent", "null"])
def test_actor_and_decision_must_be_given(missing: str, how: str) -> None:
    """A vote without its two mandatory fields is refused by the name of what is missing; null is the same as absent."""
    payload = {name: value for name, value in GOOD.items() if name != missing}
    with pytest.raises(BallotError, match=f'"{missing}" must'):
        read_vote(payload if how == "absent" else {**payload, missing: None})


@pytest.mark.parametrize(
    "decision", ["", "Approve", "APPROVE", "approve ", "yes", "cancel", "retry", "Decision.APPROVE"]
)
def test_a_vote_says_approve_or_reject(decision: str) -> None:
    """Every other word is refused, also the ones that only an override may say."""
    with pytest.raises(BallotError, match=r'"decision" must be one of approve, reject$'):
        read_vote({**GOOD, "decision": decision})


@pytest.mark.parametrize("decision", ["approve", "reject", "cancel", "retry"])
def test_an_override_says_one_of_four_words_and_why(decision: str) -> None:
    """An override has its own words, and a reason that is more than space."""
    assert read_override({**GOOD, "decision": decision}).decision == decision
    for reason in ("", " \t\n", None):
        with pytest.raises(BallotError, match='needs a "reason"'):
            read_override({**GOOD, "decision": decision, "reason": reason})
    with pytest.raises(BallotError, match=r'"decision" must be one of approve, reject, cancel, retry$'):
        read_override({**GOOD, "decision": "destroy"})


def test_what_a_person_types_is_enough() -> None:
    """Decision and actor make a vote of the weakest rank; unknown fields of any type are ignored; the actor is folded."""
    typed = MappingProxyType({"decision": "reject", "actor": "Alice@Example.COM", "colour": 3, "extra": {"deep": []}})
    assert read_vote(typed) == Ballot("reject", "alice@example.com")
    assert (read_vote(typed).channel, read_vote(typed).rank) == ("signal", "signal")


@given(JSON | st.fixed_dictionaries({}, optional=dict.fromkeys(Ballot.__dataclass_fields__, JSON)))
def test_any_json_is_read_or_refused(payload: object) -> None:
    """Whatever JSON arrives, it becomes a ballot or a `BallotError`, never another error."""
    for read in (read_vote, read_override):
        with suppress(BallotError):
            assert isinstance(read(payload), Ballot)


def test_a_signed_ballot_is_authentic() -> None:
    """What was signed with a known key for this workflow is authentic, and signing changes nothing but `auth`."""
    signed = sign(FULL, WORKFLOW, KEYS)
    assert is_authentic(signed, WORKFLOW, KEYS)
    assert replace(signed, auth="") == FULL
    assert is_authentic(
        read_vote({name: getattr(signed, name) for name in Ballot.__dataclass_fields__}), WORKFLOW, KEYS
    )


@pytest.mark.parametrize("name", SIGNED_FIELDS)
@given(value=st.text(max_size=8))
def test_any_changed_field_breaks_the_signature(name: str, value: str) -> None:
    """No field of a signed ballot can be changed, whatever the new value."""
    signed = sign(FULL, WORKFLOW, KEYS)
    changed = replace(signed, **{name: value})
    assert is_authentic(changed, WORKFLOW, KEYS) == (value == getattr(FULL, name))


def test_fields_cannot_be_shifted_into_each_other() -> None:
    """Two ballots whose fields only join to the same text have different signatures."""
    one = sign(replace(FULL, id="ab", approval_id="c"), WORKFLOW, KEYS)
    assert not is_authentic(replace(one, id="a", approval_id="bc"), WORKFLOW, KEYS)


@pytest.mark.parametrize("workflow", ["", "alert-grafana-0123456789abcdef", WORKFLOW + " ", WORKFLOW.upper()])
def test_a_ballot_cannot_be_carried_to_another_episode(workflow: str) -> None:
    """The signature holds for one workflow only."""
    assert not is_authentic(sign(FULL, WORKFLOW, KEYS), workflow, KEYS)


def test_keys_rotate() -> None:
    """The first key signs; a ballot of an older key counts while that key is known, and not after."""
    assert sign(FULL, WORKFLOW, KEYS).auth.startswith("k2:")
    signed_before = sign(FULL, WORKFLOW, OLD)
    assert is_authentic(signed_before, WORKFLOW, KEYS)
    assert not is_authentic(signed_before, WORKFLOW, {"k2": KEYS["k2"]})
    assert not is_authentic(signed_before, WORKFLOW, {"k1": KEYS["k2"]})
    assert not is_authentic(replace(signed_before, auth=signed_before.auth.replace("k1:", "k2:")), WORKFLOW, KEYS)
    assert not is_authentic(signed_before, WORKFLOW, {})


@given(st.text() | st.text(max_size=70).map("k2:".__add__))
def test_a_made_up_signature_is_refused_and_never_fails(auth: str) -> None:
    """Any text as `auth`, also one that is not ASCII, is simply not authentic."""
    assert not is_authentic(replace(FULL, auth=auth), WORKFLOW, KEYS)


@pytest.mark.parametrize(
    "auth", ["", ":", "k2", "k2:", "k2:é", "k2:\ud800", "é:00", "k2:" + "0" * 64, "k2:" + "\uff21" * 64]
)
def test_odd_signatures_are_refused(auth: str) -> None:
    """Empty, halved and non-ASCII signatures are not authentic and raise nothing."""
    assert not is_authentic(replace(FULL, auth=auth), WORKFLOW, KEYS)


def test_a_ballot_without_proof_keeps_its_words_and_loses_its_claims() -> None:
    """Without a valid `auth` the channel is `signal`, the rank the weakest, and time and link id are dropped."""
    plain = sign(FULL, WORKFLOW, KEYS).unauthenticated()
    assert plain == replace(FULL, channel="signal", rank="signal", jti="", at="")


def test_ranks_are_ordered_and_an_unknown_name_is_the_weakest() -> None:
    """signal < token < link < slack < oidc, by name in any case; a made-up rank gains nothing."""
    names = ["signal", "token", "link", "slack", "oidc"]
    ranks = [Rank.named(name) for name in names]
    assert ranks == sorted(set(ranks))
    assert Rank.named("OIDC") is Rank.OIDC
    assert [Rank.named(name) for name in ("", "root", "__class__", "name")] == [Rank.SIGNAL] * 4


@pytest.mark.parametrize("actor", ["\u212aate@example.com", "kate@\u212ast.example.com", "\u0130da@example.com"])
def test_a_letter_that_turns_plain_names_nobody(actor: str) -> None:
    """An address that is another one until it is put into lower case is refused, so that nobody becomes somebody else."""
    with pytest.raises(BallotError, match="looks like a plain one"):
        read_actor(actor)


@given(st.text(min_size=1, max_size=30))
def test_only_plain_letters_give_plain_letters(actor: str) -> None:
    """Whatever is read as an actor has as many ASCII characters as was written."""
    with suppress(BallotError):
        read = read_actor(actor)
        assert sum(map(str.isascii, read)) == sum(map(str.isascii, actor))
