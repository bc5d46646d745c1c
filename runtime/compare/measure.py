"""Repeated runs after a warm-up, within a limit of time."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from runtime.compare.result import Spread

WARM_UP_RUNS, FEWEST_RUNS, MOST_RUNS = 3, 3, 1000


def measure(run: Callable[[], Sequence[float]], limit_seconds: float) -> tuple[Spread, ...]:
    """Call `run`, which returns one or more times in seconds, again and again; return the spread of each of them.

    The first calls warm up and do not count. Both the warm-up and the calls that count end at the limit, but not before
    one and `FEWEST_RUNS` calls.
    """
    _repeat(run, 1, WARM_UP_RUNS, limit_seconds)
    times = _repeat(run, FEWEST_RUNS, MOST_RUNS, limit_seconds)
    return tuple(Spread.of(each) for each in zip(*times, strict=True))


def wall(run: Callable[[], object]) -> Callable[[], tuple[float]]:
    """Return a function that calls `run` and returns the seconds that it took."""

    def timed() -> tuple[float]:
        begin = time.perf_counter()
        run()
        return (time.perf_counter() - begin,)

    return timed


def _repeat(
    run: Callable[[], Sequence[float]], fewest: int, most: int, limit_seconds: float
) -> list[Sequence[float]]:
    end = time.perf_counter() + limit_seconds
    results: list[Sequence[float]] = []
    while len(results) < fewest or (len(results) < most and time.perf_counter() < end):
        results.append(run())
    return results
