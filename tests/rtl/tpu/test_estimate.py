"""Estimates: they meet the measurements, grow with the array, and are said before a long run and only then."""

from __future__ import annotations

import dataclasses
from itertools import pairwise

import numpy as np
import pytest

from machine.config import load_machine
from machine.errors import ToolError
from machine.progress import listening
from rtl import run as run_module
from rtl.estimate import MEASURED, duration, estimate, warning
from rtl.run import RtlRun, run_programs
from tests.machine.test_progress import Heard

EDGE16, TPU = load_machine("edge16"), load_machine("tpu_v1")


def test_a_measured_array_takes_what_was_measured() -> None:
    (measured,) = [row for row in MEASURED if row.elements == 256]
    expected = estimate(EDGE16)
    assert expected.build_seconds == pytest.approx(measured.build_seconds)
    assert expected.cycles_per_second == pytest.approx(measured.cycles_per_second)


def test_between_two_and_beyond_the_last_lines_go_on() -> None:
    before, last = MEASURED[-2:]
    assert last.elements == 4 * before.elements == 128 * 128
    assert estimate(TPU).build_seconds == pytest.approx(last.build_seconds**2 / before.build_seconds)
    wide = estimate(dataclasses.replace(EDGE16, rows=16, columns=32))
    low, high = MEASURED[1:3]
    assert wide.cycles_per_second == pytest.approx((low.cycles_per_second * high.cycles_per_second) ** 0.5)


def test_measurements_are_in_order() -> None:
    for low, high in pairwise(MEASURED):
        assert low.elements < high.elements
        assert low.build_seconds < high.build_seconds and low.cycles_per_second > high.cycles_per_second


@pytest.mark.parametrize(("seconds", "text"), [
    (3.4, "3 seconds"), (119, "119 seconds"), (120, "2 minutes"), (7_000, "117 minutes"), (7_200, "2 hours"),
    (200_000, "2 days"),
])
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_short_runs_are_not_announced() -> None:
    assert warning(EDGE16, False, 2_000_000) is None
    assert warning(EDGE16, False, None) is None


def test_what_is_announced_of_a_long_run() -> None:
    expected = estimate(TPU)
    rate = f"about {expected.cycles_per_second:,.0f} cycles a second"
    build = f"the build takes about {duration(expected.build_seconds)} of CPU time, once; "
    took = duration(1_000_000 / expected.cycles_per_second)
    assert warning(TPU, True, 1_000_000) == f"RTL of 256x256: its 1,000,000 cycles take about {took} ({rate})"
    assert warning(TPU, False, 1_000_000) == (
        f"RTL of 256x256: {build}its 1,000,000 cycles take about {took} ({rate})"
    )
    assert warning(TPU, False, None) == f"RTL of 256x256: {build}it simulates {rate}"


def test_it_is_said_before_the_build(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = Heard()

    def refuse(*_: object) -> None:
        heard.events.append(("build",))
        raise ToolError("no tools")

    monkeypatch.setattr(run_module, "build", refuse)
    runs = [RtlRun(np.zeros(64, np.uint8), 0, 1, 64, expected_cycles=cycles) for cycles in (1_000_000, 2_000_000)]
    with listening(heard), pytest.raises(ToolError):
        run_programs(TPU, runs)
    said, built = heard.events
    assert said[0] == "remark" and "3,000,000 cycles" in str(said[1]) and built == ("build",)
