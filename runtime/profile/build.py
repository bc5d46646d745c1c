"""From a program to its profile."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from accel_sim.time import TimeResult
from compiler.graph import CONVERSIONS
from machine.errors import SimulationError
from machine.isa import ENGINE_COUNT
from machine.program import NodeRecord, Program
from machine.progress import during
from machine.registers import STATE_COUNT, Status
from runtime.profile.attribution import BUSY, CHARGED, attribute
from runtime.profile.blocks import block_paths
from runtime.profile.model import CAUSES, USEFUL, BlockProfile, Costs, LayerProfile, NetworkProfile
from runtime.profile.occupancy import Occupancy, issue_and_retire, occupancy
from runtime.profile.traffic import KINDS, Traffic, traffic
from runtime.result import counter_table
from runtime.timing import MAX_CYCLES, prepare_simulator, segment_time

Int64Array = npt.NDArray[np.int64]
_NOTHING = dict.fromkeys(KINDS, 0)


def profile_program(program: Program, max_cycles: int = MAX_CYCLES) -> NetworkProfile:
    """Simulate a program's time and say where it went, by layer and block of the model and by cause.

    Raises:
        SimulationError: the program ends with an error, or runs longer than `max_cycles`.
    """
    prepare_simulator()
    with during("simulating time"):
        times = tuple(
            segment_time(program, segment, with_history=True, max_cycles=max_cycles) for segment in program.segments
        )
    for index, time in enumerate(times):
        if time.status is not Status.DONE:
            place = f" of segment {index}" if len(times) > 1 else ""
            raise SimulationError(
                f"the program halted with {time.status.name.lower()} in cycle {time.cycles}{place}: it has no profile"
            )
    charged = sum(
        (attribute(segment, time).by_node(len(program.nodes))
         for segment, time in zip(program.segments, times, strict=True)),
        np.zeros((len(program.nodes) + 1, len(CHARGED)), np.int64),
    )
    moved, moved_by_none = traffic(program, times)
    spans, held = _spans(program, times), occupancy(program, times)
    paths = _paths(program)
    layers = tuple(
        _layer(index, node, paths[index], charged[index], moved.get(index, _NOTHING), spans[index], held)
        for index, node in enumerate(program.nodes)
    )
    tail = Costs(0, 0, 0, _causes(charged[-1], None), moved_by_none, 0, 0)
    root = _block((), layers)
    nothing = np.zeros((ENGINE_COUNT, STATE_COUNT), np.int64)
    cycles = sum(time.cycles for time in times)
    peaks = Costs(0, 0, 0, dict.fromkeys(CAUSES, 0), _NOTHING, *held.high_water(0, cycles))
    return NetworkProfile(
        program=program,
        times=times,
        layers=layers,
        tail=tail,
        root=root,
        total=Costs.sum([root.costs, tail, peaks]),
        counters=counter_table(sum((time.counters for time in times), nothing)),
        occupancy=held,
    )


def _paths(program: Program) -> dict[int, tuple[str, ...]]:
    """Return the blocks around each node of the model; conversions, which are not the model's, are in none."""
    own = [index for index, node in enumerate(program.nodes) if node.operator not in CONVERSIONS]
    paths = block_paths([program.nodes[index].name for index in own])
    return dict.fromkeys(range(len(program.nodes)), ()) | dict(zip(own, paths, strict=True))


def _spans(program: Program, times: Sequence[TimeResult]) -> Int64Array:
    """Return int64[nodes, 2]: when the first instruction of each node issues and the last one retires, 0 for none."""
    spans = np.zeros((len(program.nodes), 2), np.int64)
    before = 0
    for segment, time in zip(program.segments, times, strict=True):
        issue, retire = issue_and_retire(time, len(segment.instructions))
        nodes = np.asarray(segment.instruction_nodes or [-1] * len(issue), np.int64)
        for node in np.unique(nodes[nodes >= 0]):
            own = (nodes == node) & (issue >= 0)
            spans[node] = before + issue[own].min(), before + retire[own].max()
        before += time.cycles
    return spans


def _layer(
    index: int, node: NodeRecord, block: tuple[str, ...], charged: Int64Array, moved: Traffic, span: Int64Array,
    held: Occupancy,
) -> LayerProfile:
    first, last = (int(cycle) for cycle in span)
    on_accelerator = node.placement == "accelerator"
    marks = held.high_water(first, last) if last else (0, 0)
    work = (node.macs, 0) if on_accelerator else (0, node.macs)
    return LayerProfile(
        node=index,
        name=node.name,
        operator=node.operator,
        placement=node.placement,
        block=block,
        costs=Costs(*work, node.parameters, _causes(charged, node.matrix_cycles), moved, *marks),
        bound_cycles=node.bound_cycles if on_accelerator else 0,
        expected_cycles=node.expected_cycles,
        first_cycle=first,
        last_cycle=last,
        kernel=node.kernel,
        reason=node.reason,
    )


def _causes(charged: Int64Array, matrix_cycles: int | None) -> dict[str, int]:
    """Return the cycles by cause; those in which the array reads rows are useful as far as there is work for them.

    `matrix_cycles` are the MACs over the array's size, rounded up; None where that is not known (a kernel's).
    """
    found = {name: int(cycles) for name, cycles in zip(CHARGED, charged, strict=True)}
    busy = found.pop(BUSY)
    useful = busy if matrix_cycles is None else min(busy, matrix_cycles)
    return found | {USEFUL: useful, "underused": busy - useful}


def _block(path: tuple[str, ...], layers: Sequence[LayerProfile]) -> BlockProfile:
    """Return the block of some layers, all of them within it, and the blocks within it, in program order."""
    own = tuple(layer for layer in layers if len(layer.block) == len(path))
    inner: dict[str, list[LayerProfile]] = {}
    for layer in layers:
        if len(layer.block) > len(path):
            inner.setdefault(layer.block[len(path)], []).append(layer)
    return BlockProfile(
        path=path,
        layers=own,
        blocks=tuple(_block((*path, name), inside) for name, inside in inner.items()),
        costs=Costs.sum(layer.costs for layer in layers),
    )
