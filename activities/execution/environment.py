"""Builds the environment of a command from nothing, so that nothing of the worker's leaks into it."""

from __future__ import annotations

import re
from collections import Counter
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FIXED = MappingProxyType({"PATH": PATH, "LANG": "C.UTF-8", "HOME": "/"})
ALLOWED = frozenset(
    {
        "LUMEN_IDEMPOTENCY_KEY",
        "LUMEN_ALERT_KEY",
        "LUMEN_WORKFLOW_ID",
        "LUMEN_RULE",
        "LUMEN_TARGET",
        "LUMEN_ACTION",
        "LUMEN_ATTEMPT",
    },
)
LABEL_PREFIX = "LUMEN_LABEL_"
NO_LABELS: Mapping[str, str] = MappingProxyType({})


def command_environment(allow: Mapping[str, str], labels: Mapping[str, str] = NO_LABELS) -> dict[str, str]:
    """PATH, LANG and HOME, the given LUMEN_* variables, and each alert label as LUMEN_LABEL_<NAME>.

    `allow` may hold the names in ALLOWED only and no NUL (ValueError), since a program relies on these. A label's name is
    put in capitals with `_` for what is not a letter or digit; labels that would share a name are all left out, so
    that none is taken for another. Labels come from outside: what no variable can hold becomes U+FFFD in their values.
    """
    for name, value in allow.items():
        if name not in ALLOWED:
            raise ValueError(f"{name!r} is no variable for commands; allowed: {', '.join(sorted(ALLOWED))}")
        if "\0" in value:
            raise ValueError(f"the value of {name} holds a NUL, which no environment variable can")
    names = {label: LABEL_PREFIX + re.sub(r"[^A-Za-z0-9_]", "_", label).upper() for label in labels}
    shared = Counter(names.values())
    variables = {names[label]: holdable(value) for label, value in labels.items() if shared[names[label]] == 1}
    return {**variables, **FIXED, **allow}


def holdable(text: str) -> str:
    """The text with U+FFFD for NUL and for halves of surrogate pairs, which have no UTF-8 form."""
    return re.sub("[\0\ud800-\udfff]", "\ufffd", text)
