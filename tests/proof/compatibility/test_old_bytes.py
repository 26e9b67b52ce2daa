"""What older versions wrote is read by today's: ledgers of both layouts, an export, a signed vote, a link.

The bytes in ``bytes`` were written by the code of their time, each by the first commit that had the format, with origin
``lumen.local/ledger``, salt ``tests`` and the key of :data:`SEED`. They are never made anew.
"""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lumen.ballot import is_authentic, read_vote
from lumen.links import read_link
from proof import verify_lumen_proof
from tests.stack.calling import calls
from tests.stack.processes import LumenChild, free_port, lumen_command

BYTES = Path(__file__).with_name("bytes")
SEED = b"\x07" * 32
TOKEN = "proofd-token"
ENTRIES = 5
HEADS = {
    "layout-1": "fd613ae33dab4e5aacae8503176e822d2c11f6c63058af3c16d0d13ceb29ce1c",
    "layout-2": "08ac4c906ec097ce4bf28bb2f05a209fc0b531f9946e1d0e91d0a95cd556f53f",
}
KEYS = {"k1": "a-secret-of-the-tests"}


@contextmanager
def proofd(folder: Path, name: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Run today's proofd on the ledger ``name``; yield its URL and its settings."""
    (folder / "checkpoint").mkdir(mode=0o700)
    database, key = folder / "proof.db", folder / "proof.db.key"
    database.write_bytes(gzip.decompress((BYTES / f"{name}.db.gz").read_bytes()))
    if (BYTES / f"{name}.note").exists():
        shutil.copy(BYTES / f"{name}.note", folder / "checkpoint" / "proof.db.note")
        private = Ed25519PrivateKey.from_private_bytes(SEED)
        key.write_bytes(private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for path in folder.glob("proof.db*"):
        path.chmod(0o600)
    address = f"127.0.0.1:{free_port()}"
    environ = {
        "PROOFD_ADDR": address,
        "PROOFD_URL": f"http://{address}",
        "PROOF_DSN": f"sqlite:///{database}",
        "PROOFD_TOKEN": TOKEN,
        "PROOF_SALT": "tests",
    }
    child = LumenChild("proofd", lumen_command("proofd"), environ, folder)
    child.start()
    try:
        child.wait_until(f"http://{address}/healthz")
        yield f"http://{address}", environ
    finally:
        child.kill()


def lumen(folder: Path, environ: dict[str, str], *arguments: str) -> str:
    """Run a command that must succeed and return what it prints."""
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folder), **environ}
    done = subprocess.run(lumen_command(*arguments), env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


def judged(folder: Path, vkey: str) -> str:
    """Let today's offline verifier judge an export; return its first line."""
    argv = [sys.executable, "-I", verify_lumen_proof.__file__, str(folder), "--vkey", vkey, "--strict"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()[0]


@pytest.mark.parametrize("name", sorted(HEADS))
def test_a_ledger_of_an_older_version_goes_on(tmp_path: Path, name: str) -> None:
    """It opens, verifies, keeps its head, knows old keys again, takes new entries, is exported, and verifies offline."""
    with proofd(tmp_path, name) as (url, environ):
        head = calls().get(f"{url}/head").json()
        assert (head["height"], head["head"]) == (ENTRIES, HEADS[name])
        assert "the ledger holds: 5 entries verified" in lumen(tmp_path, environ, "proof", "verify")
        headers = {"Authorization": f"Bearer {TOKEN}"}
        with closing(sqlite3.connect(f"file:{tmp_path}/proof.db?mode=ro", uri=True)) as db:
            [(idem, text)] = db.execute("SELECT idem, data FROM entry JOIN part USING (seq) WHERE name = 'claim'")
        again = {"idem": idem, "kind": "action.started", "parts": {"claim": json.loads(text)}}
        for body, status in (
            (again, 200),
            ({**again, "parts": {"claim": {}}}, 409),
            ({**again, "idem": f"{idem}1"}, 200),
        ):
            answer = calls().post(f"{url}/append", json=body, headers=headers)
            assert answer.status_code == status, answer.text
        assert calls().get(f"{url}/head").json()["height"] == ENTRIES + 1
        lumen(tmp_path, environ, "proof", "export", str(tmp_path / "export"))
        vkey = lumen(tmp_path, environ, "proof", "vkey")
    assert judged(tmp_path / "export", vkey).startswith(f"HOLDS: {ENTRIES + 1} entries")


def test_an_older_export_verifies_and_is_taken_in(tmp_path: Path) -> None:
    """The offline verifier of today accepts it to the last byte, and a new ledger can be made of it."""
    with proofd(tmp_path, "layout-2") as (_, environ):
        vkey = lumen(tmp_path, environ, "proof", "vkey")
    assert judged(BYTES / "export", vkey).startswith(f"HOLDS: {ENTRIES} entries")
    taken = {**environ, "PROOF_DSN": f"sqlite:///{tmp_path}/taken.db"}
    assert f"took in {ENTRIES} entries" in lumen(
        tmp_path, taken, "proof", "import", str(BYTES / "export"), "--vkey", vkey
    )


def test_a_changed_old_export_does_not_verify(tmp_path: Path) -> None:
    """One letter of a reason is another."""
    with proofd(tmp_path, "layout-2") as (_, environ):
        vkey = lumen(tmp_path, environ, "proof", "vkey")
    shutil.copytree(BYTES / "export", tmp_path / "changed")
    parts = tmp_path / "changed" / "parts.jsonl"
    parts.write_bytes(parts.read_bytes().replace(b"alice@", b"malic@", 1))
    with pytest.raises(AssertionError, match="TAMPERED"):
        judged(tmp_path / "changed", vkey)


def test_an_older_vote_still_counts() -> None:
    """A vote that was signed and put into Temporal by the first version is read, and its signature holds."""
    vote = json.loads((BYTES / "vote.json").read_text())
    workflow_id = "alert-alertmanager-0123456789abcdef"
    assert is_authentic(read_vote(vote), workflow_id, KEYS)
    assert not is_authentic(read_vote({**vote, "reason": "another"}), workflow_id, KEYS)


def test_an_older_link_still_opens() -> None:
    """A link that was sent by the first version with links names the same person and request."""
    link = read_link((BYTES / "link.txt").read_text().strip(), KEYS)
    assert (link.key, link.actor, link.jti) == ("alertmanager-0123456789abcdef", "alice@example.com", "jti-1")
