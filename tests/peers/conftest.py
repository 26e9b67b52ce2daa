"""Programs of others that read what Lumen writes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "golang" / "main.go"
GO = Path("/usr/bin/go")
MODULE = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb/tlog")


@pytest.fixture(scope="session")
def go_peer(require_all: bool, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled Go program; skipped without Debian's golang-go and golang-golang-x-mod-dev."""
    if not (GO.exists() and MODULE.exists()):
        reason = "golang-go and golang-golang-x-mod-dev are not installed"
        pytest.fail(reason) if require_all else pytest.skip(reason)
    folder = tmp_path_factory.mktemp("go")
    program = folder / "peer"
    # Only what Debian installed, no network: modules off, and the one path where Debian puts Go libraries.
    environment = {"GO111MODULE": "off", "GOPATH": "/usr/share/gocode", "GOFLAGS": "", "CGO_ENABLED": "0",
                   "GOCACHE": str(folder / "cache"), "HOME": str(folder), "PATH": "/usr/bin:/bin"}  # fmt: skip
    subprocess.run([GO, "build", "-o", program, SOURCE], check=True, env=environment, timeout=250, cwd=folder)
    return program
