"""The profile of a program for people: tables of layers and blocks, where the cycles went, what holds them up."""

from __future__ import annotations

from collections.abc import Iterator

from runtime.cli.output import print_table, say
from runtime.profile import BlockProfile, Costs, LayerProfile, NetworkProfile

_UNITS = ((10**9, "G"), (10**6, "M"), (10**3, "k"))
_TIME = ["cycles", "share", "lost", "util.", "largest loss"]
_WORK = ["MACs", "params", "bytes moved", "MACs/byte", "scratchpad", "accum."]
INDENT = "  "


def print_profile(profile: NetworkProfile, top: int | None) -> None:
    """Print layers, those that lose most first (the first `top`, None for all), blocks, causes, and the totals.

    Time and work of the layers are two tables, so that each fits an ordinary terminal.
    """
    ranked = sorted(_accelerated(profile), key=lambda layer: (-layer.costs.lost_cycles, layer.node))
    shown = ranked[:top]
    rows = [(layer.name, layer.operator, layer.costs) for layer in shown]
    if len(shown) < len(ranked):
        rest = Costs.sum(layer.costs for layer in ranked[len(shown) :])
        rows.append((f"({len(ranked) - len(shown)} more)", "", rest))
    rows += [("(tail)", "", profile.tail), ("(total)", "", profile.total)]
    print_table(
        "work of the layers, those with most lost cycles first", ["layer", "operator", *_WORK],
        [[name, operator, *_work(costs)] for name, operator, costs in rows], left=2,
    )
    print_table(
        "time of the same layers", ["layer", "operator", *_TIME],
        [[name, operator, *_time(profile, costs)] for name, operator, costs in rows], left=2,
    )
    if profile.root.blocks:
        blocks = [(INDENT * depth + block.name, block.costs) for depth, block in _tree(profile.root)]
        print_table("work of the blocks", ["block", *_WORK], [[name, *_work(costs)] for name, costs in blocks])
        print_table("time of the blocks", ["block", *_TIME], [[name, *_time(profile, costs)] for name, costs in blocks])
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
             f"{layer.bound_cycles:,}", f"{profile.utilization(layer.costs):.1%}", _loss(layer.costs)]
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


def _tree(block: BlockProfile, depth: int = 0) -> Iterator[tuple[int, BlockProfile]]:
    """Return the blocks within a block, each with its depth, outer ones before inner ones."""
    for inner in block.blocks:
        yield depth, inner
        yield from _tree(inner, depth + 1)


def _work(costs: Costs) -> list[str]:
    intensity = costs.intensity
    return [
        _short(costs.macs), _short(costs.parameters), _short(costs.read_bytes + costs.write_bytes),
        "-" if intensity is None else f"{intensity:.1f}", _short(costs.scratchpad_bytes),
        _short(costs.accumulator_bytes),
    ]


def _time(profile: NetworkProfile, costs: Costs) -> list[str]:
    return [
        f"{costs.total_cycles:,}", _share(costs.total_cycles, profile.total), f"{costs.lost_cycles:,}",
        f"{profile.utilization(costs):.1%}", _loss(costs),
    ]


def _short(count: int) -> str:
    """Return a count in four characters or so; --json and --csv have it whole."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.1f}{name}"
    return str(count)


def _share(cycles: int, total: Costs) -> str:
    return f"{cycles / total.total_cycles:.1%}" if total.total_cycles else "-"


def _loss(costs: Costs) -> str:
    """Return the largest loss; --json and --csv have all."""
    name, cycles = costs.largest_loss
    return f"{name} {cycles:,}" if cycles else "-"
