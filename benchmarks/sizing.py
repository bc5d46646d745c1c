"""Is the machine sized right? Occupancy of every engine, port and bus for each layer of the networks that matter.

`python -m benchmarks.sizing [--machine edge16] [--json FILE]`. The figures come from the timing law and the tiling
model of `benchmarks/occupancy.py`, not from a simulator: they are what the compiler is measured against, not what it
reached. The command fails if a layer is limited by something that no layer should be limited by (`EXCEPTIONS` aside),
or if ResNet-50's convolutions on edge16 stay below `TARGET_UTILIZATION`.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks.layers import MATRIX_KINDS, NETWORKS, RESNET50_MACS, Kind, Layer
from benchmarks.occupancy import PLANNED_READS, Occupancy, Packing, occupancy, packing
from machine.config import Machine, load_machine

TARGET_MACHINE = "edge16"
TARGET_UTILIZATION = 0.945
"""What ResNet-50's 53 convolutions must reach together, as a share of the array's peak."""
MATRIX_LIMITS = frozenset({"matrix", "memory read", "memory write"})
EXCEPTIONS = {
    ("mobilenet_v2", "conv1"): "9 windows of 3 bytes for each position of an NCHW image: load writes one row a cycle",
}
"""Layers that may be limited by something else, and why."""


@dataclass(frozen=True)
class Row:
    """One layer of a network on one machine."""

    network: str
    layer: Layer
    machine: Machine
    occupancy: Occupancy

    @property
    def ideal_cycles(self) -> float:
        """MACs by the array's size."""
        return self.layer.macs / self.machine.tile_bytes

    @cached_property
    def expected_cycles(self) -> int:
        """Steady state, prologue and epilogue."""
        return self.occupancy.expected_cycles(self.machine)

    @cached_property
    def occupied(self) -> dict[str, int]:
        """Cycles that each engine and bus is occupied."""
        return self.occupancy.occupied(self.machine)

    @property
    def limit(self) -> str:
        """The engine or bus that is occupied longest."""
        return self.occupancy.limit(self.machine)

    @property
    def legal_limit(self) -> bool:
        """Whether a layer of this kind should be limited by what limits it."""
        legal = MATRIX_LIMITS if self.layer.kind in MATRIX_KINDS else MATRIX_LIMITS | {"vector"}
        return self.limit in legal

    def to_dict(self) -> dict[str, Any]:
        """Return what the JSON file says of the layer."""
        ports = self.occupancy.ports()
        banked = self.machine.scratchpad_banks * self.expected_cycles
        return {
            "name": self.layer.name,
            "kind": str(self.layer.kind),
            "macs": self.layer.macs,
            "ideal_cycles": self.ideal_cycles,
            "tile_rows_columns_blocks": list(self.occupancy.tile),
            "occupied_cycles": self.occupied,
            "port_accesses": ports,
            "scratchpad_read_share": ports["scratchpad read"] / banked,
            "scratchpad_write_share": ports["scratchpad write"] / banked,
            "load_segments": self.occupancy.load.segments,
            "passes": self.occupancy.passes,
            "instructions": self.occupancy.instructions,
            "accumulator_handoff_cycles": self.occupancy.handoff_cycles,
            "prologue_cycles": self.occupancy.prologue_cycles,
            "epilogue_cycles": self.occupancy.epilogue_cycles,
            "limit": self.limit,
            "expected_cycles": self.expected_cycles,
            "utilization": self.ideal_cycles / self.expected_cycles,
            "limit_utilization": self.occupied[self.limit] / self.expected_cycles,
        }


def network_rows(network: str, machine: Machine, packing_of_first: Packing | None = None) -> list[Row]:
    """Return the rows of a network's layers."""
    return [
        Row(network, layer, machine, occupancy(layer, machine, packing_of_first if layer.packed else None))
        for layer in NETWORKS[network]()
    ]


