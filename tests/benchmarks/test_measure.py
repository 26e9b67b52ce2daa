"""The arithmetic and the loops of the benchmarks."""

from __future__ import annotations

import asyncio
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.measure import (
    Rate,
    closed_loop,
    open_loop,
    paired_ratio,
    percentile,
    ratios,
    threaded_loop,
    together,
    until,
)

NUMBERS = st.lists(st.floats(-1e6, 1e6), min_size=1)


def test_percentiles_are_values_that_were_measured() -> None:
    """Nearest rank: the median of an even count is the lower middle, the 99th of a few is the largest."""
    values = [4.0, 1.0, 3.0, 2.0]
    assert [percentile(values, share) for share in (0.25, 0.5, 0.75, 0.99, 1.0)] == [1.0, 2.0, 3.0, 4.0, 4.0]


@given(NUMBERS, st.floats(0.01, 1.0))
def test_a_share_of_the_values_is_not_above_its_percentile(values: list[float], share: float) -> None:
    """At least the share is at or below it, and less than the share is strictly below it."""
    found = percentile(values, share)
    assert sum(value <= found for value in values) >= share * len(values) - 1e-9
    assert sum(value < found for value in values) < share * len(values)


@pytest.mark.parametrize("share", [0.0, -0.5, 1.01, 99.0])
def test_a_share_that_is_none_is_refused(share: float) -> None:
    """A percentile of 99 is a mistake for 0.99."""
    with pytest.raises(ValueError, match="share"):
        percentile([1.0], share)


def test_nothing_has_no_percentile() -> None:
    """An arm in which nothing was measured is an error, not a zero."""
    with pytest.raises(ValueError, match="nothing was measured"):
        percentile([], 0.5)


def test_a_ratio_compares_within_rounds() -> None:
    """A round in which everything was slow does not change the ratio, as it would with a ratio of medians."""
    assert paired_ratio([10.0, 1.0, 40.0], [20.0, 2.0, 10.0]) == 0.5
    assert ratios([10.0, 1.0, 40.0], [20.0, 2.0, 10.0]) == [0.5, 0.5, 4.0]


def test_a_ratio_of_unequal_rounds_is_refused() -> None:
    """Each round has both arms."""
    with pytest.raises(ValueError, match="zip"):
        paired_ratio([1.0, 2.0], [1.0])


async def test_a_closed_loop_counts_what_every_client_did() -> None:
    """No unit of one client is lost to another that finishes meanwhile."""
    did = 0

    async def call() -> int:
        nonlocal did
        await asyncio.sleep(0)
        did += 3
        return 3

    began = time.perf_counter()
    rate = await closed_loop(8, 0.05, call)
    assert len(rate.seconds) * 3 == did
    assert rate.per_second * (time.perf_counter() - began) >= did


@pytest.mark.parametrize("clients", [1, 4])
def test_a_loop_of_threads_counts_what_every_client_did(clients: int) -> None:
    """No unit of one thread is lost to another, and each call has a latency."""
    did: list[int] = []

    def call() -> int:
        time.sleep(0.001)
        did.append(3)
        return 3

    began = time.perf_counter()
    rate = threaded_loop(clients, 0.05, call)
    assert len(rate.seconds) == len(did) >= clients
    assert rate.per_second * (time.perf_counter() - began) >= sum(did)


def test_turns_count_as_one_stretch_of_time() -> None:
    """Ten calls in one second and thirty in the next are twenty a second, with forty latencies."""
    whole = together([Rate(10, [0.1] * 10), Rate(30, [0.03] * 30)])
    assert whole.per_second == 20
    assert len(whole.seconds) == 40


def test_a_client_that_fails_ends_the_loop_of_threads() -> None:
    """A figure over what is left would hide that an append failed."""

    def call() -> int:
        raise RuntimeError("no answer")

    with pytest.raises(RuntimeError, match="no answer"):
        threaded_loop(4, 0.05, call)


async def test_an_open_loop_begins_calls_while_others_still_run() -> None:
    """A call that waits for the last one ends, so the last one was begun without waiting for it."""
    last = asyncio.Event()

    async def call(number: int) -> None:
        if number == 4:
            last.set()
        await last.wait()

    due = await asyncio.wait_for(open_loop(1000, 5, call), 30)
    assert [round((moment - due[0]) * 1000) for moment in due] == [0, 1, 2, 3, 4]


async def test_an_open_loop_counts_from_when_a_call_was_due() -> None:
    """A stall in one call moves the due time of none that come after it."""

    async def call(number: int) -> None:
        if number == 0:
            time.sleep(0.2)  # noqa: ASYNC251 - the stall

    began = time.time()
    due = await open_loop(100, 3, call)
    assert due[2] < began + 0.2 < time.time()


async def test_what_never_comes_is_named() -> None:
    """A wait that ends in vain says what it was for."""

    async def never() -> bool:
        return False

    with pytest.raises(TimeoutError, match="the moon is blue"):
        await until(never, 0.01, "the moon is blue", every=0.001)
