"""How fast is the simulator beside the Verilated machine? The same programs on all, in one run.

`python -m benchmarks.simulator_speed [--machine edge16] [--networks NAME ...] [--json FILE]` prints simulated cycles a
second of CPU time of the events kernel and of the per-cycle stepper (both JIT compiled before; decoding included) and
of the Verilated RTL (C++ main, -O3, no waves; built before; its cycles alone), the median of several runs, and checks
on the way that all count the same cycles. Networks, by the names of `benchmarks/networks.py`, are run once on the RTL.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from accel_sim.time import Clock
from benchmarks.networks import NETWORKS, compile_convolution, compile_random
from machine.config import Machine, load_machine
from machine.program import Program
from runtime.cli.output import print_table
from runtime.demo import compile_digits
from runtime.rtl import run_on_rtl
from runtime.session import Session
from runtime.timing import prepare_simulator, segment_time

REPETITIONS = 5
COLUMNS = ("program", "cycles", "events", "stepper", "RTL", "x stepper", "x RTL")


@dataclass(frozen=True)
class Row:
    """Median CPU seconds of one program; the RTL's are those of its cycles, without reading and writing the memory."""

    program: str
    machine: str
    cycles: int
    events_seconds: float
    stepper_seconds: float
    rtl_seconds: float


def measure(run: Callable[[], int], repetitions: int) -> tuple[int, float]:
    """Return the cycles that a run counts and the median of its CPU time in seconds."""
    seconds, cycles = [], 0
    for _ in range(repetitions):
        begin = time.process_time()
        cycles = run()
        seconds.append(time.process_time() - begin)
    return cycles, statistics.median(seconds)


def compare(program: Program, repetitions: int) -> Row:
    """Measure one program on all three.

    Raises:
        AssertionError: they do not count the same cycles.
    """

    (segment,) = program.segments

    def cycles_of(clock: Clock) -> int:
        return segment_time(program, segment, clock=clock).cycles

    cycles, events = measure(lambda: cycles_of(Clock.EVENTS), REPETITIONS)
    stepped, stepper = measure(lambda: cycles_of(Clock.STEPPER), repetitions)
    memory = Session(program).blank_image()
    runs = [run_on_rtl(program, segment, memory) for _ in range(repetitions)]
    counted = [cycles, stepped, *(run.cycles for run in runs)]
    if len(set(counted)) > 1:
        raise AssertionError(f"{program.source}: cycles of events, stepper and RTL runs are {counted}")
    rtl = statistics.median(run.cycle_seconds for run in runs)
    return Row(program.source, program.machine.name, cycles, events, stepper, rtl)


def rows(machine: Machine, networks: Sequence[str]) -> Iterator[Row]:
    """Measure the digits network, two convolutions of ResNet-50, and whole networks."""
    yield compare(compile_digits(machine), REPETITIONS)
    yield compare(compile_convolution(machine, 64, 56, 64, 3), REPETITIONS)
    yield compare(compile_convolution(machine, 256, 14, 1024, 1), REPETITIONS)
    for name in networks:
        yield compare(compile_random(machine, NETWORKS[name](), name), 1)


def cells(row: Row) -> tuple[str, ...]:
    """Return what the table says of one program: how fast each is, and how many times as fast the events kernel is."""
    seconds = (row.events_seconds, row.stepper_seconds, row.rtl_seconds)
    return (row.program, f"{row.cycles:,}", *(f"{row.cycles / taken / 1e6:.2f}" for taken in seconds),
            *(f"{taken / row.events_seconds:.1f}" for taken in seconds[1:]))


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and write it as JSON where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulator_speed", description=__doc__.splitlines()[0])
    parser.add_argument("--machine", default="edge16", help="machine name or TOML file")
    parser.add_argument("--networks", nargs="*", default=[], choices=list(NETWORKS), metavar="NAME",
                        help=f"whole networks: {', '.join(NETWORKS)}")
    parser.add_argument("--json", type=Path, help="where the figures go")
    options = parser.parse_args(arguments)
    for clock in Clock:
        prepare_simulator(clock)
    measured = list(rows(load_machine(options.machine), options.networks))
    print_table(f"millions of simulated cycles a second, {options.machine}", COLUMNS, [cells(row) for row in measured])
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in measured], indent=2) + "\n")


if __name__ == "__main__":
    main()
