"""What `tpukit compile` says of each layer (placement, work, bytes, tiles, bound, expected cycles) and the totals."""

from __future__ import annotations

from typing import Any

from machine.program import NodeRecord, Program
from runtime.cli.output import print_table, say


def layers_report(program: Program) -> dict[str, Any]:
    """Return the stable JSON keys: the nodes, host operators included, and the totals."""
    expected = expected_cycles(program)
    return {
        "nodes": [
            {**vars(node), "bound": node.bound, "bound_cycles": node.bound_cycles} for node in program.nodes
        ],
        "parameters": sum(node.parameters for node in program.nodes),
        "read_bytes": sum(node.read_bytes for node in program.nodes),
        "write_bytes": sum(node.write_bytes for node in program.nodes),
        "bound_cycles": program.bound_cycles,
        "expected_cycles": expected,
        "expected_utilization": expected_utilization(program),
    }


def expected_cycles(program: Program) -> int:
    """Return the sum of the layers' expected cycles: what the program takes if no two layers overlap."""
    return sum(node.expected_cycles for node in program.nodes)


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


def _row(node: NodeRecord) -> list[str]:
    """Return a node's cells; what does not apply to the host is a dash."""
    cells = [node.name, node.operator, node.placement]
    if node.placement != "accelerator":
        return [*cells, *["-"] * 7]
    tile = " x ".join(str(extent) for extent in node.tile)
    return [
        *cells, f"{node.macs:,}", f"{node.parameters:,}", f"{node.read_bytes:,}", f"{node.write_bytes:,}",
        f"{node.tiles:,} of {tile}", f"{node.bound_cycles:,} {node.bound}".rstrip(), f"{node.expected_cycles:,}",
    ]
