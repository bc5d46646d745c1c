"""What each field of a machine file costs and brings: one changed at a time.

`python -m benchmarks.machine_fields [--networks digits mobilenet_v2 resnet50] [--page]` changes fields of edge16. Each
network is compiled again for each machine, from one quantized graph, and its time is simulated; nothing is estimated.
Bits are those of the memories in the Verilog. `python -m benchmarks.machine_fields --synthesis [--page]` changes fields
of nano4, and synthesises the Verilog for an FPGA (minutes each). `--page` keeps the figures in
`benchmarks/machine_fields.json` and writes the tables of `docs/machine-files.md` from it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.networks import NETWORKS, compile_random
from compiler.graph import Graph
from compiler.pipeline import compile_graph
from machine.config import (
    BURST_BYTES,
    STORE_BUFFERS,
    TABLE_BYTES,
    TABLE_COUNT,
    Machine,
    load_machine,
    parse_machine,
)
from machine.isa import ENGINE_OF, FORMATS, INSTRUCTION_BITS
from machine.program import Program
from machine.registers import Status
from rtl.synthesis import BLOCK_RAM_CELLS, DSP_CELLS, synthesise
from runtime.cli.output import say
from runtime.demo import compile_digits
from runtime.timing import program_times

ROOT = Path(__file__).resolve().parent.parent
FIGURES, PAGE = ROOT / "benchmarks/machine_fields.json", ROOT / "docs/machine-files.md"
BASE, SYNTHESISED = "edge16", "nano4"
DIGITS = "digits"
TITLES = {DIGITS: "digits", "mobilenet_v2": "MobileNetV2", "resnet50": "ResNet-50"}

CHANGES: tuple[dict[str, int], ...] = (
    {"rows": 8}, {"rows": 32},
    {"columns": 8}, {"columns": 32},
    {"scratchpad_bytes": 1 << 17}, {"scratchpad_bytes": 1 << 19},
    {"scratchpad_banks": 4}, {"scratchpad_banks": 16},
    {"accumulator_bytes": 1 << 15}, {"accumulator_bytes": 1 << 17},
    {"weight_fifo_tiles": 32},
    {"parameter_entries": 32}, {"parameter_entries": 128},
    {"load_buffer_bytes": 8192},
    {"bus_bytes": 8}, {"bus_bytes": 32},
    {"bus_rate_numerator": 1, "bus_rate_denominator": 2}, {"bus_rate_numerator": 3, "bus_rate_denominator": 4},
    {"read_latency_cycles": 50}, {"read_latency_cycles": 200},
    {"write_latency_cycles": 50}, {"write_latency_cycles": 200},
    {"memory_outstanding": 8}, {"memory_outstanding": 32},
    {"queue_depth": 4}, {"queue_depth": 16},
    {"fetch_buffer_instructions": 8}, {"fetch_buffer_instructions": 32},
    {"dram_banks": 4}, {"dram_banks": 8},
)
"""Half and twice of each field, where that is legal: the rate of the bus is two fields and at most one beat a cycle;
FIFO and load buffer are the smallest already. A DRAM is there or not, with the other fields at their defaults."""


SYNTHESIS_CHANGES: tuple[dict[str, int], ...] = ({"columns": 8}, {"scratchpad_banks": 4}, {"queue_depth": 4})
CELLS = {"look-up tables": ("LUT4",), "flip-flops": ("TRELLIS_FF",), "multipliers": DSP_CELLS,
         "block RAMs": BLOCK_RAM_CELLS, "distributed RAMs": ("TRELLIS_DPR16X4",)}
"""Cells of the ECP5 family that are counted, by what the table calls them."""

Figures = dict[str, Any]


@dataclass(frozen=True)
class Row:
    """One machine: what is changed (nothing: the base), its cost, and the cycles of each network on it."""

    changed: dict[str, int]
    memory_bits: int
    multipliers: int
    cycles: dict[str, int]


def memory_bits(machine: Machine) -> dict[str, int]:
    """Return the bits of each memory of a machine, as its Verilog has them."""
    queued = sum(FORMATS[opcode].used_bits for opcode in ENGINE_OF)
    lanes_and_record = 3 * 32 * (machine.columns + 4)
    return {
        "scratchpad": 8 * machine.scratchpad_bytes,
        "accumulators": 8 * machine.accumulator_bytes,
        "weight FIFO": 8 * machine.weight_fifo_tiles * machine.tile_bytes,
        "parameters": machine.parameter_entries * lanes_and_record,
        "tables": 8 * TABLE_COUNT * TABLE_BYTES,
        "load buffer": 8 * machine.load_buffer_bytes,
        "store buffers": 8 * STORE_BUFFERS * BURST_BYTES,
        "queues": machine.queue_depth * queued,
        "fetch buffer": machine.fetch_buffer_instructions * INSTRUCTION_BITS,
    }


def compile_network(name: str) -> Program:
    """Return a network compiled for the base: digits as trained, others with random weights."""
    machine = load_machine(BASE)
    return compile_digits(machine) if name == DIGITS else compile_random(machine, NETWORKS[name](), name)


def cycles_on(machine: Machine, program: Program) -> int:
    """Return the cycles of a network on another machine, compiled for it; what the host executes stays there."""
    assert program.graph is not None
    made = compile_graph(machine, Graph.from_dict(*program.graph), batch=program.batch)
    compiled = Program(machine, made.segments, made.memory, made.memory_bytes, made.nodes)
    times = list(program_times(compiled))
    assert all(time.status is Status.DONE for time in times)
    return sum(time.cycles for time in times)


def measure(names: Sequence[str]) -> list[Row]:
    """Return the base and each machine with one field changed, in the order of `CHANGES`."""
    base, changes = load_machine(BASE), ({}, *CHANGES)
    machines = [parse_machine(base.to_dict() | changed) for changed in changes]
    cycles: list[dict[str, int]] = [{} for _ in machines]
    for name in names:
        program = compile_network(name)
        for machine, changed, found in zip(machines, changes, cycles, strict=True):
            found[name] = cycles_on(machine, program)
            say(f"{name}, {describe(base, changed)}: {found[name]:,} cycles")
    return [
        Row(changed, sum(memory_bits(machine).values()), machine.rows * machine.columns, found)
        for machine, changed, found in zip(machines, changes, cycles, strict=True)
    ]


def describe(base: Machine, changed: dict[str, int]) -> str:
    """Return a change as text: the field, its value on the base and the other one."""
    if not changed:
        return base.name
    if "bus_rate_numerator" in changed:
        return "bus rate 1/1 to {bus_rate_numerator}/{bus_rate_denominator}".format(**changed)
    ((field, value),) = changed.items()
    return f"`{field}` {getattr(base, field):,} to {value:,}"


def synthesise_changes() -> list[Figures]:
    """Return the cells of the smallest machine and of it with one field changed."""
    base, rows = load_machine(SYNTHESISED), list[Figures]()
    for changed in ({}, *SYNTHESIS_CHANGES):
        result = synthesise(parse_machine(base.to_dict() | changed))
        rows.append({"changed": changed, "cells": {name: result.count(*kinds) for name, kinds in CELLS.items()}})
        say(f"{describe(base, changed)}: {rows[-1]['cells']}")
    return rows


def networks_table(rows: Sequence[Figures]) -> str:
    """Return the figures as a Markdown table: the base in full, the others in the difference to it."""
    base, first = load_machine(BASE), rows[0]
    names = list(first["cycles"])
    lines = [
        f"| change | memory (Kibit) | multipliers | {' | '.join(TITLES[name] for name in names)} |",
        "|---|---:|---:|" + "---:|" * len(names),
        f"| none (`{BASE}`) | {first['memory_bits'] / 1024:,.0f} | {first['multipliers']} | "
        + " | ".join(f"{first['cycles'][name]:,}" for name in names) + " |",
    ]
    for row in rows[1:]:
        bits, multipliers = row["memory_bits"] - first["memory_bits"], row["multipliers"] - first["multipliers"]
        cells = [f"{bits / 1024:+,.0f}" if bits else "", f"{multipliers:+}" if multipliers else ""]
        cells += [share(row["cycles"][name], first["cycles"][name]) for name in names]
        lines.append(f"| {describe(base, row['changed'])} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def share(value: int, base: int) -> str:
    """Return the difference to a base in percent; "0" where there is none at all."""
    return f"{value / base - 1:+.1%}" if value != base else "0"


def synthesis_table(rows: Sequence[Figures]) -> str:
    """Return the cells as a Markdown table: the base in full, the others in the difference to it."""
    base, first = load_machine(SYNTHESISED), rows[0]["cells"]
    lines = [f"| change | {' | '.join(first)} |", "|---|" + "---:|" * len(first),
             f"| none (`{SYNTHESISED}`) | " + " | ".join(f"{number:,}" for number in first.values()) + " |"]
    for row in rows[1:]:
        differences = (number - first[name] for name, number in row["cells"].items())
        cells = " | ".join(f"{difference:+,}" if difference else "0" for difference in differences)
        lines.append(f"| {describe(base, row['changed'])} | {cells} |")
    return "\n".join(lines) + "\n"


TABLES: dict[str, Callable[[Sequence[Figures]], str]] = {"networks": networks_table, "synthesis": synthesis_table}
"""The parts of the figures, and what makes a table of each."""


def with_tables(page: str, figures: Figures) -> str:
    """Return a page with the tables between its marks made from figures."""
    for part, rows in figures.items():
        begin, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->\n"
        before, _, rest = page.partition(begin)
        page = before + begin + TABLES[part](rows) + end + rest.partition(end)[2]
    return page


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the table, and write what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.machine_fields", description=__doc__.splitlines()[0])
    parser.add_argument("--networks", nargs="+", choices=list(TITLES), default=list(TITLES))
    parser.add_argument("--synthesis", action="store_true", help="synthesise instead of running networks")
    parser.add_argument("--page", action="store_true", help="keep the figures and write the documentation's tables")
    options = parser.parse_args(arguments)
    part = "synthesis" if options.synthesis else "networks"
    rows = synthesise_changes() if options.synthesis else [asdict(row) for row in measure(options.networks)]
    print(TABLES[part](rows))
    if options.page:
        figures = json.loads(FIGURES.read_text()) | {part: rows}
        FIGURES.write_text(json.dumps(figures, indent=1) + "\n")
        PAGE.write_text(with_tables(PAGE.read_text(), figures))


if __name__ == "__main__":
    main()
