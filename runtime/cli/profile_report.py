"""The profile of a program for people: tables of layers and blocks, where the cycles went, what holds them up."""

from __future__ import annotations

from collections.abc import Sequence

from runtime.cli.output import print_table, say
from runtime.profile import BlockProfile, Costs, LayerProfile, NetworkProfile

SHOWN_LOSSES = 2
"""Losses of a row that a table shows; --json and --csv have all."""
_UNITS = ((10**9, "G"), (10**6, "M"), (10**3, "k"))
_COLUMNS = [
    "MACs", "params", "bytes moved", "cycles", "share", "util.", "MACs/byte", "scratchpad", "accum.", "largest losses",
]
INDENT = "  "


def print_profile(profile: NetworkProfile, top: int | None) -> None:
    """Print layers, those that lose most first (the first `top`, None for all), blocks, causes, and the totals."""
    ranked = sorted(_accelerated(profile), key=lambda layer: (-layer.costs.lost_cycles, layer.node))
    shown = ranked[:top]
    rows = [[layer.name, layer.operator, *_cells(profile, layer.costs)] for layer in shown]
    if len(shown) < len(ranked):
        rest = Costs.sum(layer.costs for layer in ranked[len(shown) :])
        rows.append([f"({len(ranked) - len(shown)} more)", "", *_cells(profile, rest)])
    if profile.tail.total_cycles or profile.tail.read_bytes:
        rows.append(["(tail)", "", *_cells(profile, profile.tail)])
    rows.append(["(total)", "", *_cells(profile, profile.total)])
    print_table("layers, most lost cycles first", ["layer", "operator", *_COLUMNS], rows, left=2)
    if profile.root.blocks:
        blocks = [[INDENT * depth + block.name, *_cells(profile, block.costs)] for depth, block in _tree(profile.root)]
        print_table("blocks", ["block", *_COLUMNS], blocks)
    print_causes(profile)
    for layer in profile.layers:
        if layer.reason:
            say(f"{layer.name} ({layer.operator}) is on the host: {layer.reason}")


def print_layers(profile: NetworkProfile) -> None:
    """Print a line for each layer on the accelerator, in program order."""
    print_table(
        "", ["layer", "operator", "MACs", "cycles", "bound", "utilization", "largest loss"],
        [
            [layer.name, layer.operator, f"{layer.costs.macs:,}", f"{layer.costs.total_cycles:,}",
             f"{layer.bound_cycles:,}", f"{profile.utilization(layer.costs):.1%}", _losses(layer.costs, 1)]
            for layer in _accelerated(profile)
        ],
        left=2,
    )


def print_causes(profile: NetworkProfile) -> None:
    """Print what all cycles went to."""
    total = profile.total
    print_table(
        "where the cycles went", ["cause", "cycles", "share"],
        [[cause, f"{cycles:,}", _share(cycles, total)] for cause, cycles in total.cycles.items() if cycles]
        + [["(total)", f"{total.total_cycles:,}", _share(total.total_cycles, total)]],
    )


def print_totals(profile: NetworkProfile) -> None:
    """Print the totals in one line."""
    machine, total = profile.program.machine, profile.total
    micros = total.total_cycles / machine.clock_hz * 1e6
    say(
        f"{profile.program.source or 'kernel'} on {machine.name}: {total.total_cycles:,} cycles ({micros:,.1f} us at "
        f"{machine.clock_hz / 1e6:g} MHz), bound {profile.bound_cycles:,}; {total.macs:,} MACs, utilization "
        f"{profile.utilization(total):.1%} of {machine.rows}x{machine.columns} MACs a cycle; {total.read_bytes:,} "
        f"bytes read, {total.write_bytes:,} written; at most {total.scratchpad_bytes:,} of "
        f"{machine.scratchpad_bytes:,} bytes of scratchpad "
        f"and {total.accumulator_bytes:,} of {machine.accumulator_bytes:,} of accumulators in use"
    )


def _accelerated(profile: NetworkProfile) -> list[LayerProfile]:
    return [layer for layer in profile.layers if layer.placement == "accelerator"]


def _tree(block: BlockProfile, depth: int = 0) -> list[tuple[int, BlockProfile]]:
    """Return the blocks within a block, each with its depth, outer ones before inner ones."""
    return [
        entry for inner in block.blocks for entry in ((depth, inner), *_tree(inner, depth + 1))
    ]


def _cells(profile: NetworkProfile, costs: Costs) -> Sequence[str]:
    intensity = costs.intensity
    return [
        _short(costs.macs), _short(costs.parameters), _short(costs.read_bytes + costs.write_bytes),
        f"{costs.total_cycles:,}", _share(costs.total_cycles, profile.total), f"{profile.utilization(costs):.1%}",
        "-" if intensity is None else f"{intensity:.1f}", _short(costs.scratchpad_bytes),
        _short(costs.accumulator_bytes), _losses(costs, SHOWN_LOSSES),
    ]


def _short(count: int) -> str:
    """Return a count in four characters or so; --json and --csv have it whole."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.1f}{name}"
    return str(count)


def _share(cycles: int, total: Costs) -> str:
    return f"{cycles / total.total_cycles:.1%}" if total.total_cycles else "-"


def _losses(costs: Costs, most: int) -> str:
    lost = sorted((item for item in costs.cycles.items() if item[0] != "useful"), key=lambda item: -item[1])
    return ", ".join(f"{name} {cycles:,}" for name, cycles in lost[:most] if cycles)
