"""What the report shows, as one JSON-able dictionary: the profile's figures, exact, and its arrays, packed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from accel_sim.time import Cause
from machine.isa import Engine
from machine.registers import EngineState
from machine.sections import bus_bytes_per_cycle
from machine.text import printable
from runtime.profile import CAUSES, BlockProfile, Costs, LayerProfile, NetworkProfile
from runtime.profile.traffic import KINDS
from runtime.profile.verdict import verdict
from runtime.profile.what_if import WhatIf
from runtime.report.arrays import ArrayPacker
from runtime.report.edges import program_edges
from runtime.report.groups import GROUPS, group_of
from runtime.report.history import engine_runs


def report_data(profile: NetworkProfile, what_if: Sequence[WhatIf] = ()) -> dict[str, Any]:
    """Return everything that the page draws; every count is the profile's own, none is rounded.

    Layers are known by their place in `profile.layers`, never by name: names need not be unique.
    """
    program, machine = profile.program, profile.program.machine
    place = {layer.node: index for index, layer in enumerate(profile.layers)}
    packer = ArrayPacker()
    return {
        "source": printable(program.source),
        "machine": machine.to_dict(),
        "peak_macs_per_cycle": machine.rows * machine.columns,
        "bus_bytes_per_cycle": bus_bytes_per_cycle(machine),
        "batch": program.batch,
        "segments": [int(time.cycles) for time in profile.times],
        "causes": [{"name": cause, "group": group_of(cause)} for cause in CAUSES],
        "traffic": list(KINDS),
        "groups": [{"key": group.key, "label": group.label, "meaning": group.meaning} for group in GROUPS],
        "states": [{"name": name, "group": group_of(name)} for name in _state_names()],
        "counters": profile.counters,
        "total": _costs(profile.total),
        "tail": _costs(profile.tail),
        "layers": [_layer(layer) for layer in profile.layers],
        "root": _block(profile.root, place),
        "edges": [
            [place[edge.source], place[edge.target], f"{printable(edge.tensor)} {list(edge.shape)}"]
            for edge in program_edges(program) if edge.source in place and edge.target in place
        ],
        "what_if": [row.to_dict() for row in what_if],
        "verdict": verdict(profile, what_if) if what_if or not profile.total.total_cycles else "",
        "engines": _engines(profile, place, packer),
        "occupancy": _occupancy(profile, packer),
        "arrays": packer.to_dict(),
    }


def _state_names() -> list[str]:
    """Name the states of the runs: those that the hardware counts, then what idle and wait_token are divided into."""
    return [
        EngineState(code).name.lower() if code < len(EngineState) else Cause(code).label
        for code in range(max(Cause) + 1)
    ]


def _costs(costs: Costs) -> dict[str, Any]:
    return {
        "macs": costs.macs,
        "parameters": costs.parameters,
        "total_cycles": costs.total_cycles,
        "cycles": [costs.cycles[cause] for cause in CAUSES],
        "traffic": [costs.traffic[kind] for kind in KINDS],
        "scratchpad_bytes": costs.scratchpad_bytes,
        "accumulator_bytes": costs.accumulator_bytes,
    }


def _layer(layer: LayerProfile) -> dict[str, Any]:
    return {
        "name": printable(layer.name),
        "operator": printable(layer.operator),
        "placement": layer.placement,
        "kernel": layer.kernel,
        "reason": printable(layer.reason),
        "bound_cycles": layer.bound_cycles,
        "expected_cycles": layer.expected_cycles,
        "first_cycle": layer.first_cycle,
        "last_cycle": layer.last_cycle,
        **_costs(layer.costs),
    }


def _block(block: BlockProfile, place: Mapping[int, int]) -> dict[str, Any]:
    return {
        "name": printable(block.path[-1]) if block.path else "",
        "layers": [place[layer.node] for layer in block.layers],
        "blocks": [_block(inner, place) for inner in block.blocks],
        **_costs(block.costs),
    }


def _engines(profile: NetworkProfile, place: Mapping[int, int], packer: ArrayPacker) -> list[dict[str, Any]]:
    """Describe the engines in order, their runs packed under their names."""
    described = []
    for engine in Engine:
        name = engine.name.lower()
        runs = engine_runs(profile, engine, place)
        runs.pack(packer, name)
        described.append({"name": name, "resolution_cycles": runs.resolution_cycles})
    return described


def _occupancy(profile: NetworkProfile, packer: ArrayPacker) -> list[dict[str, Any]]:
    """Describe the memories, their steps packed under their names."""
    memories = (("scratchpad", profile.occupancy.scratchpad), ("accumulators", profile.occupancy.accumulators))
    for name, steps in memories:
        packer.add(f"{name}.step_cycles", steps.cycles, differences=True)
        packer.add(f"{name}.step_bytes", steps.occupied_bytes)
    return [
        {"name": name, "capacity_bytes": steps.capacity_bytes, "peak_bytes": steps.peak_bytes}
        for name, steps in memories
    ]
