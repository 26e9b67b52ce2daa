"""On what the figures were measured: programs, machine, commit, load."""

from __future__ import annotations

import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.stack.processes import temporal_binary

ROOT = Path(__file__).parent.parent


def header() -> dict[str, Any]:
    """Return what a reader must know to compare figures; sizes in bytes."""
    return {
        "header": "lumen benchmarks",
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _said("git", "-C", str(ROOT), "describe", "--always", "--dirty"),
        "python": platform.python_version(),
        "temporalio": version("temporalio"),
        "temporal_server": _said(temporal_binary(), "--version"),
        "kernel": platform.release(),
        "cpu": _field(Path("/proc/cpuinfo"), "model name"),
        "cores": os.cpu_count(),
        "memory": os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process in MB (10^6 bytes)."""
    kib = _field(Path(f"/proc/{pid}/status"), "VmRSS").split()[0]
    return int(kib) * 1024 / 1e6


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and of its children that have ended, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:15]) / os.sysconf("SC_CLK_TCK")


def _field(file: Path, name: str) -> str:
    for text in file.read_text().splitlines():
        key, _, value = text.partition(":")
        if key.strip() == name:
            return value.strip()
    return ""


def _said(*argv: str) -> str:
    try:
        return subprocess.run(argv, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
