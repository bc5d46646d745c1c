"""Whole networks on the simulator and on the Verilated RTL, compared in everything that can be observed.

`python -m benchmarks.cosimulation [--machine edge16] [--models ../shared/models] [--json FILE] [--markdown] [NAME ...]`
compiles each network, runs one image on both machines and compares every byte of memory, the issue and retire cycle of
every instruction and every counter (`runtime/cosim.py`). It prints a line for each network as it ends, with the first
differences where there are any, then a table; any difference makes it fail. Images, and weights that do not come from a
model file, are seeded random numbers. Without names it takes the networks of fewer than two million cycles on edge16.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import onnx

from accel_sim.time import Clock
from benchmarks.light_models import ARCHITECTURES, light_model
from benchmarks.networks import mobilenet_v3_small_model
from benchmarks.shared_data import MODELS
from benchmarks.simulator_speed import REPETITIONS
from benchmarks.simulator_speed import measure as run_repeatedly
from compiler.quantizer.calibration import RandomCalibration
from examples.digits.data import model_path
from examples.networks.mobilenet_v2 import mobilenet_v2_model
from machine.config import Machine, load_machine
from machine.program import Program
from runtime.cli.output import print_table, say
from runtime.compile import compile_program
from runtime.cosim import CosimResult, cosimulate
from runtime.session import Session
from runtime.timing import prepare_simulator, program_times

CALIBRATION_SEED, IMAGE_SEED = 1, 3

FILES: Mapping[str, str] = {
    "mnist-8": "onnx_mnist/mnist-8.onnx",
    "cnn_mnist_pytorch": "onnx_mnist/cnn_mnist_pytorch.onnx",
    "opt-mnist": "onnx_mnist/opt-mnist.onnx",
    "yunet": "onnx_yunet/yunet_s_320_320.onnx",
    "ultraface": "onnx_ultraface/version-slim-320_simplified.onnx",
}
"""Networks of the models folder: their files in it."""
MADE: Mapping[str, Callable[[], onnx.ModelProto]] = {
    "mobilenet_v2": mobilenet_v2_model,
    "mobilenet_v3_small": mobilenet_v3_small_model,
    **{name: partial(light_model, name) for name in ARCHITECTURES},
}
"""Networks of random weights: what makes them."""
DIGITS = "digits"
NETWORKS = (DIGITS, *FILES, *MADE)
SHORT = (DIGITS, *FILES, "mobilenet_v3_small", "squeezenet")
"""Networks of fewer than two million cycles on edge16."""


@dataclass(frozen=True)
class Row:
    """The comparison of one network; seconds are CPU time, so that other work on the computer does not count.

    Attributes:
        cosim: what `tpukit cosim --json` prints; its simulator is the stepper, its seconds are wall time.
        events_cycles: cycles that the events kernel counts, which must be the RTL's too.
        events_seconds: what it takes, decoding and the accounts by layer included; the median of several runs.
        rtl_seconds: what the Verilated machine takes for its cycles, reading and writing the memory left out.
    """

    name: str
    machine: str
    macs: int
    compile_seconds: float
    cosim: CosimResult
    events_cycles: int
    events_seconds: float
    rtl_seconds: float

    @property
    def equal(self) -> bool:
        """Whether the stepper is equal to the RTL in everything, and the events kernel in its cycles."""
        return self.cosim.equal and self.events_cycles == self.cosim.cycles_rtl

    def to_dict(self) -> dict[str, Any]:
        """Return all fields as a JSON-able dictionary."""
        return vars(self) | {"cosim": self.cosim.to_dict()}


def compile_network(name: str, machine: Machine, models: Path) -> Program:
    """Compile a network by name, quantized with random samples.

    Raises:
        KeyError: no such network.
        ModelError: its file is not in the folder of models.
    """
    if name in MADE:
        model: str | bytes = MADE[name]().SerializeToString()
    else:
        model = str(model_path() if name == DIGITS else models / FILES[name])
    return compile_program(model, machine, RandomCalibration(CALIBRATION_SEED), source=name)


def measure(name: str, machine: Machine, models: Path) -> Row:
    """Compile a network and run one random image on both machines."""
    begin = time.process_time()
    session = Session(compile_network(name, machine, models))
    compiled = time.process_time()
    cycles, seconds = run_repeatedly(lambda: sum(time.cycles for time in program_times(session.program)), REPETITIONS)
    cosim = cosimulate(session, RandomCalibration(IMAGE_SEED).draw(session.graph))
    return Row(
        name, machine.name, session.program.macs, compiled - begin, cosim, cycles, seconds, cosim.cycle_seconds_rtl
    )


def print_row(row: Row) -> None:
    """Print what one network gave, with its first differences."""
    found = row.cosim
    say(f"{row.name}: {'equal' if row.equal else 'DIFFERENT'}, {found.cycles_rtl:,} cycles on the RTL, "
        f"{found.cycles_sim:,} of the stepper, {row.events_cycles:,} of the events kernel")
    for difference in row.cosim.differences:
        say(f"  {difference}")


COLUMNS = (
    "network", "MACs", "instructions", "cycles", "bytes", "different", "simulator (s)", "RTL (s)", "RTL cycles/s",
    "RTL / simulator",
)


def cells(row: Row) -> tuple[str, ...]:
    """Return what the table says of one network, in the order of `COLUMNS`."""
    found = row.cosim
    different = found.mismatched_instructions + found.mismatched_bytes + found.mismatched_counters
    return (
        row.name, f"{row.macs:,}", f"{found.instructions:,}", f"{found.cycles_rtl:,}", f"{found.bytes_compared:,}",
        f"{different:,}", f"{row.events_seconds:.3f}", f"{row.rtl_seconds:.2f}",
        f"{found.cycles_rtl / row.rtl_seconds:,.0f}", f"{row.rtl_seconds / row.events_seconds:,.0f}",
    )


def markdown(rows: Sequence[Row]) -> str:
    """Return the table as it stands in `docs/cosimulation.md`."""
    lines = [COLUMNS, ("---", *["---:"] * (len(COLUMNS) - 1)), *map(cells, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare the networks named, print what each gave, and return 1 where any differs."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cosimulation", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=SHORT, metavar="NAME", help=", ".join(NETWORKS))
    parser.add_argument("--machine", default="edge16", help="machine name or TOML file")
    parser.add_argument("--models", type=Path, default=MODELS, metavar="FOLDER", help="where model files lie")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--markdown", action="store_true", help="print the table as the documentation has it")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in NETWORKS]
    if unknown:
        parser.error(f"no network {unknown[0]!r}; there are {', '.join(NETWORKS)}")
    machine = load_machine(options.machine)
    for clock in Clock:
        prepare_simulator(clock)
    rows = []
    for name in options.names:
        rows.append(measure(name, machine, options.models))
        print_row(rows[-1])
        if options.json is not None:
            options.json.write_text(json.dumps([row.to_dict() for row in rows], indent=2) + "\n")
    if options.markdown:
        print(markdown(rows))
    else:
        print_table(f"simulator and RTL, {machine.name}", COLUMNS, [cells(row) for row in rows])
    return int(not all(row.equal for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
