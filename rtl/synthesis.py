"""Synthesises the machine for an FPGA with Yosys: `python -m rtl.synthesis nano4` prints a table of cells."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from machine.config import Machine, load_machine, machine_names
from machine.errors import TpukitError
from rtl.sources import board_sources, design_parameters, design_sources
from rtl.yosys import SOFT_MULTIPLIERS, yosys

REPORT = "cells.json"
DSP_CELLS = ("MULT18X18D",)
BLOCK_RAM_CELLS = ("DP16KD", "PDPW16KD")
NO_CELLS = ("$scopeinfo", "$check", "$print")
"""What the count shows beside hardware: marks of the source's scopes, assertions, messages."""
LATCH_CELLS = ("$_DLATCH_P_", "$_DLATCH_N_", "DLATCH", "LATCH")


@dataclass(frozen=True)
class Synthesis:
    """What a module of the design became: cells of each kind (ECP5 primitives), those of its children included."""

    machine: Machine
    top: str
    cells: dict[str, int]

    def count(self, *kinds: str) -> int:
        """Return how many cells are of one of the kinds."""
        return sum(self.cells.get(kind, 0) for kind in kinds)

    @property
    def multipliers(self) -> int:
        """18x18 multipliers."""
        return self.count(*DSP_CELLS)

    @property
    def block_rams(self) -> int:
        """Block RAMs of 16 Kibit."""
        return self.count(*BLOCK_RAM_CELLS)

    @property
    def latches(self) -> int:
        """Latches; a synchronous design has none."""
        return sum(number for kind, number in self.cells.items() if kind in LATCH_CELLS or "DLATCH" in kind)

    def broken_rules(self) -> list[str]:
        """Return a line for each expectation that the result does not meet."""
        broken = []
        elements = self.machine.rows * self.machine.columns
        if self.multipliers < elements:
            broken.append(f"{self.multipliers} hardware multipliers for {elements} processing elements")
        if self.block_rams < self.machine.scratchpad_banks:
            broken.append(f"{self.block_rams} block RAMs for {self.machine.scratchpad_banks} scratchpad banks")
        if self.latches:
            broken.append(f"{self.latches} latches")
        return broken

    def table(self) -> str:
        """Return the cells as lines, most frequent first."""
        width = max(map(len, self.cells), default=0)
        ordered = sorted(self.cells.items(), key=lambda item: (-item[1], item[0]))
        return "\n".join(f"{kind:<{width}}  {number:>8,}" for kind, number in ordered)


def synthesise(machine: Machine, top: str = "tpu", parameters: Mapping[str, int] | None = None) -> Synthesis:
    """Synthesise a module for the ECP5 family and return its cells.

    Args:
        machine: the machine whose parameters the module gets.
        top: name of the module.
        parameters: the module's parameters where they are not those of `tpu`.

    Raises:
        ToolError: Yosys is not installed, or does not accept the design.
    """
    values = design_parameters(machine) if parameters is None else parameters
    commands = [
        *(f"chparam -set {key} {value} {top}" for key, value in values.items()),
        f"hierarchy -top {top}",
        *SOFT_MULTIPLIERS,
        "synth_ecp5",
        f"tee -q -o {REPORT} stat -json",
    ]
    with yosys(design_sources(), commands, f"synthesis of {machine.name}") as folder:
        cells = json.loads((folder / REPORT).read_text())["design"]["num_cells_by_type"]
    return Synthesis(machine, top, {kind: int(number) for kind, number in cells.items() if kind not in NO_CELLS})


def check_board(machine: Machine) -> None:
    """Let Yosys elaborate the wrapper for boards with a machine, as every synthesis with it begins.

    Raises:
        ToolError: Yosys is not installed, does not accept the design, or finds a net with several drivers, with none,
            or a loop of logic.
    """
    commands = [
        *(f"chparam -set {key} {value} tpu_axi" for key, value in design_parameters(machine).items()),
        "hierarchy -check -top tpu_axi",
        "proc",
        "opt_clean",
        "check -assert",
    ]
    with yosys(board_sources(), commands, f"elaboration of {machine.name} for a board"):
        pass


def count_generic(machine: Machine) -> dict[str, int]:
    """Return the machine's word-level cells of no family by kind, with the bits of its flip-flops and memories.

    Raises:
        ToolError: Yosys is not installed, or does not accept the design.
    """
    commands = [
        *(f"chparam -set {key} {value} tpu" for key, value in design_parameters(machine).items()),
        "hierarchy -check -top tpu", "proc", "flatten", "opt", "memory -nomap", "opt_clean", f"write_json {REPORT}",
    ]  # fmt: skip
    with yosys(design_sources(), commands, f"generic synthesis of {machine.name}") as folder:
        cells = json.loads((folder / REPORT).read_text())["modules"]["tpu"]["cells"].values()
    kinds = Counter(cell["type"].removeprefix("$") for cell in cells if cell["type"] not in NO_CELLS)
    kinds["flip-flop bits"] = sum(len(cell["connections"]["Q"]) for cell in cells if "Q" in cell["connections"])
    kinds["memory bits"] = sum(
        int(cell["parameters"]["WIDTH"], 2) * int(cell["parameters"]["SIZE"], 2)
        for cell in cells if cell["type"] == "$mem_v2"
    )
    return dict(kinds)


def main() -> int:
    """Synthesise a machine, print its cells and what is wrong with them, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("machine", help=f"{', '.join(machine_names())}, or the path of a .toml file")
    parser.add_argument("--generic", action="store_true", help="count word-level cells of no family")
    arguments = parser.parse_args()
    try:
        machine = load_machine(arguments.machine)
        if arguments.generic:
            print(Synthesis(machine, "tpu", count_generic(machine)).table())
            return 0
        result = synthesise(machine)
    except TpukitError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(result.table())
    broken = result.broken_rules()
    for line in broken:
        print(f"error: {line}", file=sys.stderr)
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main())