def utilization(rows: Sequence[Row]) -> float:
    """Share of the array's peak that these layers reach together, one after the other."""
    return sum(row.ideal_cycles for row in rows) / sum(row.expected_cycles for row in rows)


def convolutions(rows: Sequence[Row]) -> list[Row]:
    """Return the rows of the convolutions on the array."""
    return [row for row in rows if row.layer.kind is Kind.CONVOLUTION]


def totals(rows: Sequence[Row]) -> dict[str, Any]:
    """Return a network's totals, each layer alone, and the bound if layers overlapped without any loss."""
    machine = rows[0].machine
    sums = {name: sum(row.occupied[name] for row in rows) for name in rows[0].occupied}
    start = machine.read_latency_cycles + 7  # fetch grant, address, four beats, dispatch, issue
    expected = start + sum(row.expected_cycles for row in rows)
    ideal = sum(row.ideal_cycles for row in rows)
    ports = [row.occupancy.ports() for row in rows]
    return {
        "macs": sum(row.layer.macs for row in rows),
        "ideal_cycles": ideal,
        "occupied_cycles": sums,
        "port_accesses": {name: sum(entry[name] for entry in ports) for name in ports[0]},
        "prologue_cycles": sum(row.occupancy.prologue_cycles for row in rows),
        "epilogue_cycles": sum(row.occupancy.epilogue_cycles for row in rows),
        "limits": dict(Counter(row.limit for row in rows)),
        "instructions": sum(row.occupancy.instructions for row in rows),
        "expected_cycles": expected,
        "utilization": ideal / expected,
        "convolutions_utilization": utilization(convolutions(rows)) if convolutions(rows) else None,
        "limit_utilization": sum(row.occupied[row.limit] for row in rows) / expected,
        "overlapped_bound_cycles": max(sums.values()),
        "overlapped_bound": max(sums, key=lambda name: sums[name]),
    }


