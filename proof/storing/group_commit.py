"""One thread that turns queued appends into transactions: all that wait are committed together, answered only then."""

from __future__ import annotations

import contextlib
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Generic, TypeVar

from proof.errors import ProofError, UnavailableError

Item = TypeVar("Item")
Answer = TypeVar("Answer")

_MAX_BATCH = 128
_MAX_WAITING = 512
_STOPPED = "the ledger is stopping: retry later"


class GroupCommit(Generic[Item, Answer]):
    """Runs ``write`` with batches of queued items in one thread.

    ``write`` commits a batch durably and returns one answer, or one ``ProofError``, for each item. If it raises, nothing
    is known to be committed: every waiting caller gets ``UnavailableError``, ``on_fatal`` is called once and the thread
    ends. It is never tried again, since after a failed fsync the pages that were lost are marked clean.
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
        self._queue: queue.SimpleQueue[tuple[Item, Future[Answer]] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="proof-writer", daemon=True)
        self._thread.start()

    def submit(self, item: Item) -> Future[Answer]:
        """Queue ``item``; raises ``UnavailableError`` when stopped or when 512 callers wait already."""
        future: Future[Answer] = Future()
        with self._lock:
            if self._stopped:
                raise UnavailableError(_STOPPED)
            if self._queue.qsize() >= _MAX_WAITING:
                raise UnavailableError(f"{_MAX_WAITING} appends wait already: retry later")
            self._queue.put((item, future))
        return future

    def close(self) -> None:
        """Refuse new items, finish the queued ones and wait for the thread to end."""
        with self._lock:
            if not self._stopped:
                self._stopped = True
                self._queue.put(None)
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            batch, last = self._next_batch()
            if batch and not self._commit(batch):
                return

    def _next_batch(self) -> tuple[list[tuple[Item, Future[Answer]]], bool]:
        """Return what waits (blocking for the first) without what its callers gave up, and whether it is the last."""
        batch: list[tuple[Item, Future[Answer]]] = []
        job = self._queue.get()
        while job is not None:
            if job[1].set_running_or_notify_cancel():
                batch.append(job)
            if len(batch) >= self._max_batch:
                return batch, False
            try:
                job = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _commit(self, batch: list[tuple[Item, Future[Answer]]]) -> bool:
        try:
            answers = self._write([item for item, _ in batch])
            pairs = list(zip(batch, answers, strict=True))
        except BaseException as error:  # noqa: BLE001 - the edge of the writer thread: whatever it is, the process must stop
            self._fail(batch, error)
            return False
        for (_, future), answer in pairs:
            if isinstance(answer, ProofError):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        return True

    def _fail(self, batch: list[tuple[Item, Future[Answer]]], error: BaseException) -> None:
        with self._lock:
            self._stopped = True
        waiting = [future for _, future in batch]
        with contextlib.suppress(queue.Empty):
            while True:
                job = self._queue.get_nowait()
                if job is not None and job[1].set_running_or_notify_cancel():
                    waiting.append(job[1])
        self._on_fatal(error)
        for future in waiting:
            future.set_exception(UnavailableError("the write failed and the ledger stops: retry after its restart"))
