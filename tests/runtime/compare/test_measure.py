"""Repeated runs: how many there are, and what is made of their times."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from runtime.compare import measure as module
from runtime.compare.measure import FEWEST_RUNS, MOST_RUNS, WARM_UP_RUNS, measure, wall
from runtime.compare.result import Spread


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Stop the clock, and return a function that moves it."""
    now = [0.0]
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])

    def advance(seconds: float) -> None:
        now[0] += seconds

    return advance


@pytest.mark.parametrize(("each", "limit", "warm", "counted"), [
    (0.1, 2.0, WARM_UP_RUNS, 20), (3.0, 2.0, 1, FEWEST_RUNS), (1e-6, 2.0, WARM_UP_RUNS, MOST_RUNS),
    (0.1, 0.0, 1, FEWEST_RUNS),
])
def test_runs_fill_the_limit(
    clock: Callable[[float], None], each: float, limit: float, warm: int, counted: int
) -> None:
    calls = 0

    def run() -> tuple[float]:
        nonlocal calls
        calls += 1
        clock(each)
        return (each,)

    (spread,) = measure(run, limit)
    assert abs(calls - warm - counted) <= 1 and abs(spread.runs - counted) <= 1
    assert spread.median_seconds == pytest.approx(each)


def test_first_runs_do_not_count_and_several_times_are_kept_apart() -> None:
    times = iter([(9.0, 1.0)] * WARM_UP_RUNS + [(float(i), 5.0) for i in range(MOST_RUNS)])
    device, host = measure(lambda: next(times), 60.0)
    assert device == Spread.of([float(i) for i in range(MOST_RUNS)])
    assert (device.median_seconds, device.p10_seconds, device.p90_seconds) == pytest.approx((499.5, 99.9, 899.1))
    assert host == Spread(5.0, 5.0, 5.0, MOST_RUNS)


def test_wall_time(clock: Callable[[float], None]) -> None:
    assert wall(lambda: clock(0.25))() == (0.25,)