def first_layer_alternatives(network: str, machine: Machine) -> list[dict[str, Any]]:
    """Return what the first layer costs, best first: input order, and the fewest windows for each number of tiles."""
    layer = NETWORKS[network]()[0]
    found = []
    for order in ("nchw", "nhwc"):
        fewest: dict[int, tuple[int, int]] = {}
        for useful in range(machine.rows, machine.rows // 2 - 1, -1):
            pack = packing(layer, useful, channels_last=order == "nhwc")
            choice = (pack.windows, useful)
            fewest[pack.tiles] = min(choice, fewest.get(pack.tiles, choice))
        for tiles, (windows, useful) in fewest.items():
            row = Row(network, layer, machine, occupancy(layer, machine, Packing(tiles, windows)))
            found.append(
                {
                    "input_order": order,
                    "useful_rows": useful,
                    "weight_tiles": tiles,
                    "windows": windows,
                    "limit": row.limit,
                    "expected_cycles": row.expected_cycles,
                }
            )
    return sorted(found, key=lambda entry: entry["expected_cycles"])


def problems(rows: Sequence[Row]) -> list[str]:
    """Return a line for each layer that is limited by what should limit no layer."""
    return [
        f"{row.network} {row.layer.name} is limited by {row.limit} ({row.occupied[row.limit]} cycles)"
        for row in rows
        if not row.legal_limit and (row.network, row.layer.name) not in EXCEPTIONS
    ]


def report(machine: Machine) -> dict[str, Any]:
    """Return everything that the script computes, as the JSON file holds it."""
    networks = {name: network_rows(name, machine) for name in NETWORKS}
    return {
        "machine": machine.to_dict(),
        "planned_vector_reads_per_word": {str(kind): reads for kind, reads in PLANNED_READS.items()},
        "resnet50_convolutions_utilization": utilization(convolutions(networks["resnet50"])),
        "target_utilization": TARGET_UTILIZATION,
        "exceptions": {f"{network} {layer}": reason for (network, layer), reason in EXCEPTIONS.items()},
        "problems": [line for rows in networks.values() for line in problems(rows)],
        "networks": {
            name: {"totals": totals(rows), "layers": [row.to_dict() for row in rows]} for name, rows in networks.items()
        },
        "first_layers": {
            name: first_layer_alternatives(name, machine) for name in networks if NETWORKS[name]()[0].packed
        },
    }


def table(name: str, content: dict[str, Any]) -> Table:
    """Return a network's table: one line a layer, and the totals."""
    occupied = list(content["totals"]["occupied_cycles"])
    result = Table(title=f"{name}: occupied cycles", row_styles=("", "dim"))
    result.add_column("layer", no_wrap=True)
    for heading in ("MACs", "ideal", *occupied):
        result.add_column(heading, justify="right")
    result.add_column("limit")
    for heading in ("expected", "utilization"):
        result.add_column(heading, justify="right")
    for entry in [*content["layers"], {"name": "total", "limit": "", **content["totals"]}]:
        if entry["name"] == "total":
            result.add_section()
        result.add_row(
            entry["name"],
            f"{entry['macs']:,}",
            f"{entry['ideal_cycles']:,.0f}",
            *(f"{entry['occupied_cycles'][engine]:,}" for engine in occupied),
            entry["limit"],
            f"{entry['expected_cycles']:,}",
            f"{entry['utilization']:.1%}",
        )
    return result


def _print(console: Console, content: dict[str, Any]) -> None:
    for name, network in content["networks"].items():
        console.print(table(name, network))
        sums = network["totals"]
        limits = ", ".join(f"{limit} {count}" for limit, count in sums["limits"].items())
        console.print(
            f"limits: {limits}; the limiting engines are occupied {sums['limit_utilization']:.1%} of the time; "
            f"overlapped without loss: {sums['overlapped_bound_cycles']:,} cycles ({sums['overlapped_bound']}); "
            f"{sums['instructions']:,} instructions"
        )
        ports = ", ".join(f"{port} {count:,}" for port, count in sums["port_accesses"].items())
        busiest = max(network["layers"], key=lambda layer: layer["scratchpad_read_share"])
        ends = f"prologues {sums['prologue_cycles']:,} and epilogues {sums['epilogue_cycles']:,} cycles"
        console.print(
            f"port accesses, all banks: {ports}; busiest read ports {busiest['scratchpad_read_share']:.0%} "
            f"({busiest['name']}); {ends}\n"
        )
    for name, alternatives in content["first_layers"].items():
        for order in ("nchw", "nhwc"):
            best = next(entry for entry in alternatives if entry["input_order"] == order)
            console.print(
                f"{name} first layer, best packing of an {order} image: {best['useful_rows']} rows of the array, "
                f"{best['weight_tiles']} weight tiles, {best['windows']} windows, "
                f"{best['expected_cycles']:,} cycles ({best['limit']})"
            )
    for layer, reason in content["exceptions"].items():
        console.print(f"exception: {layer}: {reason}")
    console.print(
        f"ResNet-50's convolutions: {content['resnet50_convolutions_utilization']:.2%} of the array's peak "
        f"(target {TARGET_UTILIZATION:.1%} on {TARGET_MACHINE})"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, write the JSON file if asked for, and return 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sizing", description=__doc__.splitlines()[0])
    parser.add_argument("--machine", default=TARGET_MACHINE, help="a machine's name or the path of a .toml file")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything to FILE")
    options = parser.parse_args(arguments)
    machine = load_machine(options.machine)
    content = report(machine)
    assert content["networks"]["resnet50"]["totals"]["macs"] == RESNET50_MACS
    console = Console()
    console = console if console.is_terminal else Console(width=200)
    _print(console, content)
    if options.json:
        options.json.write_text(json.dumps(content, indent=2) + "\n")
    for line in content["problems"]:
        console.print(f"problem: {line}")
    missed = machine.name == TARGET_MACHINE and content["resnet50_convolutions_utilization"] < TARGET_UTILIZATION
    return int(missed or (machine.name == TARGET_MACHINE and bool(content["problems"])))


if __name__ == "__main__":
    raise SystemExit(main())
