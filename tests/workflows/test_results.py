"""What an episode remembers of an action: both ends of what it printed, in bounded size."""

from __future__ import annotations

import pytest

from activities.execution.capture import Capture
from lumen.messages import ActionResult
from lumen.outcome import ActionStatus
from workflows.acting import kept


def remembered(printed: str, cap: int = 16 * 1024) -> dict[str, object]:
    """Return what is kept of a program that printed this."""
    capture = Capture(cap)
    capture.feed(printed.encode())
    stream = {name: getattr(capture.captured(), name) for name in ("head", "tail", "bytes", "sha256", "truncated")}
    detail: dict[str, object] = kept(ActionResult("a", "cmd", "k", ActionStatus.FAILED, detail={"stdout": stream}))[
        "detail"
    ]
    found = detail["stdout"]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("size", [0, 1, 999, 1000])
def test_a_short_output_is_kept_whole(size: int) -> None:
    """Up to a thousand characters nothing is cut."""
    found = remembered("x" * size)
    assert (found["head"], found["tail"], found["truncated"]) == ("x" * size, "", False)


@pytest.mark.parametrize("middle", [100, 20_000, 100_000])
def test_a_long_output_keeps_its_beginning_and_its_end(middle: int) -> None:
    """The end is where a program says why it failed, whether the capture had cut it already or not."""
    found = remembered("first" + "x" * 1000 + "x" * middle + "last")
    head, tail = str(found["head"]), str(found["tail"])
    assert head.startswith("first")
    assert tail.endswith("last")
    assert len(head) == len(tail) == 500
    assert (found["truncated"], found["bytes"]) == (True, 1009 + middle)


def test_what_was_cut_without_an_end_gets_no_false_one() -> None:
    """The start of an answer that was not read to its end is no end."""
    stream = {"head": "y" * 4000, "tail": "", "bytes": 10**6, "sha256": "0", "truncated": True}
    result = ActionResult("a", "http", "k", ActionStatus.FAILED, detail={"stdout": stream})
    assert kept(result)["detail"]["stdout"]["tail"] == ""
