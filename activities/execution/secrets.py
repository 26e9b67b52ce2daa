"""Reads the secrets of a command, by reference, right before its start."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST = 64 * 1024  # bytes


class SecretError(Exception):
    """A secret cannot be had; the text says which and why, and nothing of what it is."""


def read_secrets(references: Mapping[str, Mapping[str, str]]) -> dict[str, str]:
    """Return variables from `{"DB_PASSWORD": {"file": "/run/secrets/db"}}`. Blocks; raises SecretError."""
    return {name: read_secret(name, reference["file"]) for name, reference in references.items()}


def read_secret(name: str, path: str) -> str:
    """The content of a file without one newline at its end; what is not UTF-8 as surrogates, as `os.fsdecode` does."""
    try:
        content = content_of(path)
    except OSError as error:
        raise SecretError(f"the secret {name} cannot be read from {path}: {error.strerror}") from None
    content = content.removesuffix(b"\n")
    if not content:
        raise SecretError(f"the secret {name} is empty: {path}")
    if len(content) > LARGEST:
        raise SecretError(f"the secret {name} is larger than 64 KiB: {path}")
    if b"\0" in content:
        raise SecretError(f"the secret {name} holds a NUL, which no variable can: {path}")
    return os.fsdecode(content)


def content_of(path: str) -> bytes:
    """The content of a regular file, a little more than LARGEST at most; nothing else is waited for."""
    file = os.open(Path(path), os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(0, "not a regular file")
        content = b""
        while len(content) <= LARGEST + 1 and (block := os.read(file, LARGEST + 2 - len(content))):
            content += block
        return content
    finally:
        os.close(file)
