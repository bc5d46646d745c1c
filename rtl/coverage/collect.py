"""The switch that has every Verilated build count what it reaches, and every run of one write its counts to a folder.

The switch is the variable `TPUKIT_RTL_COVERAGE` in the environment, because the builds are made below many kinds of
callers: the cocotb runner, the RTL backend, co-simulation.
"""

from __future__ import annotations

import os
import uuid
from pathlib import Path

VARIABLE = "TPUKIT_RTL_COVERAGE"
"""Its value is the folder to which each run adds a file; without it nothing is counted."""
SUFFIX = ".dat"
VERILATOR_ARGUMENTS = ("--coverage-line", "--coverage-toggle", "--coverage-user", "-Wno-UNOPTFLAT")
"""Verilator 5.48's `--coverage` means these and the coverage of state machines, in which it crashes. Its counters keep
it from splitting processes whose parts depend on each other in a circle, which costs speed and no more: the warning."""


def coverage_folder() -> Path | None:
    """Return the folder of counts, or None when nothing is to be counted."""
    value = os.environ.get(VARIABLE)
    return Path(value).absolute() if value else None


def build_arguments() -> tuple[str, ...]:
    """Return Verilator's arguments that make a build count, or none."""
    return VERILATOR_ARGUMENTS if coverage_folder() else ()


def run_arguments() -> tuple[str, ...]:
    """Return the plusargs with which a run writes its counts to a file of its own, or none."""
    folder = coverage_folder()
    return (f"+verilator+coverage+file+{folder / uuid.uuid4().hex}{SUFFIX}",) if folder else ()
