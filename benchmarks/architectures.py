"""Nine published architectures, compiled and run: one image each, every output byte compared with the reference.

`python -m benchmarks.architectures [--machine edge16] [--json FILE] [--golden] [NAME ...]`; names are those of
`benchmarks/light_models.py`, where the models come from. Each is measured in a process of its own, so that memory is
its own. The command fails where a byte differs from the reference, or where the cycles on `edge16` are not those in
`tests/golden/architectures.json`; `--golden` writes that file instead. Weights are random, so the noise against float
says that the import is right, and nothing about accuracy.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import resource
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from benchmarks.light_models import ARCHITECTURES, light_model
from benchmarks.networks import compile_random, random_inputs
from machine.config import load_machine
from machine.program import Program
from runtime.check import CheckResult, check_program
from runtime.cli.output import print_table, say
from runtime.session import Session
from runtime.timing import prepare_simulator

GOLDEN = Path(__file__).resolve().parent.parent / "tests/golden/architectures.json"
GOLDEN_MACHINE = "edge16"
IMAGE_SEED = 3

Value = TypeVar("Value")


@dataclass(frozen=True)
class Row:
    """What one architecture took; seconds are wall seconds but for those named CPU, memory is the process's peak."""

    name: str
    machine: str
    macs: int
    parameters: int
    instructions: int
    cycles: int
    bound_cycles: int
    utilization: float
    operators: dict[str, dict[str, int]]
    compile_seconds: float
    compile_cpu_seconds: float
    compile_mebibytes: float
    function_seconds: float
    function_cpu_seconds: float
    time_seconds: float
    time_cpu_seconds: float
    mebibytes: float
    values_compared: int
    values_different: int
    sqnr_db: float


def measure(name: str, machine_name: str) -> Row:
    """Compile one architecture, run one image, and compare it with the reference and with float."""
    model = light_model(name)
    program, compile_seconds, compile_cpu = _timed(lambda: compile_random(load_machine(machine_name), model, name))
    compile_mebibytes = _peak_mebibytes()
    session, inputs = Session(program), random_inputs(model, 1, IMAGE_SEED)
    prepare_simulator()
    _, function_seconds, function_cpu = _timed(lambda: session.run(inputs, with_time=False))
    timing, time_seconds, time_cpu = _timed(lambda: session.run(with_function=False))
    mebibytes = _peak_mebibytes()
    check = check_program(session, inputs)
    assert timing.cycles is not None and timing.utilization is not None
    return Row(
        name, machine_name, program.macs, sum(node.parameters for node in program.nodes), len(program.instructions),
        timing.cycles, program.bound_cycles, timing.utilization, operators_by_placement(program), compile_seconds,
        compile_cpu, compile_mebibytes, function_seconds, function_cpu, time_seconds, time_cpu, mebibytes,
        sum(bits.values for bits in check.bits), sum(bits.different for bits in check.bits), noise_of_result(check),
    )


def operators_by_placement(program: Program) -> dict[str, dict[str, int]]:
    """Return how many operators of the compiled graph are on each side, by operator; fused ones count one by one."""
    counts: dict[str, Counter[str]] = {}
    for node in program.nodes:
        counts.setdefault(node.placement, Counter()).update(node.operator.split("+"))
    return {placement: dict(sorted(operators.items())) for placement, operators in sorted(counts.items())}


def noise_of_result(check: CheckResult) -> float:
    """Return the signal to quantization noise ratio (dB) of the last int8 tensor, which a softmax may follow."""
    return check.layers[-1].ratio.decibels


def _timed(work: Callable[[], Value]) -> tuple[Value, float, float]:
    """Return what a function returns, its wall seconds and its CPU seconds."""
    wall, cpu = time.perf_counter(), time.process_time()
    value = work()
    return value, time.perf_counter() - wall, time.process_time() - cpu


def _peak_mebibytes() -> float:
    """Return the most memory that this process has held, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_apart(names: Sequence[str], machine_name: str) -> list[Row]:
    """Measure each architecture in a process of its own, one after the other."""
    rows = []
    context = multiprocessing.get_context("spawn")
    for name in names:
        with ProcessPoolExecutor(1, context) as pool:
            rows.append(pool.submit(measure, name, machine_name).result())
        say(f"{name}: {rows[-1].cycles:,} cycles")
    return rows


def problems(rows: Sequence[Row], golden: dict[str, int]) -> list[str]:
    """Return a line for each row that differs from the reference, or from the golden cycles where it has some."""
    found = [
        f"{row.name}: {row.values_different:,} of {row.values_compared:,} values differ from the reference"
        for row in rows
        if row.values_different
    ]
    return found + [
        f"{row.name}: {row.cycles:,} cycles, golden are {golden[row.name]:,}"
        for row in rows
        if row.machine == GOLDEN_MACHINE and golden.get(row.name, row.cycles) != row.cycles
    ]


def print_rows(rows: Sequence[Row]) -> None:
    """Print the tables: cycles and what it took, then operators by placement."""
    columns = [
        "architecture", "MACs", "cycles", "bound", "utilization", "compile (s)", "CPU", "MiB", "function (s)", "CPU",
        "time (s)", "CPU", "MiB", "values", "different", "SQNR (dB)",
    ]
    print_table("", columns, [
        [
            row.name, f"{row.macs:,}", f"{row.cycles:,}", f"{row.bound_cycles:,}", f"{row.utilization:.1%}",
            *(f"{seconds:.1f}" for seconds in (row.compile_seconds, row.compile_cpu_seconds)),
            f"{row.compile_mebibytes:,.0f}",
            *(f"{seconds:.1f}" for seconds in (row.function_seconds, row.function_cpu_seconds)),
            *(f"{seconds:.1f}" for seconds in (row.time_seconds, row.time_cpu_seconds)),
            f"{row.mebibytes:,.0f}", f"{row.values_compared:,}", f"{row.values_different:,}", f"{row.sqnr_db:.1f}",
        ]
        for row in rows
    ])
    for row in rows:
        sides = (
            f"{placement} {', '.join(f'{count} {operator}' for operator, count in operators.items())}"
            for placement, operators in row.operators.items()
        )
        say(f"{row.name}: {'; '.join(sides)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure the architectures named, print the tables, and return 1 where something is not as it must be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.architectures", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=list(ARCHITECTURES), metavar="NAME", help=", ".join(ARCHITECTURES))
    parser.add_argument("--machine", default=GOLDEN_MACHINE, help="machine name or TOML file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--golden", action="store_true", help=f"write the cycles to {GOLDEN.name} (not compared)")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in ARCHITECTURES]
    if unknown:
        parser.error(f"no architecture {unknown[0]!r}; there are {', '.join(ARCHITECTURES)}")
    golden: dict[str, int] = json.loads(GOLDEN.read_text()) if GOLDEN.exists() else {}
    rows = measure_apart(options.names, options.machine)
    print_rows(rows)
    if options.json is not None:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    if options.golden and options.machine == GOLDEN_MACHINE:
        golden |= {row.name: row.cycles for row in rows}
        GOLDEN.write_text(json.dumps(golden, indent=2, sort_keys=True) + "\n")
    found = problems(rows, golden)
    for line in found:
        say(f"problem: {line}")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
