"""Cycle counts of compiled programs, kept in git: a change of the compiler or of the law shows as a change here.

`python -m benchmarks.golden_cycles` compiles the digits network for every named machine whose equality with the RTL is
claimed, assembles the example kernels for nano4, simulates the time of each program and writes
`tests/golden/cycles.json` (`tests/e2e/test_golden_cycles.py` holds it). On the same programs both models of time are
compared in `tests/accel_sim/events`, and the stepper with the RTL in `tests/cosim`.
"""

from __future__ import annotations

import json
from pathlib import Path

from machine.assembly import assemble
from machine.config import load_machine, machine_names
from machine.program import Program
from runtime.demo import compile_digits
from runtime.timing import program_times

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = ROOT / "tests/golden/cycles.json"
LARGEST_ARRAY = 32
"""Rows or columns of the largest machine whose equality with the RTL is claimed (DESIGN.md, contract 1)."""


def cycles(program: Program) -> int:
    """Return the cycles of one program."""
    return sum(timing.cycles for timing in program_times(program))


def programs() -> dict[str, dict[str, Program]]:
    """Return the programs by kind and name."""
    machines = [load_machine(name) for name in machine_names()]
    small = [machine for machine in machines if machine.block_bytes <= LARGEST_ARRAY]
    kernels = sorted((ROOT / "examples/kernels").glob("*.s"))
    return {
        "digits": {machine.name: compile_digits(machine) for machine in small},
        "kernels on nano4": {
            path.stem: assemble(path.read_text(), load_machine("nano4"), path.name) for path in kernels
        },
    }


def measure() -> dict[str, dict[str, int]]:
    """Return the cycles of the programs."""
    return {kind: {name: cycles(program) for name, program in made.items()} for kind, made in programs().items()}


if __name__ == "__main__":
    GOLDEN.write_text(json.dumps(measure(), indent=2) + "\n")
