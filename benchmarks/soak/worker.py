"""`python -m benchmarks.soak.worker SECONDS`: `lumen worker`, whose episodes close so long after their alerts resolved."""

from __future__ import annotations

import sys

from cli.main import run
from lumen import episode

if __name__ == "__main__":
    episode.LINGER = int(sys.argv[1])
    sys.exit(run(["worker"]))
