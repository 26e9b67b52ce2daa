"""``lumen proof`` against a real proofd."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from proof.format.checkpoint import Checkpoint, open_checkpoint, sign_checkpoint
from proof.format.merkle import EMPTY_TREE
from proof.format.note import VerifierKey
from proof.signing.keyfile import KeyRing, create_keys, read_keys
from proof.store import beside
from tests.cli.conftest import FakeService, Lumen
from tests.cli.test_output import HOSTILE, is_harmless
from tests.stack.calling import calls
from tests.stack.processes import Child


@pytest.fixture
def filled(start_proofd: Callable[[], tuple[Child, str]], monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a proofd with one entry, which the environment names."""
    url = start_proofd()[1]
    monkeypatch.setenv("PROOFD_URL", url)
    monkeypatch.setenv("PROOFD_TOKEN", "proofd-token")
    body = {"idem": "a/1", "kind": "override", "parts": {"override": {"reason": HOSTILE}}}
    headers = {"Authorization": "Bearer proofd-token"}
    calls().post(url + "/append", json=body, headers=headers).raise_for_status()
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


def test_the_key_is_printed_alone(lumen: Lumen, filled: str) -> None:
    """`vkey` prints one line that is a key, so that it can be kept and given on as it is; the checkpoint is signed by it."""
    printed = lumen("proof", "vkey")
    assert printed.out.count("\n") == 1
    key = VerifierKey.parse(printed.out.strip())
    assert lumen("proof", "vkey", "--json").document == {"vkey": str(key), "vkeys": [str(key)]}
    note = calls().get(f"{filled}/checkpoint").content
    assert open_checkpoint(note, key.name, [key]).tree.size == 1


def sign(note: Path, ring: KeyRing) -> None:
    """Let the keys sign the empty ledger, as proofd does when it starts."""
    note.write_bytes(sign_checkpoint(Checkpoint("lumen.local/ledger", EMPTY_TREE), ring.keys).encode())


@pytest.mark.parametrize("where", ["PROOF_KEY_FILE", "PROOF_DSN", "LUMEN_DATA_DIR"])
def test_a_key_is_rotated_in_its_file(
    lumen: Lumen, clean_place: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """The new key comes after the old one in the file that the settings name, and `--finish` takes the old one out."""
    values = {
        "PROOF_KEY_FILE": (clean_place / "k.pem", clean_place / "k.pem"),
        "PROOF_DSN": (f"sqlite:///{clean_place}/l.db", clean_place / "l.db.key"),
        "LUMEN_DATA_DIR": (clean_place, clean_place / "proof.db.key"),
    }
    value, file = values[where]
    monkeypatch.setenv(where, str(value))
    old = create_keys(file, "lumen.local/ledger").newest.verifier
    shown = lumen("proof", "rotate", "--reason", "yearly", "--json").document
    assert shown == {"key_file": str(file), "vkeys": [str(old), shown["vkeys"][1]]}
    assert lumen("proof", "rotate").code == 1
    before = file.read_bytes()
    refused = lumen("proof", "rotate", "--finish")  # proofd was never started, as far as can be seen from here
    assert (refused.code, refused.err.count("\n")) == (1, 1)
    assert "PROOF_CHECKPOINT_FILE" in refused.err
    assert file.read_bytes() == before
    sign(clean_place / "kept.note", read_keys(file, "lumen.local/ledger"))
    monkeypatch.setenv("PROOF_CHECKPOINT_FILE", str(clean_place / "kept.note"))
    finished = lumen("proof", "rotate", "--finish")
    assert finished.code == 0
    assert shown["vkeys"][1] in finished.out
    assert str(old) not in finished.out
    assert "PRIVATE" not in finished.out


def test_a_rotation_is_not_finished_before_proofd_took_it_up(
    lumen: Lumen, clean_place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the last signed checkpoint has no signature of the new key, the old one stays in the file."""
    monkeypatch.setenv("LUMEN_DATA_DIR", str(clean_place))
    file, note = beside(clean_place / "proof.db")
    ring = create_keys(file, "lumen.local/ledger")
    note.parent.mkdir()
    sign(note, ring)
    assert lumen("proof", "rotate").code == 0
    before = file.read_bytes()
    ran = lumen("proof", "rotate", "--finish")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "not in force yet" in ran.err
    assert file.read_bytes() == before


def test_a_key_that_is_not_here_cannot_be_rotated(lumen: Lumen, clean_place: Path) -> None:
    """On a machine without the key file the command says which file it looked for."""
    ran = lumen("proof", "rotate")
    assert (ran.code, ran.err.count("\n")) == (1, 1)
    assert "proof.db.key" in ran.err
