"""The key file: made private, read strictly, extended and shortened only as a rotation wants it."""

from __future__ import annotations

import shutil
import stat
import subprocess
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from proof.errors import StartError
from proof.signing.keyfile import add_key, create_keys, drop_old_keys, read_keys

if TYPE_CHECKING:
    from pathlib import Path

NAME = "example.com/ledger"


def pem(
    key: Ed25519PrivateKey | X25519PrivateKey | None = None, secret: KeySerializationEncryption | None = None
) -> str:
    """Return a private key in PEM, a new one by default."""
    made = key or Ed25519PrivateKey.generate()
    return made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret or NoEncryption()).decode()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a key file that does not exist yet."""
    return tmp_path / "proof.key"


def test_a_made_key_is_private_and_stays(file: Path) -> None:
    """A new file can be read by its owner only, is read back as the same key, and is never made over another one."""
    made = create_keys(file, NAME)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert read_keys(file, NAME).verifiers == made.verifiers
    with pytest.raises(StartError, match="exists already"):
        create_keys(file, NAME)
    assert read_keys(file, NAME).verifiers == made.verifiers


def test_every_made_key_is_another(tmp_path: Path) -> None:
    """Two installations do not get the same key."""
    first, second = (create_keys(tmp_path / name, NAME) for name in ("a", "b"))
    assert first.newest.verifier != second.newest.verifier


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_a_key_of_openssl_is_taken(file: Path) -> None:
    """The command that the error names makes a key that proofd takes."""
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(file)], check=True, timeout=30)
    assert len(read_keys(file, NAME).keys) == 1


def test_a_rotation_adds_a_key_and_then_drops_the_old_one(file: Path) -> None:
    """The old key stays first with the new one after it and its reason; finished, the new one is alone; the mode stays."""
    old = create_keys(file, NAME).newest.verifier
    both = add_key(file, NAME, "yearly rotation")
    assert both.verifiers[0] == old
    assert (len(both.keys), both.reason) == (2, "yearly rotation")
    assert read_keys(file, NAME).verifiers == both.verifiers
    assert both.get(old.id) is both.keys[0]
    assert both.get("other+00000000") is None
    after = drop_old_keys(file, NAME)
    assert after.verifiers == (both.newest.verifier,)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_link_to_the_file_stays(file: Path, tmp_path: Path) -> None:
    """Where the key file is a link, the new key is in the file that it leads to, and the link stays."""
    there = tmp_path / "there.pem"
    create_keys(there, NAME)
    file.symlink_to(there)
    both = add_key(file, NAME, "")
    assert file.is_symlink()
    assert read_keys(there, NAME).verifiers == both.verifiers


def test_a_rotation_waits_for_the_one_before(file: Path) -> None:
    """With two keys in the file another one is not added, and with one there is nothing to finish."""
    create_keys(file, NAME)
    with pytest.raises(StartError, match="no rotation to finish"):
        drop_old_keys(file, NAME)
    add_key(file, NAME, "")
    with pytest.raises(StartError, match="finish it before"):
        add_key(file, NAME, "")


@pytest.mark.parametrize("reason", ["two\nlines", "x" * 201, "é", "-----BEGIN PRIVATE KEY-----\n"])
def test_a_reason_is_one_plain_line(file: Path, reason: str) -> None:
    """What would not come back as it is refused, and the file stays as it was."""
    create_keys(file, NAME)
    before = file.read_bytes()
    with pytest.raises(StartError, match="reason"):
        add_key(file, NAME, reason)
    assert file.read_bytes() == before


def test_the_reason_is_that_of_the_last_key(file: Path) -> None:
    """What stands before an earlier key is not the reason of a later one; other text is not read."""
    file.write_text(f"reason: first\n{pem()}some words\nreason: second\n{pem()}")
    assert read_keys(file, NAME).reason == "second"
    file.write_text(f"reason: first\n{pem()}{pem()}")
    assert read_keys(file, NAME).reason == ""


def test_line_breaks_of_another_system_are_taken(file: Path) -> None:
    """A file that went through another system is the same file."""
    text = pem()
    file.write_text(text)
    before = read_keys(file, NAME).verifiers
    file.write_bytes(text.replace("\n", "\r\n").encode())
    assert read_keys(file, NAME).verifiers == before


@pytest.mark.parametrize(
    "content",
    [
        "",
        "hunter2",
        pem(X25519PrivateKey.generate()),
        pem(secret=BestAvailableEncryption(b"hunter2")),
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
        pem()[:-30],
        pem() + pem()[:-30],
        pem() * 2,
        "x" * 70_000,
        pem().replace("PRIVATE", "PUBLIC"),
    ],
    ids=range(10),
)
def test_what_is_no_key_file_is_refused_without_quoting_it(file: Path, content: str) -> None:
    """Empty, other, encrypted, cut, repeated or too much: one line that names the file and shows nothing of it."""
    file.write_text(content)
    with pytest.raises(StartError, match="key file") as caught:
        read_keys(file, NAME)
    message = str(caught.value)
    assert str(file) in message
    assert "hunter2" not in message
    assert "\n" not in message


def test_bytes_that_are_no_text_are_refused(file: Path) -> None:
    """A binary file is no key file."""
    file.write_bytes(b"\xff" * 100)
    with pytest.raises(StartError, match="not text"):
        read_keys(file, NAME)


def test_a_missing_file_is_named(file: Path) -> None:
    """The error names the file and the setting."""
    with pytest.raises(StartError, match="PROOF_KEY_FILE"):
        read_keys(file, NAME)


def test_a_file_for_everybody_is_told(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A key that everybody may read works, since volumes may have no other modes, but the log says so."""
    create_keys(file, NAME)
    file.chmod(0o644)
    read_keys(file, NAME)
    assert "chmod 600" in caplog.text
