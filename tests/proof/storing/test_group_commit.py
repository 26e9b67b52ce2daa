"""Who writes, and what together: batches, one answer for each caller, never two at once, no second try after a failure."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
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


def test_a_caller_writes_by_itself_when_nobody_does() -> None:
    """Its items are one batch in its own thread, each with its own answer; too many are several batches in order."""
    recorder = Recorder()
    recorder.go.set()
    threads: list[int] = []

    def write(items: Sequence[int]) -> list[int | ProofError]:
        threads.append(threading.get_ident())
        return recorder.write(items)

    commits = GroupCommit[int, int](write, recorder.fatal.append, 3)
    assert commits.write_now([]) == []
    answers = commits.write_now([2, 3, 4, 6])
    assert [answer for answer in answers if isinstance(answer, int)] == [4, 8, 12]
    assert isinstance(answers[1], ProfileError)
    assert recorder.batches == [[2, 3, 4], [6]]
    assert set(threads) == {threading.get_ident()}
    assert commits.submit(8).result(30) == 16
    assert threads[-1] != threading.get_ident()
    commits.close()


def test_a_caller_waits_for_its_turn_when_somebody_writes() -> None:
    """Whoever comes while another caller writes is written by the thread afterwards, together with all others that came."""
    recorder = Recorder()
    commits = GroupCommit[int, int](recorder.write, recorder.fatal.append)
    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(commits.write_now, [0])
        assert recorder.entered.wait(30)
        others = [pool.submit(commits.write_now, [item, item]) for item in (2, 4)]
        last = commits.submit(6)
        deadline = threading.Event()
        while len(commits._waiting) < 5:
            assert not deadline.wait(0.001)
        recorder.go.set()
        assert first.result(30) == [0]
        assert [other.result(30) for other in others] == [[4, 4], [8, 8]]
        assert last.result(30) == 12
    commits.close()
    assert recorder.batches[0] == [0]
    assert sorted(recorder.batches[1]) == [2, 2, 4, 4, 6]


def test_nobody_writes_while_another_does() -> None:
    """Sixteen callers of both kinds, for whom the writer is idle now and then: never two writes at once, one for each item."""
    inside, most = 0, 0
    written: list[int] = []

    def write(items: Sequence[int]) -> Sequence[int]:
        nonlocal inside, most
        inside += 1
        most = max(most, inside)
        written.extend(items)
        threading.Event().wait(0.0002)  # lets others run, as a sync of the disk does
        inside -= 1
        return [item * 2 for item in items]

    commits = GroupCommit[int, int](write, lambda _: None, 7)

    def call(caller: int) -> bool:
        items = range(caller * 1000, caller * 1000 + 60)
        if caller % 2:
            return [commits.submit(item).result(30) for item in items] == [item * 2 for item in items]
        found = [answer for start in items[::3] for answer in commits.write_now(range(start, start + 3))]
        return found == [item * 2 for item in items]

    with ThreadPoolExecutor(16) as pool:
        assert all(pool.map(call, range(16)))
    commits.close()
    assert most == 1
    assert sorted(written) == [caller * 1000 + number for caller in range(16) for number in range(60)]


def test_closing_waits_for_a_caller_who_writes() -> None:
    """After the close nobody writes any more, in no thread; what comes is refused."""
    recorder = Recorder()
    commits = GroupCommit[int, int](recorder.write, recorder.fatal.append)
    with ThreadPoolExecutor(2) as pool:
        writing = pool.submit(commits.write_now, [2])
        assert recorder.entered.wait(30)
        closing = pool.submit(commits.close)
        while not commits._stopped:
            assert not threading.Event().wait(0.001)
        with pytest.raises(TimeoutError):
            closing.result(0.1)
        recorder.go.set()
        closing.result(30)
        assert recorder.batches == [[2]]
        assert writing.result(30) == [4]
    [refused] = commits.write_now([2])
    assert isinstance(refused, UnavailableError)


@pytest.mark.parametrize("error", [OSError("fsync failed"), KeyboardInterrupt("fsync failed")])
def test_a_failed_write_of_a_caller_is_final_too(error: BaseException) -> None:
    """Whoever waits is told, the rest of what the caller wanted is not tried, and the process is told once."""
    entered, go = threading.Event(), threading.Event()
    written: list[Sequence[int]] = []
    fatal: list[BaseException] = []

    def write(items: Sequence[int]) -> Sequence[int]:
        written.append(items)
        entered.set()
        assert go.wait(30)
        raise error

    commits = GroupCommit[int, int](write, fatal.append, 2)
    with ThreadPoolExecutor(1) as pool:
        caller = pool.submit(commits.write_now, [1, 2, 3])
        assert entered.wait(30)
        waiting = commits.submit(4)
        go.set()
        answers = caller.result(30)
    assert [type(answer) for answer in answers] == [UnavailableError] * 3
    with pytest.raises(UnavailableError, match="write failed"):
        waiting.result(30)
    assert fatal == [error]
    assert written == [[1, 2]]
    assert [type(answer) for answer in commits.write_now([5])] == [UnavailableError]
    commits.close()
