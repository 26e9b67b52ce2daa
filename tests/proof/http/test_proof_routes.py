"""vkey, checkpoint and proofs over HTTP: enough to check the ledger with what is public, and bad numbers are bad input."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proof.format.checkpoint import Checkpoint, open_checkpoint
from proof.format.merkle import TreeHead, verify_consistency, verify_inclusion
from proof.format.note import VerifierKey
from proof.store import beside
from tests.proof.samples import ORIGIN
from tests.proof.serving import AUTH, assert_problem, payload, proofd

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def client(path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client without token of a proofd with five entries."""
    async with proofd(path) as owner:
        for number in range(5):
            await owner.post("/append", json=payload(f"k{number}"))
        async with httpx.AsyncClient(base_url=owner.base_url, timeout=30) as client:
            yield client


async def opened(client: httpx.AsyncClient) -> tuple[bytes, Checkpoint]:
    """Return the checkpoint, verified with the vkey that is served."""
    raw = (await client.get("/checkpoint")).content
    vkey = (await client.get("/vkey")).text.strip()
    return raw, open_checkpoint(raw, ORIGIN, [VerifierKey.parse(vkey)])


async def test_a_checkpoint_covers_what_was_acknowledged(path: Path) -> None:
    """Asked right after an append, the checkpoint is over it; its type is plain text and the disk has it already."""
    async with proofd(path) as client:
        assert (await opened(client))[1].tree.size == 0
        for number in range(1, 10):
            await client.post("/append", json=payload(f"k{number}"))
            raw, checkpoint = await opened(client)
            assert checkpoint.tree.size == number
            assert beside(path)[1].read_bytes() == raw
        answer = await client.get("/checkpoint")
        assert answer.headers["content-type"] == "text/plain; charset=utf-8"


async def test_the_key_is_text_and_json(client: httpx.AsyncClient) -> None:
    """One line for people, an object for programs; both name the same key."""
    text = (await client.get("/vkey")).text
    assert text.count("\n") == 1
    body = (await client.get("/vkey", headers={"Accept": "application/json"})).json()
    assert body == {"vkey": text.strip(), "vkeys": [text.strip()]}


async def test_every_entry_is_proven_in_every_size(client: httpx.AsyncClient) -> None:
    """Each answer holds all that verification needs, and it holds; the newest comes with its checkpoint."""
    _, checkpoint = await opened(client)
    for size in range(1, 6):
        for seq in range(size):
            body = (await client.get("/proof/inclusion", params={"seq": seq, "size": size})).json()
            leaf, root, *proof = (bytes.fromhex(text) for text in (body["leaf"], body["root"], *body["proof"]))
            verify_inclusion(leaf, seq, size, proof, root)
            assert ("checkpoint" in body) is (size == 5)
    newest = (await client.get("/proof/inclusion", params={"seq": 2})).json()
    assert (newest["seq"], newest["size"], newest["root"]) == (2, 5, checkpoint.tree.root.hex())
    assert newest["checkpoint"].encode() == (await opened(client))[0]


async def test_the_leaf_is_that_of_the_receipt(path: Path) -> None:
    """What was acknowledged is what is proven."""
    async with proofd(path) as client:
        receipts = [(await client.post("/append", json=payload(f"k{n}"))).json() for n in range(3)]
        for receipt in receipts:
            body = (await client.get("/proof/inclusion", params={"seq": receipt["seq"]})).json()
            assert body["leaf"] == receipt["leaf"]


async def test_every_size_extends_every_earlier_one(client: httpx.AsyncClient) -> None:
    """Consistency from each size, the empty one too, to each later one; the default is the newest checkpoint."""
    for old in range(6):
        for new in range(old, 6):
            body = (await client.get("/proof/consistency", params={"from": old, "to": new})).json()
            before, after = (TreeHead(body[k], bytes.fromhex(body[f"{k}_root"])) for k in ("from", "to"))
            verify_consistency(before, after, [bytes.fromhex(text) for text in body["proof"]])
    assert (await client.get("/proof/consistency", params={"from": 2})).json()["to"] == 5


async def test_a_proof_as_a_file(client: httpx.AsyncClient) -> None:
    """In the form of C2SP the answer is index, hashes and checkpoint, and verifies by itself."""
    answer = await client.get("/proof/inclusion", params={"seq": 3, "format": "tlog-proof"})
    assert answer.headers["content-type"].startswith("text/plain")
    head, _, note = answer.text.partition("\n\n")
    name, index, *hashes = head.split("\n")
    assert (name, index) == ("c2sp.org/tlog-proof@v1", "index 3")
    raw, checkpoint = await opened(client)
    assert note.encode() == raw
    leaf = bytes.fromhex((await client.get("/proof/inclusion", params={"seq": 3})).json()["leaf"])
    verify_inclusion(leaf, 3, 5, [base64.b64decode(text) for text in hashes], checkpoint.tree.root)


BAD_INCLUSIONS = (
    "",
    "seq=",
    "seq=-1",
    "seq=x",
    "seq=1.0",
    "seq=0x1",
    "seq=1e3",
    "seq=%D9%A3",
    "seq=%00",
    "seq=1&seq=2",
    "seq=5",
    "seq=9999999999999999",
    "seq=99999999999999999999",
    "seq=" + "9" * 4000,
    "seq=1&size=0",
    "seq=1&size=1",
    "seq=1&size=6",
    "seq=1&size=-5",
    "seq=1&size=9999999999999999",
    "seq=1&size=5&size=5",
    "seq=1&format=xml",
    "seq=1&size=4&format=tlog-proof",
    "seq=5&format=tlog-proof",
)
BAD_CONSISTENCIES = (
    "",
    "from=6",
    "from=3&to=2",
    "from=1&to=6",
    "from=-1&to=2",
    "from=a",
    "from=1&to=b",
    "from=1&from=1",
    "to=5",
)


