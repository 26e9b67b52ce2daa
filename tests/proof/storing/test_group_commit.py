"""The writer thread: batches, one answer for each caller, and no second try after a failure."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from proof.errors import ProfileError, ProofError, UnavailableError
from proof.storing.group_commit import GroupCommit

if TYPE_CHECKING:
    from collections.abc import Sequence


class Recorder:
    """Doubles numbers in batches; refuses odd ones; fails at 666. The first batch waits until ``go`` is set."""

    def __init__(self) -> None:
        """Start with nothing written."""
        self.batches: list[list[int]] = []
        self.fatal: list[BaseException] = []
        self.entered = threading.Event()
        self.go = threading.Event()

    def write(self, items: Sequence[int]) -> list[int | ProofError]:
        """Write one batch."""
        self.entered.set()
        assert self.go.wait(30)
        self.batches.append(list(items))
        if 666 in items:
            raise OSError("fsync failed")
        return [ProfileError("odd") if item % 2 else item * 2 for item in items]

    def first_waits(self, commits: GroupCommit[int, int]) -> None:
        """Let the writer take a first item and stop in it."""
        commits.submit(0)
        assert self.entered.wait(30)


def test_what_waits_is_written_together() -> None:
    """Items that arrive while a batch is written make the next batch, in order, and each gets its own answer."""
    recorder = Recorder()
    commits = GroupCommit[int, int](recorder.write, recorder.fatal.append)
    recorder.first_waits(commits)
    futures = [commits.submit(item) for item in (2, 3, 4)]
    recorder.go.set()
    assert (futures[0].result(30), futures[2].result(30)) == (4, 8)
    with pytest.raises(ProfileError):
        futures[1].result(30)
    commits.close()
    assert recorder.batches == [[0], [2, 3, 4]]
    assert recorder.fatal == []


def test_a_caller_who_gave_up_is_left_out() -> None:
    """An item cancelled while it waits is not written."""
    recorder = Recorder()
    commits = GroupCommit[int, int](recorder.write, recorder.fatal.append)
    recorder.first_waits(commits)
    gone, stays = commits.submit(2), commits.submit(4)
    assert gone.cancel()
    recorder.go.set()
    assert stays.result(30) == 8
    commits.close()
    assert recorder.batches == [[0], [4]]


def test_closing_finishes_what_waits() -> None:
    """Everything accepted before the close is written and answered; nothing is accepted after it."""
    recorder = Recorder()
    commits = GroupCommit[int, int](recorder.write, recorder.fatal.append)
    recorder.go.set()
    futures = [commits.submit(item) for item in range(0, 600, 2)]
    commits.close()
    assert [future.result(0) for future in futures] == list(range(0, 1200, 4))
    with pytest.raises(UnavailableError, match="stopping"):
        commits.submit(2)
    commits.close()


def test_too_many_callers_are_told_to_come_back() -> None:
    """The queue has an end: the 513th waiting caller is refused at once."""
    recorder = Recorder()
    commits = GroupCommit[int, int](recorder.write, recorder.fatal.append)
    recorder.first_waits(commits)
    futures = [commits.submit(2) for _ in range(512)]
    with pytest.raises(UnavailableError, match="512 appends wait"):
        commits.submit(2)
    recorder.go.set()
    commits.close()
    assert {future.result(0) for future in futures} == {4}
    assert max(map(len, recorder.batches)) == 128


def test_a_batch_may_be_smaller() -> None:
    """Whoever writes says how many items one transaction takes at most."""
    recorder = Recorder()
    commits = GroupCommit[int, int](recorder.write, recorder.fatal.append, 7)
    recorder.first_waits(commits)
    futures = [commits.submit(2) for _ in range(20)]
    recorder.go.set()
    commits.close()
    assert {future.result(0) for future in futures} == {4}
    assert list(map(len, recorder.batches)) == [1, 7, 7, 6]


def test_a_failed_write_is_final() -> None:
    """After a failure nothing is written again, everybody who waits is told, and the process is told once."""
    recorder = Recorder()
    commits = GroupCommit[int, int](recorder.write, recorder.fatal.append)
    recorder.first_waits(commits)
    futures = [commits.submit(item) for item in [666] + [2] * 200]
    recorder.go.set()
    for future in futures:
        with pytest.raises(UnavailableError, match="write failed"):
            future.result(30)
    assert [str(error) for error in recorder.fatal] == ["fsync failed"]
    assert len(recorder.batches) == 2
    with pytest.raises(UnavailableError):
        commits.submit(2)
    commits.close()


def test_a_wrong_number_of_answers_is_a_failure() -> None:
    """If answers and callers cannot be matched, nobody gets the answer of another."""
    fatal: list[BaseException] = []
    commits = GroupCommit[int, int](lambda _: [1, 2], fatal.append)
    with pytest.raises(UnavailableError):
        commits.submit(1).result(30)
    commits.close()
    assert len(fatal) == 1
