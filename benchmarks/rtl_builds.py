"""What the RTL of each machine costs to build and to simulate: the measurements of `rtl/estimate.py`.

`python -m benchmarks.rtl_builds [--machines nano4 edge8 edge16 edge32] [--json FILE]` builds each machine in a cache of
its own that already holds Verilator's library, and runs a convolution on it; both in seconds of CPU time, so that other
work on the computer counts little.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.networks import compile_convolution
from machine.config import Machine, load_machine
from rtl.build import CACHE_VARIABLE, MEMORY_VARIANTS_BYTES, build
from runtime.cli.output import print_table
from runtime.rtl import run_on_rtl
from runtime.session import Session

MACHINES = ("nano4", "edge8", "edge16", "edge32")
FIRST = "nano4"
COLUMNS = ("machine", "elements", "build (CPU s)", "cycles", "cycles / CPU s")


@dataclass(frozen=True)
class Row:
    """A machine's costs; the seconds are CPU time."""

    machine: str
    elements: int
    build_seconds: float
    cycles: int
    cycles_per_second: float


@contextmanager
def empty_cache() -> Iterator[None]:
    """Build within the block into a folder that is empty before and gone behind it."""
    before = os.environ.get(CACHE_VARIABLE)
    with tempfile.TemporaryDirectory(prefix="tpukit_builds_") as folder:
        os.environ[CACHE_VARIABLE] = folder
        try:
            yield
        finally:
            del os.environ[CACHE_VARIABLE]
            if before is not None:
                os.environ[CACHE_VARIABLE] = before


def child_seconds() -> float:
    """Return the CPU time of all processes that have been started and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def measure(machine: Machine) -> Row:
    """Build a machine and run a convolution on it."""
    size = 28 if machine.rows < 16 else 56
    program = compile_convolution(machine, 64, size, 64, 3)
    begin = child_seconds()
    build(machine, memory_bytes=program.memory_bytes)
    built = child_seconds()
    result = run_on_rtl(program, program.segments[0], Session(program).blank_image())
    return Row(machine.name, machine.rows * machine.columns, built - begin, result.cycles,
               result.cycles / result.cycle_seconds)


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.rtl_builds", description=__doc__.splitlines()[0])
    parser.add_argument("--machines", nargs="+", default=MACHINES, metavar="MACHINE", help="names or TOML files")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args(arguments)
    machines = [load_machine(name) for name in options.machines]
    with empty_cache():
        build(load_machine(FIRST), memory_bytes=MEMORY_VARIANTS_BYTES[1])  # not measured: Verilator's library with it
        rows = []
        for machine in machines:
            rows.append(measure(machine))
            if options.json is not None:
                options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    print_table("builds of the RTL", COLUMNS, [
        (row.machine, f"{row.elements:,}", f"{row.build_seconds:.1f}", f"{row.cycles:,}",
         f"{row.cycles_per_second:,.0f}") for row in rows
    ])


if __name__ == "__main__":
    main()
