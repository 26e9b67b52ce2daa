"""proofd over HTTP, by a real server: shapes, idempotency, tokens, freezing and metrics."""

from __future__ import annotations

import asyncio
import contextlib
import re
import sqlite3
import time
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from prometheus_client import CollectorRegistry

from proof.http.service import create_app
from tests.proof.samples import LOG, signed_ledger
from tests.proof.serving import AUTH, OLD_TOKEN, assert_problem, payload, proofd, samples

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

HEX = re.compile(r"[0-9a-f]{64}")


@pytest.fixture
async def client(path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """Yield a client, with token, of a proofd over a new ledger in ``path``."""
    async with proofd(path) as client:
        yield client


def damage(path: Path, statement: str) -> None:
    """Change the ledger behind the back of its process."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("DROP TRIGGER entry_stays")
        db.execute(statement)


async def test_an_append_is_answered_with_its_place(client: httpx.AsyncClient) -> None:
    """A receipt has exactly seq, leaf, prev, height and duplicate; the next append follows it."""
    first = (await client.post("/append", json=payload("a", action={"x": 1}))).json()
    assert first == {"seq": 0, "leaf": first["leaf"], "prev": LOG, "height": 1, "duplicate": False}
    assert HEX.fullmatch(first["leaf"])
    second = (await client.post("/append", json=payload("b"))).json()
    assert (second["seq"], second["prev"]) == (1, first["leaf"])


async def test_a_retry_is_a_duplicate(client: httpx.AsyncClient) -> None:
    """The same content again, in any spelling, gets the first receipt with duplicate true."""
    first = (await client.post("/append", json=payload("a", action={"x": 1, "y": [2]}))).json()
    await client.post("/append", json=payload("b"))
    spelled = b'{"parts": {"action": {"y":[2e0], "\\u0078": 1}}, "kind":"command","idem":"\\u0061"}'
    again = await client.post("/append", content=spelled)
    assert again.status_code == 200
    assert again.json() == {**first, "duplicate": True}


@pytest.mark.parametrize("other", [payload("a", action=2), payload("a", "override", action=1), payload("a")], ids=repr)
async def test_a_conflict_names_the_entry(client: httpx.AsyncClient, other: dict[str, Any]) -> None:
    """Other content under the same key is 409 with the seq of the entry that has it."""
    await client.post("/append", json=payload("first"))
    await client.post("/append", json=payload("a", action=1))
    body = assert_problem(await client.post("/append", json=other), 409)
    assert body["seq"] == 1


async def test_an_entry_is_read_by_number_and_by_key(client: httpx.AsyncClient) -> None:
    """Both answers are {seq, leaf, prev, kind, idem, at, parts}, with the parts as they were sent."""
    parts: dict[str, Any] = {"action": {"키": ["\x00", 1.5, None], "é": {}}, "approval": 1e300}
    receipt = (await client.post("/append", json=payload('k"/ü?&=#', **parts))).json()
    entry = (await client.get("/entries/0")).json()
    assert list(entry) == ["seq", "leaf", "prev", "kind", "idem", "at", "parts"]
    assert entry == {
        "seq": 0,
        "leaf": receipt["leaf"],
        "prev": LOG,
        "kind": "command",
        "idem": 'k"/ü?&=#',
        "at": entry["at"],
        "parts": parts,
    }
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", entry["at"])
    by_key = await client.get("/entries", params={"idem": 'k"/ü?&=#'})
    assert by_key.json() == entry


async def test_an_erased_part_is_left_out(client: httpx.AsyncClient, path: Path) -> None:
    """An entry outlives its parts: what was erased is not in the answer."""
    await client.post("/append", json=payload("a", action=None, approval=["alice"]))
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE part SET salt = NULL, data = NULL WHERE name = 'approval'")
    assert (await client.get("/entries/0")).json()["parts"] == {"action": None}


@pytest.mark.parametrize(
    "body", [payload("a", "key.rotated"), payload("part.erased/0/approval"), payload("a", "part.erased")]
)
async def test_what_only_the_ledger_writes_is_400(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    """A client can neither rotate a key nor say that a part was erased, nor take the keys of such entries."""
    answer = assert_problem(await client.post("/append", json=body), 400)
    assert answer["type"] == "urn:lumen:problem:reserved"
    assert (await client.get("/head")).json()["height"] == 0


@pytest.mark.parametrize(
    "query", ["/entries/0", "/entries/9007199254740993", "/entries/" + "9" * 5000, "/entries?idem=b"]
)
async def test_absent_entries_are_404(client: httpx.AsyncClient, query: str) -> None:
    """There is nothing at a number or key that was never used, however large."""
    assert_problem(await client.get(query), 404)


async def test_the_head_is_open_and_says_where_the_ledger_ends(client: httpx.AsyncClient) -> None:
    """/head and /stats need no token and give ok, head, height and bytes."""
    async with httpx.AsyncClient(base_url=client.base_url) as anybody:
        assert (await anybody.get("/head")).json() == {"ok": True, "head": LOG, "height": 0, "bytes": 0}
        receipt = (await client.post("/append", json=payload("a", action="x" * 1000))).json()
        stats = (await anybody.get("/stats")).json()
        assert stats == {"ok": True, "head": receipt["leaf"], "height": 1, "bytes": stats["bytes"]}
        assert stats["bytes"] > 1000
        assert (await anybody.get("/healthz")).json() == {"status": "ok"}


GUARDED = [
    ("POST", "/append"),
    ("POST", "/verify"),
    ("GET", "/entries/0"),
    ("GET", "/entries?idem=a"),
]


@pytest.mark.parametrize(("method", "url"), GUARDED)
@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer  ,",
        "Bearer wrong",
        "Bearer correct-hors",
        "Bearer correct-horse2",
        "Basic correct-horse",
        "correct-horse",
        b"Bearer \xff\xfe",
        "Bearer " + "x" * 10_000,
    ],
    ids=ascii,
)
async def test_without_a_token_nothing_is_shown(
    client: httpx.AsyncClient, method: str, url: str, header: str | bytes | None
) -> None:
    """Every guarded route answers 401 to a missing or wrong token, and says how to send one."""
    headers = [] if header is None else [(b"Authorization", header.encode() if isinstance(header, str) else header)]
    async with httpx.AsyncClient(base_url=client.base_url) as anybody:
        answer = await anybody.request(method, url, headers=headers)
    assert_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (await client.get("/head")).json()["height"] == 0


async def test_every_accepted_token_works(client: httpx.AsyncClient) -> None:
    """During a rotation the old token works beside the new one, and the scheme is read in any case."""
    for number, header in enumerate([f"Bearer {OLD_TOKEN}", f"bearer {OLD_TOKEN}", f"BEARER  {OLD_TOKEN}"]):
        answer = await client.post("/append", json=payload(f"k{number}"), headers={"Authorization": header})
        assert answer.status_code == 200


@pytest.mark.parametrize("tokens", [(), ("",), ("a", "")])
def test_a_service_without_tokens_is_not_made(path: Path, tokens: tuple[str, ...]) -> None:
    """No token, or an empty one, would open the ledger to everybody."""
    with signed_ledger(path) as ledger, pytest.raises(ValueError, match="PROOFD_TOKEN"):
        create_app(ledger, tokens, CollectorRegistry())


async def test_sixteen_clients_make_one_chain(client: httpx.AsyncClient) -> None:
    """Sixteen clients that append at once, each with retries, get distinct numbers and one chain that verifies."""

    async def run(number: int) -> list[int]:
        async with httpx.AsyncClient(base_url=client.base_url, headers=AUTH, timeout=60) as own:
            seqs = []
            for step in range(12):
                body = payload(f"{number}/{step}", action={"step": step})
                first, again = (await own.post("/append", json=body)), (await own.post("/append", json=body))
                assert (first.status_code, again.json()) == (200, {**first.json(), "duplicate": True})
                seqs.append(first.json()["seq"])
            return seqs

    results = await asyncio.gather(*(run(number) for number in range(16)))
    assert sorted(seq for seqs in results for seq in seqs) == list(range(192))
    assert all(seqs == sorted(seqs) for seqs in results)
    assert (await client.post("/verify")).json() == {"ok": True, "height": 192, "first_bad_seq": None, "reason": None}


async def test_the_same_append_at_once_is_one_entry(client: httpx.AsyncClient) -> None:
    """Sixteen simultaneous identical appends make one entry and fifteen duplicates."""
    answers = await asyncio.gather(*(client.post("/append", json=payload("a", action=1)) for _ in range(16)))
    assert sorted(answer.json()["duplicate"] for answer in answers) == [False] + [True] * 15
    assert {answer.json()["leaf"] for answer in answers} == {(await client.get("/head")).json()["head"]}


async def test_a_failed_verification_freezes_the_ledger(client: httpx.AsyncClient, path: Path) -> None:
    """Damage found by /verify is reported with its seq, turns ok and the metric off, and stops appends with 503."""
    for number in range(3):
        await client.post("/append", json=payload(f"k{number}"))
    damage(path, "UPDATE entry SET leaf = zeroblob(32) WHERE seq = 1")
    result = (await client.post("/verify")).json()
    assert result == {"ok": False, "height": 3, "first_bad_seq": 1, "reason": result["reason"]}
    assert result["reason"].startswith("leaf: ")
    assert_problem(await client.post("/append", json=payload("new")), 503)
    assert_problem(await client.post("/append", json=payload("k0")), 503)
    assert_problem(await client.get("/healthz"), 503)
    stats = await client.get("/stats")
    assert (stats.status_code, stats.json()["ok"], stats.json()["height"]) == (200, False, 3)
    assert await samples(client, "lumen_proof_chain_ok") == {None: 0}
    assert (await client.get("/entries/0")).json()["idem"] == "k0"


async def test_a_damaged_entry_is_not_served(client: httpx.AsyncClient, path: Path) -> None:
    """Reading an entry that does not verify is 503, not content, and freezes the ledger."""
    await client.post("/append", json=payload("a"))
    damage(path, "UPDATE entry SET body = CAST('{}' AS BLOB)")
    assert_problem(await client.get("/entries/0"), 503)
    assert (await client.get("/head")).json()["ok"] is False


async def test_metrics_tell_the_state(client: httpx.AsyncClient) -> None:
    """The gauges follow the ledger, and every result is counted from 0."""
    zero = {f'result="{result}"': 0 for result in ("appended", "duplicate", "conflict", "refused", "unavailable")}
    assert await samples(client, "lumen_ledger_appends_total") == zero
    began = time.time()
    for body in (payload("a"), payload("b"), payload("b"), payload("b", action=1), {}, None):
        await client.post("/append", json=body)
    head = (await client.get("/head")).json()
    assert await samples(client, "lumen_proof_height") == {None: 2}
    assert await samples(client, "lumen_proof_bytes") == {None: head["bytes"]}
    assert await samples(client, "lumen_proof_chain_ok") == {None: 1}
    expected = zero | {'result="appended"': 2, 'result="duplicate"': 1, 'result="conflict"': 1, 'result="refused"': 2}
    assert await samples(client, "lumen_ledger_appends_total") == expected
    await client.get("/checkpoint")
    assert await samples(client, "lumen_proof_checkpoint_size") == {None: 2}
    (age,) = (await samples(client, "lumen_proof_checkpoint_age_seconds")).values()
    assert 0 <= age <= time.time() - began
    assert await samples(client, "lumen_proof_anchor_lag_entries") == {}
    assert (await client.post("/verify")).json()["ok"] is True
    (verified,) = (await samples(client, "lumen_proof_last_verified_timestamp_seconds")).values()
    assert began <= verified <= time.time()


async def test_the_version_is_told(client: httpx.AsyncClient) -> None:
    """There is one series that names the version that runs, as API and worker have it."""
    assert await samples(client, "lumen_build_info") == {f'version="{version("lumen-remediation")}"': 1}


async def test_the_head_is_a_new_series_only_with_a_kept_checkpoint(client: httpx.AsyncClient) -> None:
    """There is one series of the head, and it follows the steps in which checkpoints are kept, not every append."""
    assert await samples(client, "lumen_proof_head_info") == {f'hash="{LOG}"': 1}
    await client.post("/append", json=payload("a"))
    await client.post("/append", json=payload("b", "auto_remediation"))
    wanted = {f'hash="{(await client.get("/head")).json()["head"]}"': 1.0}
    async with asyncio.timeout(30):
        while await samples(client, "lumen_proof_head_info") != wanted:
            await asyncio.sleep(0.02)
    await client.post("/append", json=payload("c"))
    await client.get("/checkpoint")
    assert await samples(client, "lumen_proof_head_info") == wanted
