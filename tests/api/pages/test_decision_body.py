"""The body of a decision: it carries the token, a decision and a reason that can be recorded, in a form or in JSON."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.pages.samples import HOME, stage, token


async def test_the_token_must_be_in_the_body() -> None:
    """A token in the address decides nothing, however else the POST looks."""
    here = stage()
    good = token(here.clock)
    async with here.client() as client:
        for fields in ({"decision": "approve"}, {"decision": "approve", "token": ""}):
            answer = await client.post("/decision", params={"token": good}, data=fields, headers=HOME)
            assert answer.status_code == 403
        for body in (
            {"decision": "approve"},
            {"decision": "approve", "token": [good]},
            {"decision": "approve", "token": 5},
        ):
            answer = await client.post("/decision", params={"token": good}, json=body)
            assert answer.status_code == 403
        twice = await client.get("/decision", params=[("token", good), ("token", good)])
        assert twice.status_code == 403
    assert here.recorded == []


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"decision": ""},
        {"decision": "maybe"},
        {"decision": "retry"},
        {"decision": "reject"},
        {"decision": "reject", "reason": " \r\n"},
        {"decision": "approve", "reason": "x" * 2001},
        {"decision": "approve", "reason": "a\x00b"},
    ],
)
async def test_what_cannot_be_recorded(fields: dict[str, str]) -> None:
    """No decision, another word, a rejection without a reason, a reason that is too long: 400, with what is wanted."""
    here = stage()
    async with here.client() as client:
        answer = await client.post("/decision", data={"token": token(here.clock), **fields}, headers=HOME)
    assert answer.status_code == 400
    assert here.recorded == []


async def test_the_longest_reason() -> None:
    """2000 characters are taken as a browser counts them, an end of line as one, whatever the language."""
    here = stage()
    fields = {"token": token(here.clock), "decision": "reject", "reason": "가\n" * 999 + "나나"}
    async with here.client() as client:
        sent = fields | {"reason": fields["reason"].replace("\n", "\r\n")}
        assert (await client.post("/decision", data=sent, headers=HOME)).status_code == 200
    ((_, ballot),) = here.episodes.voted
    assert ballot.reason == fields["reason"]


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"content": b"{", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"[]", "headers": {"Content-Type": "application/json"}}, 400),
        ({"content": b"token=%ff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b"token=\xff", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b"a=1&a=2", "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b"a=1&" * 100, "headers": {"Content-Type": "application/x-www-form-urlencoded"}}, 400),
        ({"content": b'{"token":"x"}', "headers": {"Content-Type": "text/plain"}}, 415),
        ({"files": {"token": b"x"}}, 415),
        ({"content": b"x" * (1024 * 1024 + 1), "headers": {"Content-Type": "application/json"}}, 413),
    ],
)
async def test_junk(content: dict[str, Any], status: int) -> None:
    """A body that cannot be read is a client's mistake, said in a page or a problem, never a 5xx."""
    here = stage()
    async with here.client() as client:
        assert (await client.post("/decision", **content)).status_code == status
