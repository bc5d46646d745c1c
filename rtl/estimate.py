"""How long a build and a simulation of the RTL will take, before they begin.

Both depend on the array more than on anything else: a cycle evaluates every processing element, and from 64x64 on the
model no longer fits the processor's caches. The model is a table of measurements by the number of processing elements;
between them, and beyond them by the nearest two, logarithms are taken to go in straight lines.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

from machine.config import Machine

WORTH_A_REMARK_SECONDS = 60.0
"""Whoever waits longer than this is told before."""
SLOW_CYCLES_PER_SECOND = 100_000
"""A machine that is slower is worth a remark even where the length of the program is not known."""


@dataclass(frozen=True)
class Measured:
    """What an array took, on one core.

    Attributes:
        elements: processing elements, rows x columns.
        build_seconds: time of Verilator and of the C++ compiler.
        cycles_per_second: simulated cycles in a second of CPU time.
    """

    elements: int
    build_seconds: float
    cycles_per_second: float


MEASURED = (
    Measured(64, 3, 3_000_000),
    Measured(256, 6, 490_000),
    Measured(1_024, 25, 200_000),
    Measured(4_096, 130, 17_000),
    Measured(16_384, 676, 2_800),
)
"""Rates of 16x16 and 32x32: edge16 and edge32 whole, with `python -m benchmarks.cosimulation`, 27 November 2026, one
core of an AMD EPYC, Verilator 5.48, g++ 12. All else was measured before on the same kind of computer with the array,
its memories and a sequencer alone, so a whole machine's build takes longer. The 128x128 build was not measured: it
continues the line of the two builds before it. `python -m benchmarks.rtl_builds` measures whole machines."""


@dataclass(frozen=True)
class Estimate:
    """What to expect of a machine on one core like that of `MEASURED`.

    Attributes:
        build_seconds: CPU time of the build.
        cycles_per_second: simulated cycles in a second.
    """

    build_seconds: float
    cycles_per_second: float


def estimate(machine: Machine) -> Estimate:
    """Return what to expect of a machine."""
    elements = machine.rows * machine.columns
    return Estimate(_line(elements, "build_seconds"), _line(elements, "cycles_per_second"))


def warning(machine: Machine, is_built: bool, cycles: int | None) -> str | None:
    """Return the line that says how long a run will take; None where that is too short to be worth one.

    Args:
        machine: what is simulated.
        is_built: it need not be built any more.
        cycles: simulated cycles of the run, None where they are not known.
    """
    expected = estimate(machine)
    build_seconds = 0.0 if is_built else expected.build_seconds
    run_seconds = (cycles or 0) / expected.cycles_per_second
    slow = cycles is None and expected.cycles_per_second < SLOW_CYCLES_PER_SECOND
    if not slow and build_seconds + run_seconds < WORTH_A_REMARK_SECONDS:
        return None
    build = "" if is_built else f"the build takes about {duration(build_seconds)} of CPU time, once; "
    rate = f"about {expected.cycles_per_second:,.0f} cycles a second"
    if cycles is None:
        return f"RTL of {machine.rows}x{machine.columns}: {build}it simulates {rate}"
    return (f"RTL of {machine.rows}x{machine.columns}: {build}its {cycles:,} cycles take about "
            f"{duration(run_seconds)} ({rate})")


def duration(seconds: float) -> str:
    """Return a time to two digits or so: seconds below two minutes, minutes below two hours, then hours, then days."""
    for unit_seconds, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * unit_seconds:
            return f"{seconds / unit_seconds:.0f} {name}"
    return f"{seconds:.0f} seconds"


def _line(elements: int, name: str) -> float:
    """Return where the line through the two nearest measurements is at a number of elements, on logarithmic axes."""
    pairs = list(pairwise(MEASURED))
    low, high = next((pair for pair in pairs if elements <= pair[1].elements), pairs[-1])
    part = math.log(elements / low.elements) / math.log(high.elements / low.elements)
    first, second = float(getattr(low, name)), float(getattr(high, name))
    return float(first * (second / first) ** part)
