"""What a method of the Web API is given and how it refuses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cli.fakeslack.shapes import Fault


class Refusal(Exception):  # noqa: N818  # it is an answer, and the name says so
    """The call is answered with ``ok: false``. ``blame`` says what no correct app does; empty if it did no wrong."""

    def __init__(self, error: str, blame: str = "", **more: Any) -> None:
        """Answer with the code ``error`` and the fields ``more``."""
        super().__init__(error)
        self.error, self.blame, self.more = error, blame, more

    @classmethod
    def of_faults(cls, error: str, faults: list[Fault]) -> Refusal:
        """Refuse for these faults, with all of them in the answer, as Slack does."""
        lines = [str(fault) for fault in faults]
        bare = [line.removeprefix("[ERROR] ") for line in lines]
        return cls(error, "; ".join(lines), errors=bare, response_metadata={"messages": lines})


@dataclass(frozen=True)
class Arguments:
    """The arguments of one call: JSON values, or strings where the body was a form or the call a GET."""

    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Return a string, empty if it is missing."""
        value = self.values.get(name)
        return "" if value is None else str(value)

    def flag(self, name: str) -> bool:
        """Return whether it is true, in any of the forms that Slack takes."""
        return self.text(name).lower() in {"true", "1"}

    def number(self, name: str, otherwise: int) -> int:
        """Return a whole number, or ``otherwise`` if there is none."""
        value = self.text(name)
        return int(value) if value.isdecimal() else otherwise

    def json(self, name: str, error: str) -> Any:
        """Return a JSON value, also one that was sent as a string of JSON; None if it is missing.

        Raises:
            Refusal: it is a string and no JSON.

        """
        value = self.values.get(name)
        if not isinstance(value, str):
            return value
        try:
            return json.loads(value)
        except ValueError:
            raise Refusal(error, f"{name} is no JSON") from None

    def need(self, name: str) -> str:
        """Return a string that must be there.

        Raises:
            Refusal: it is missing.

        """
        if not self.text(name):
            line = f"[ERROR] missing required field: {name}"
            raise Refusal("invalid_arguments", line, response_metadata={"messages": [line]})
        return self.text(name)
