"""Turns appends into transactions: whoever finds nobody writing commits its own, all others wait for one thread.

At any time either one caller or the thread writes. What comes meanwhile waits, and is committed together by the thread.
"""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from proof.errors import ProofError, UnavailableError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_MAX_BATCH = 128
_MAX_WAITING = 512


class GroupCommit(Generic[Item, Answer]):
    """Calls ``write`` with batches of items, never twice at the same time.

    ``write`` commits a batch durably and returns one answer, or one ``ProofError``, for each item. If it raises, nothing
    is known to be committed: every waiting caller gets ``UnavailableError``, ``on_fatal`` is called once and nothing is
    written any more. It is never tried again, since after a failed fsync the pages that were lost are marked clean.
    """

    def __init__(
        self,
        write: Callable[[Sequence[Item]], Sequence[Answer | ProofError]],
        on_fatal: Callable[[BaseException], None],
        max_batch: int = _MAX_BATCH,
    ) -> None:
        """Start the thread."""
        self._write = write
        self._on_fatal = on_fatal
        self._max_batch = max_batch
        self._lock = threading.Lock()
        self._turn = threading.Condition(self._lock)
        self._waiting: deque[tuple[Item, Future[Answer]]] = deque()
        self._busy = False
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="proof-writer", daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> Future[Answer]:
        """Queue ``item`` for the thread; raises ``UnavailableError`` when stopped or when 512 items wait already."""
        with self._lock:
            self._check_open()
            return self._enqueue(item)

    def write_now(self, items: Sequence[Item]) -> list[Answer | ProofError]:
        """Return the answer to each of ``items``, in order, when they are committed: by this very thread if nobody writes.

        As few batches as possible, each of items that follow one another. What is refused has ``UnavailableError`` as its
        answer; what the calling thread is interrupted with while it writes is a failed write.
        """
        answers: list[Answer | ProofError] = []
        for start in range(0, len(items), self._max_batch):
            try:
                answers += self._write_batch(items[start : start + self._max_batch])
            except UnavailableError as error:
                answers += [error] * (len(items) - start)
                break
        return answers

    def close(self) -> None:
        """Refuse new items, finish what was accepted and wait for the thread to end."""
        with self._lock:
            self._stopped = True
            self._turn.notify()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _check_open(self) -> None:
        if self._stopped:
            raise UnavailableError("the ledger is stopping: retry later")
        if len(self._waiting) >= _MAX_WAITING:
            raise UnavailableError(f"{_MAX_WAITING} appends wait already: retry later")

    def _enqueue(self, item: Item) -> Future[Answer]:
        future: Future[Answer] = Future()
        self._waiting.append((item, future))
        if not self._busy:
            self._turn.notify()
        return future

    def _write_batch(self, items: Sequence[Item]) -> Sequence[Answer | ProofError]:
        with self._lock:
            self._check_open()
            leads = not self._busy and not self._waiting
            if leads:
                self._busy = True
            else:
                futures = [self._enqueue(item) for item in items]
        if leads:
            return self._commit(items)
        return [self._answer(future) for future in futures]

    @staticmethod
    def _answer(future: Future[Answer]) -> Answer | ProofError:
        try:
            return future.result()
        except ProofError as error:
            return error

    def _run(self) -> None:
        while batch := self._next_batch():
            answers: Sequence[Answer | ProofError] = [_failed()] * len(batch)
            try:
                with contextlib.suppress(UnavailableError):
                    answers = self._commit([item for item, _ in batch])
            finally:
                for (_, future), answer in zip(batch, answers, strict=True):
                    if isinstance(answer, ProofError):
                        future.set_exception(answer)
                    else:
                        future.set_result(answer)

    def _next_batch(self) -> list[tuple[Item, Future[Answer]]]:
        """Take the turn and what waits, without what its callers gave up; nothing when there will be nothing more."""
        batch: list[tuple[Item, Future[Answer]]] = []
        with self._lock:
            while not batch:
                while self._busy or not (self._waiting or self._stopped):
                    self._turn.wait()
                if not self._waiting:
                    return []
                while self._waiting and len(batch) < self._max_batch:
                    job = self._waiting.popleft()
                    if job[1].set_running_or_notify_cancel():
                        batch.append(job)
            self._busy = True
        return batch

    def _commit(self, items: Sequence[Item]) -> Sequence[Answer | ProofError]:
        """Write a batch, whose turn it is, and end the turn; raises ``UnavailableError`` if that failed."""
        try:
            answers = self._write(items)
            if len(answers) != len(items):
                raise RuntimeError(f"there are {len(answers)} answers to {len(items)} items")  # noqa: TRY301 - stops the process like any failure
        except BaseException as error:  # noqa: BLE001 - the edge of what writes: whatever it is, the process must stop
            self._fail(error)
            raise _failed() from None
        with self._lock:
            self._busy = False
            if self._waiting or self._stopped:
                self._turn.notify()
        return answers

    def _fail(self, error: BaseException) -> None:
        with self._lock:
            self._stopped, self._busy = True, False
            waiting = [future for _, future in self._waiting if future.set_running_or_notify_cancel()]
            self._waiting.clear()
            self._turn.notify()
        try:
            self._on_fatal(error)
        finally:
            for future in waiting:
                future.set_exception(_failed())


def _failed() -> UnavailableError:
    return UnavailableError("the write failed and the ledger stops: retry after its restart")
