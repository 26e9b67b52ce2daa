"""``lumen proof`` against a real proofd."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from tests.cli.conftest import FakeService, Lumen
from tests.cli.test_output import HOSTILE, is_harmless
from tests.stack.processes import Child


@pytest.fixture
def filled(start_proofd: Callable[[], tuple[Child, str]], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a proofd with one entry, which the environment names."""
    url = start_proofd()[1]
    monkeypatch.setenv("PROOFD_URL", url)
    monkeypatch.setenv("PROOFD_TOKEN", "proofd-token")
    body = {"idem": "a/1", "kind": "override", "parts": {"override": {"reason": HOSTILE}}}
    headers = {"Authorization": "Bearer proofd-token"}
    httpx.post(url + "/append", json=body, headers=headers, trust_env=False).raise_for_status()
    return url


def test_the_ledger_can_be_read_and_verified(lumen: Lumen, filled: str) -> None:
    """Head, verification and an entry, for people and for programs."""
    assert "height  1" in lumen("proof", "head").out
    assert lumen("proof", "head", "--json").document["height"] == 1
    assert lumen("proof", "verify").out == "the ledger holds: 1 entries verified\n"
    assert lumen("proof", "verify", "--json").document["ok"] is True
    shown = lumen("proof", "show", "0")
    assert "override" in shown.out
    assert is_harmless(shown.out)
    assert lumen("proof", "show", "0", "--json").document["parts"]["override"]["reason"] == HOSTILE


def test_an_entry_that_is_not_there_is_one_line(lumen: Lumen, filled: str) -> None:
    """The ledger's own words, exit code 1."""
    ran = lumen("proof", "show", "7")
    assert ran.code == 1
    assert ran.err.count("\n") == 1
    assert "the ledger holds 1" in ran.err


def test_a_broken_ledger_is_exit_code_one(lumen: Lumen, service: FakeService, monkeypatch: pytest.MonkeyPatch) -> None:
    """`verify` and `head` fail when the ledger does not hold, in both forms."""
    monkeypatch.setenv("PROOFD_URL", service.url)
    service.answer(200, {"ok": False, "height": 9, "first_bad_seq": 3, "reason": "leaf", "head": "x", "bytes": 1})
    ran = lumen("proof", "verify")
    assert ran.code == 1
    assert ran.out == "the ledger is broken at entry 3: leaf\n"
    assert lumen("proof", "verify", "--json").code == 1
    assert lumen("proof", "head").code == 1
