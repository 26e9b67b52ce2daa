from __future__ import annotations

import base64
import json
import string

from hypothesis import given, settings
from hypothesis import strategies as st

from lumen.links import link_token
from lumen.sealing import seal
from tests.api.fakes import KEYS
from tests.api.pages.samples import HOME, KEY, link, stage, token


async def test_one_character_at_any_position() -> None:
    """A link with any one character replaced, left out or doubled is 403 to every way of asking, and never a vote."""
    here = stage()
    good = token(here.clock)
    altered = {good[:index] + good[index + 1 :] for index in range(len(good))}
    altered |= {good[:index] + good[index] + good[index:] for index in range(len(good))}
    for index in range(len(good)):
        altered |= {good[:index] + other + good[index + 1 :] for other in "A_-z9.=+/%\u00e9"}
        altered.add(good[:index] + good[index].swapcase() + good[index + 1 :])
    altered.discard(good)
    async with here.client() as client:
        for bad in altered:
            assert (await client.post("/decision", json={"token": bad, "decision": "approve"})).status_code == 403, bad
        for bad in sorted(altered)[::97]:
            assert (await client.get("/decision", params={"token": bad})).status_code == 403, bad
            form = await client.post("/decision", data={"token": bad, "decision": "approve"}, headers=HOME)
            assert form.status_code == 403, bad
        assert here.recorded == []
        assert (await client.post("/decision", json={"token": good, "decision": "approve"})).status_code == 200


async def test_stray_bits() -> None:
    """Of the spellings that decode to the same bytes only the one that was made counts."""
    here = stage()
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    good = token(here.clock)
    prefix, payload, mac = good.rsplit(".", 2)
    spellings = {f"{prefix}.{payload}.{mac[:-1]}{char}" for char in alphabet}
    spellings |= {f"{prefix}.{payload[:-1]}{char}.{mac}" for char in alphabet}
    spellings |= {good + tail for tail in ("=", "==", "A", ".", ".A", "\n", " ", "%3D", "\x00")}
    spellings |= {head + good for head in (" ", "\n", "v1.", ".")}
    spellings |= {
        f"{prefix}.{payload}=.{mac}",
        f"{prefix}.{payload}.{mac}=",
        good.replace("v1", "v2"),
        good.replace("v1", "V1"),
    }
    spellings.discard(good)
    async with here.client() as client:
        for bad in spellings:
            assert (await client.post("/decision", json={"token": bad, "decision": "approve"})).status_code == 403, bad
    assert here.recorded == []


async def test_forged() -> None:
    """A link under another secret, another key id, for another purpose or of another shape is 403 and never a vote."""
    here = stage()
    made = link(here.clock)
    payload = {"k": KEY, "a": "run.1.1", "d": "sha256:shown", "p": "alice@example.com", "x": made.expires, "j": "j"}
    unsigned = base64.urlsafe_b64encode(json.dumps(payload).encode()).decode().rstrip("=")
    forged = [
        link_token(made, {"k2": "not the bridge secret"}),
        link_token(made, {"k9": KEYS["k2"]}),
        link_token(made, {"k1": KEYS["k2"]}),
        *(seal(purpose, payload, KEYS) for purpose in ("session", "form", "Link", "")),
        seal("link", {name: value for name, value in payload.items() if name != "p"}, KEYS),
        seal("link", payload | {"x": str(made.expires)}, KEYS),
        seal("link", payload | {"x": True}, KEYS),
        seal("link", payload | {"more": "fields"}, KEYS),
        f"v1.k2.{unsigned}.",
        f"v1.k2.{unsigned}",
        f"v1.none.{unsigned}.{'A' * 43}",
        unsigned,
        "v1..." + "A" * 43,
        "A" * 5000,
        "\ud800",
    ]
    async with here.client() as client:
        for bad in forged:
            raw = json.dumps({"token": bad, "decision": "approve"}).encode()
            answer = await client.post("/decision", content=raw, headers={"Content-Type": "application/json"})
            assert (answer.status_code, answer.json()["type"]) == (403, "urn:lumen:problem:forged"), bad
            assert bad not in answer.text
    assert here.recorded == []


@settings(max_examples=300, deadline=None)
@given(data=st.data())
async def test_any_other_text(data: st.DataObject) -> None:
    """No text but the token itself opens the page."""
    here = stage()
    good = token(here.clock)
    start, length = data.draw(st.integers(0, len(good))), data.draw(st.integers(0, 5))
    middle = data.draw(st.text(max_size=5))
    bad = good[:start] + middle + good[start + length :]
    async with here.client() as client:
        status = (
            await client.post(
                "/decision",
                content=json.dumps({"token": bad, "decision": "approve"}),
                headers={"Content-Type": "application/json"},
            )
        ).status_code
    assert (status == 200) is (bad == good)


async def test_keys_rotate_without_downtime() -> None:
    """A link of an older key counts while the key is there; the newest signs; a link of a key that was dropped is forged."""
    here = stage()
    old = link_token(link(here.clock), {"k1": KEYS["k1"]})
    new = token(here.clock)
    assert (old.split(".")[1], new.split(".")[1]) == ("k1", "k2")
    async with here.client() as client:
        for good in (old, new):
            assert (await client.post("/decision", json={"token": good, "decision": "approve"})).status_code == 200
    dropped = stage()
    object.__setattr__(dropped.edge, "bridge_keys", {"k2": KEYS["k2"]})
    async with dropped.client() as client:
        statuses = [
            (await client.post("/decision", json={"token": good, "decision": "approve"})).status_code
            for good in (old, new)
        ]
    assert statuses == [403, 200]
