"""How fast is the simulator beside the Verilated machine? The same programs on both, in one run.

`python -m benchmarks.simulator_speed [--machine edge16] [--json FILE]` prints simulated cycles a second of the
per-cycle stepper (JIT compiled before) and of the Verilated RTL (C++ main, -O3, no waves; built before), the median
of several runs, and checks on the way that both count the same cycles.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.table import Table

from accel_sim.stepper import simulate_time
from benchmarks.networks import compile_convolution
from machine.config import Machine, load_machine
from machine.program import Program
from runtime.demo import compile_digits
from runtime.rtl import run_on_rtl
from runtime.session import Session

REPETITIONS = 5


def measure(run: Callable[[], int]) -> tuple[int, float]:
    """Return the cycles that a run counts and the median of its wall time in seconds, after one run to warm up."""
    cycles = run()
    seconds = []
    for _ in range(REPETITIONS):
        begin = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - begin)
    return cycles, statistics.median(seconds)


def compare(program: Program) -> dict[str, object]:
    """Measure one program on both; the RTL's time is that of its simulation, without starting the process."""
    cycles, stepper = measure(lambda: simulate_time(
        program.machine, program.code, memory_limit=program.memory_bytes).cycles)
    memory = Session(program).blank_image()
    runs = [run_on_rtl(program, memory) for _ in range(REPETITIONS)]
    rtl = statistics.median(run.seconds for run in runs)
    if any(run.cycles != cycles for run in runs):
        raise AssertionError(f"{program.source}: {cycles} cycles on the stepper, {runs[0].cycles} on the RTL")
    return {
        "program": program.source, "machine": program.machine.name, "cycles": cycles,
        "stepper_seconds": stepper, "rtl_seconds": rtl,
        "stepper_cycles_per_second": cycles / stepper, "rtl_cycles_per_second": cycles / rtl, "ratio": rtl / stepper,
    }


def programs(machine: Machine) -> list[Program]:
    """The digits network and two convolutions of ResNet-50."""
    return [
        compile_digits(machine),
        compile_convolution(machine, 64, 56, 64, 3),
        compile_convolution(machine, 256, 14, 1024, 1),
    ]


def main() -> None:
    """Print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--machine", default="edge16", help="machine name or TOML file")
    parser.add_argument("--json", type=Path, help="where the figures go")
    arguments = parser.parse_args()
    rows = [compare(program) for program in programs(load_machine(arguments.machine))]
    table = Table(title=f"simulated cycles a second, {arguments.machine}")
    for column in ("program", "cycles", "stepper", "Verilated RTL", "stepper / RTL"):
        table.add_column(column, justify="left" if column == "program" else "right")
    for row in rows:
        table.add_row(str(row["program"]), f"{row['cycles']:,}", f"{row['stepper_cycles_per_second']:,.0f}",
                      f"{row['rtl_cycles_per_second']:,.0f}", f"{row['ratio']:.1f}")
    Console().print(table)
    if arguments.json is not None:
        arguments.json.write_text(json.dumps(rows, indent=2) + "\n")


if __name__ == "__main__":
    main()
