"""What `tpukit compile` says of each layer (placement, work, bytes, tiles, bound, expected cycles) and the totals."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from compiler.graph import CONVERSIONS
from machine.program import NodeRecord, Program
from runtime.cli.output import print_table, say
from runtime.crossings import Crossing, Direction, crossings


def layers_report(program: Program) -> dict[str, Any]:
    """Return the stable JSON keys: the nodes, host operators included, the crossings, and the totals."""
    crossed = crossings(program)
    return {
        "nodes": [
            {**vars(node), "bound": node.bound, "bound_cycles": node.bound_cycles} for node in program.nodes
        ],
        "parameters": sum(node.parameters for node in program.nodes),
        "read_bytes": sum(node.read_bytes for node in program.nodes),
        "write_bytes": sum(node.write_bytes for node in program.nodes),
        "bound_cycles": program.bound_cycles,
        "expected_cycles": expected_cycles(program),
        "expected_utilization": expected_utilization(program),
        "host_expected_cycles": host_expected_cycles(program),
        "transfer_expected_cycles": sum(crossing.expected_cycles for crossing in crossed),
        "crossing_bytes": sum(crossing.size_bytes for crossing in crossed),
        "crossings": [crossing.to_dict() for crossing in crossed],
    }


def expected_cycles(program: Program) -> int:
    """Return the sum of the layers' expected cycles: what the accelerator takes if no two layers overlap."""
    return sum(node.expected_cycles for node in program.nodes if node.placement == "accelerator")


def host_expected_cycles(program: Program) -> int:
    """Return what the host's operators are expected to take in cycles of the accelerator, conversions not counted."""
    return sum(
        node.expected_cycles for node in program.nodes if node.placement == "host" and node.operator not in CONVERSIONS
    )


def expected_utilization(program: Program) -> float:
    """Return MACs / (rows x columns x expected cycles), 0 where nothing is expected."""
    machine, expected = program.machine, expected_cycles(program)
    return program.macs / (machine.rows * machine.columns * expected) if expected else 0.0


def print_layers_report(program: Program, output: str) -> None:
    """Print a line for each layer, why those on the host are there, and the totals."""
    columns = [
        "layer", "operator", "placement", "MACs", "parameters", "bytes read", "written", "tiles (h x w x planes)",
        "bound (cycles)", "expected",
    ]
    print_table("", columns, [_row(node) for node in program.nodes])
    for node in program.nodes:
        if node.reason:
            say(f"{node.name} ({node.operator}) is on the host: {node.reason}")
    read, written = (sum(getattr(node, name) for node in program.nodes) for name in ("read_bytes", "write_bytes"))
    say(
        f"{output}: {len(program.instructions):,} instructions for {program.machine.name}, {program.macs:,} MACs, "
        f"{read:,} bytes read, {written:,} written; bound {program.bound_cycles:,} cycles, expected "
        f"{expected_cycles(program):,} cycles ({expected_utilization(program):.1%} utilization), "
        f"{program.memory_bytes:,} bytes of memory"
    )
    print_crossings(program, crossings(program))


def print_crossings(program: Program, crossed: Sequence[Crossing]) -> None:
    """Print a line for each direction that tensors cross in, and what host and transfers are expected to take."""
    for direction in Direction:
        found = [crossing for crossing in crossed if crossing.direction is direction]
        if found:
            moved, cycles = sum(each.size_bytes for each in found), sum(each.expected_cycles for each in found)
            say(f"{direction}: {len(found):,} tensors, {moved:,} bytes, expected {cycles:,} cycles")
    transfers = sum(crossing.expected_cycles for crossing in crossed)
    say(
        f"the accelerator is expected to take {expected_cycles(program):,} cycles, the host's operators the time of "
        f"{host_expected_cycles(program):,}, transfers that of {transfers:,}"
    )


def _row(node: NodeRecord) -> list[str]:
    """Return a node's cells; what does not apply to the host is a dash."""
    cells = [node.name, node.operator, node.placement]
    if node.placement != "accelerator":
        return [*cells, *["-"] * 6, f"{node.expected_cycles:,}"]
    tile = " x ".join(str(extent) for extent in node.tile)
    return [
        *cells, f"{node.macs:,}", f"{node.parameters:,}", f"{node.read_bytes:,}", f"{node.write_bytes:,}",
        f"{node.tiles:,} of {tile}", f"{node.bound_cycles:,} {node.bound}".rstrip(), f"{node.expected_cycles:,}",
    ]
