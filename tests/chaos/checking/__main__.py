"""``python -m tests.chaos.checking EVIDENCE_DIR [...]``: prints JSON, exits 1 if anything was found."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.chaos.checking.judge import judge


def main(arguments: list[str]) -> int:
    """Judge each folder; one folder prints one document, several print a list. Returns the exit code."""
    if not arguments or any(argument.startswith("-") for argument in arguments):
        print("usage: python -m tests.chaos.checking EVIDENCE_DIR [...]", file=sys.stderr)
        return 2
    documents = [judge(Path(argument)) for argument in arguments]
    print(json.dumps(documents[0] if len(documents) == 1 else documents, indent=1))
    return 1 if any(document["findings"] for document in documents) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
