"""Lints the Verilog: `python -m rtl.lint`. Verilator with all warnings for each machine, and Icarus if it is there."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from machine.config import Machine, load_machine, machine_names
from machine.errors import TpukitError
from rtl.build import tool_environment, verilator_executable
from rtl.processes import run_tool
from rtl.sources import (
    TESTBENCH,
    bench_parameters,
    bench_sources,
    board_sources,
    design_parameters,
    design_sources,
)

LARGEST_ROWS = 32
"""Machines beyond this have no RTL of their own (docs/timing.md is tested on smaller ones)."""
LINT_MEMORY_BYTES = 1 << 20
ICARUS_SILENT = ("sorry: constant selects in always_* processes are not currently supported",)
"""Notes of Icarus that change nothing: the process is then sensitive to more than it needs."""


def linted_machines() -> list[Machine]:
    """Return the named machines whose RTL is linted."""
    machines = map(load_machine, machine_names())
    return [machine for machine in machines if max(machine.rows, machine.columns) <= LARGEST_ROWS]


def verilator_messages(machine: Machine, *, with_testbench: bool = True) -> str:
    """Return what Verilator's lint says about a machine; empty if it is clean.

    Raises:
        ToolError: no Verilator.
    """
    if with_testbench:
        return _verilator("testbench", bench_sources(), bench_parameters(machine, LINT_MEMORY_BYTES))
    return _verilator("tpu", design_sources(), design_parameters(machine))


def board_messages(machine: Machine, **parameters: int) -> str:
    """Return what Verilator's lint says about the wrapper for boards, its top read as plain Verilog; empty if clean.

    Args:
        machine: the machine in the wrapper.
        parameters: those of the wrapper's own parameters that are not to have their defaults.

    Raises:
        ToolError: no Verilator.
    """
    return _verilator("tpu_axi", ["+1364-2001ext+v", *board_sources()], design_parameters(machine) | parameters)


def _verilator(top: str, sources: Sequence[str | Path], parameters: Mapping[str, int]) -> str:
    values = [f"-G{name}={value}" for name, value in parameters.items()]
    result = run_tool(
        [verilator_executable(), "--lint-only", "-Wall", "--top-module", top, *values, *sources],
        environment=tool_environment(),
    )
    return result.stdout.strip() if result.returncode else ""


def icarus_messages(top: str, sources: Sequence[Path]) -> str:
    """Return what Icarus says about a top in its sources; empty if it accepts it or is not installed."""
    if shutil.which("iverilog") is None:
        return ""
    result = run_tool(["iverilog", "-g2012", "-t", "null", "-s", top, *sources])
    lines = [line for line in result.stdout.splitlines() if not any(note in line for note in ICARUS_SILENT)]
    return "\n".join(lines)


def _findings() -> Iterator[tuple[str, str]]:
    for machine in linted_machines():
        yield f"verilator, {machine.name}", verilator_messages(machine)
        yield f"verilator, {machine.name} for a board", board_messages(machine)
    yield "icarus", icarus_messages("testbench_clock", [*bench_sources(), TESTBENCH / "testbench_clock.sv"])
    yield "icarus, for a board", icarus_messages("tpu_axi", board_sources())


def main() -> int:
    """Lint everything, print what was found and return the exit code."""
    failed = False
    try:
        for what, messages in _findings():
            print(f"{what}: {'clean' if not messages else 'not clean'}")
            if messages:
                failed = True
                print(messages)
    except TpukitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