async def test_bad_numbers(client: httpx.AsyncClient) -> None:
    """Whatever is wrong with the question is 422, and the answer says what."""
    for query in BAD_INCLUSIONS:
        assert_problem(await client.get(f"/proof/inclusion?{query}"), 422)
    for query in BAD_CONSISTENCIES:
        assert_problem(await client.get(f"/proof/consistency?{query}"), 422)


async def test_other_methods_are_not_there(client: httpx.AsyncClient) -> None:
    """These routes only answer."""
    for route in ("/vkey", "/checkpoint", "/proof/inclusion?seq=0", "/proof/consistency?from=0"):
        for method in ("POST", "PUT", "DELETE"):
            assert_problem(await client.request(method, route), 405)


async def test_any_question_is_answered(client: httpx.AsyncClient) -> None:
    """No question to an open route ends in a 5xx."""
    route = st.sampled_from(["/proof/inclusion", "/proof/consistency", "/checkpoint", "/vkey"])
    name = st.sampled_from(["seq", "size", "from", "to", "format", "x"])
    value = st.integers(-2, 7).map(str) | st.text(max_size=8) | st.integers(-(10**30), 10**30).map(str)
    pairs = st.lists(st.tuples(name, value), max_size=4)
    asked: list[tuple[str, list[tuple[str, str]]]] = []

    @given(route=route, query=pairs)
    @settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
    def collect(route: str, query: list[tuple[str, str]]) -> None:
        asked.append((route, query))

    collect()
    for path, query in asked:
        answer = await client.get(path, params=httpx.QueryParams(_encodable(query)))
        assert answer.status_code in {200, 422}, (path, query)


def _encodable(query: list[tuple[str, str]]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value.encode("utf-8", "replace").decode()) for name, value in query)


async def test_a_ledger_that_does_not_go_on_can_be_read(path: Path) -> None:
    """Read-only after an older copy was put back: appends are 503 with the reason, all else answers, and it is not ok."""
    copy = path.with_name("copy.db")
    async with proofd(path) as client:
        await client.post("/append", json=payload("a", action=1))
    copy.write_bytes(path.read_bytes())
    async with proofd(path) as client:
        await client.post("/append", json=payload("b"))
    path.write_bytes(copy.read_bytes())
    async with proofd(path) as client:
        problem = assert_problem(await client.post("/append", json=payload("b")), 503)
        assert "has 1 entries" in problem["detail"]
        assert "was signed over 2" in problem["detail"]
        head = (await client.get("/head")).json()
        assert (head["ok"], head["height"]) == (False, 1)
        assert (await client.get("/entries/0")).json()["parts"] == {"action": 1}
        verdict = (await client.post("/verify")).json()
        assert (verdict["ok"], verdict["first_bad_seq"]) == (False, None)  # its entries hold, and they are not all
        assert "was signed over 2" in verdict["reason"]
        assert (await opened(client))[1].tree.size == 2
        assert (await client.get("/proof/inclusion", params={"seq": 0, "size": 1})).status_code == 200
        assert_problem(await client.get("/proof/inclusion", params={"seq": 0}), 422)
        assert_problem(await client.get("/healthz"), 503)
        text = (await client.get("/metrics")).text
        assert "lumen_proof_chain_ok 0.0" in text


async def test_without_any_checkpoint_that_is_said(path: Path) -> None:
    """A ledger that lost its last checkpoint has none to show: 503 with the reason, not an empty text."""
    async with proofd(path) as client:
        await client.post("/append", json=payload("a"))
    beside(path)[1].unlink()
    async with proofd(path) as client:
        for route in ("/checkpoint", "/proof/inclusion?seq=0&size=1", "/proof/consistency?from=0&to=1"):
            assert "last signed checkpoint" in assert_problem(await client.get(route), 503)["detail"]


async def test_readers_while_it_grows(path: Path) -> None:
    """Clients that read proofs while others append get answers that verify against the checkpoint in them."""
    async with proofd(path) as client:
        await client.post("/append", json=payload("first"))

        async def write(name: int) -> None:
            async with httpx.AsyncClient(base_url=client.base_url, headers=AUTH, timeout=60) as own:
                for step in range(25):
                    (await own.post("/append", json=payload(f"{name}/{step}"))).raise_for_status()

        async def read() -> int:
            checked = 0
            async with httpx.AsyncClient(base_url=client.base_url, timeout=60) as own:
                vkey = VerifierKey.parse((await own.get("/vkey")).text.strip())
                before = TreeHead(0, open_checkpoint((await own.get("/checkpoint")).content, ORIGIN, [vkey]).tree.root)
                while before.size < 76:
                    body: dict[str, Any] = (await own.get("/proof/inclusion", params={"seq": 0})).json()
                    after = open_checkpoint(body["checkpoint"].encode(), ORIGIN, [vkey]).tree
                    proof = [bytes.fromhex(text) for text in body["proof"]]
                    verify_inclusion(bytes.fromhex(body["leaf"]), 0, after.size, proof, after.root)
                    assert after.size >= before.size
                    if before.size:
                        query = {"from": before.size, "to": after.size}
                        found = (await own.get("/proof/consistency", params=query)).json()
                        verify_consistency(before, after, [bytes.fromhex(text) for text in found["proof"]])
                    before, checked = after, checked + 1
            return checked

        results = await asyncio.gather(*(read() for _ in range(3)), *(write(name) for name in range(3)))
        assert all(checked for checked in results[:3] if checked is not None)
