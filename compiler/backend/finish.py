"""The last stages: instructions in order, then with tokens and final addresses, and the program put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from compiler.backend.accesses import AccessTable, Space
from compiler.backend.emit import Emitter
from compiler.backend.geometry import ceil_div
from compiler.backend.instructions import build
from compiler.backend.layers import Layout, Network
from compiler.backend.memory import Extent, MemoryMap, Placement, map_memory
from compiler.backend.partition import Part, Partition
from compiler.backend.plan import LayerPlan, Plan
from compiler.backend.program import CompiledProgram
from compiler.backend.schedule import schedule
from compiler.backend.tile import item_count
from compiler.backend.tokens import insert_tokens
from compiler.graph import CONVERSIONS, REASON, Graph, Node
from compiler.placement.prices import HostModel, crossing_cycles, host_cycles, macs
from machine.config import Machine
from machine.isa import Engine, Instruction, Opcode, encode
from machine.program import NodeRecord, Segment, TensorDescriptor
from machine.progress import during


@dataclass(frozen=True, slots=True, eq=False)
class Scheduled:
    """All instructions but halt in program order, the layer of each, the constants, the memory and the accesses."""

    instructions: tuple[Instruction, ...]
    layer_of: tuple[int, ...]
    constants: npt.NDArray[np.uint8]
    memory: MemoryMap
    table: AccessTable

    @property
    def extent(self) -> Extent:
        """The room that it needs in memory, with the halt that follows."""
        return Extent(len(self.instructions) + 1, len(self.constants), self.memory.size)


def schedule_network(machine: Machine, network: Network, plan: Plan) -> Scheduled:
    """Stage `schedule`: every layer's instructions in the order of dispatch, memory addresses still relative."""
    memory = map_memory(machine, network, plan)
    emitter = Emitter(machine, network, plan, memory)
    table = AccessTable(machine)
    with during("scheduling"):
        ordered, layer_of = schedule(table, list(emitter.steps()))
    return Scheduled(tuple(ordered), tuple(layer_of), emitter.constants.image(), memory, table)


@dataclass(frozen=True, slots=True, eq=False)
class Emitted:
    """A segment with its final addresses, the bytes that memory holds of it, and its layers.

    `contents` are (address, bytes). The nodes of the segment's instructions count from its own first layer.
    """

    segment: Segment
    contents: tuple[tuple[int, npt.NDArray[np.uint8]], ...]
    layers: tuple[NodeRecord, ...]


def emit_segment(
    machine: Machine, graph: Graph, part: Part, network: Network, plan: Plan, scheduled: Scheduled,
    placement: Placement, batch: int,
) -> Emitted:
    """Give a segment its tokens and final addresses."""
    synchronised = [*insert_tokens(scheduled.table, scheduled.instructions), build(Opcode.HALT)]
    placed = [placement.place(instruction) for instruction in synchronised]
    encoded = b"".join(encode(instruction) for instruction in placed)

    def describe(name: str) -> TensorDescriptor:
        tensor, root = graph.tensors[name], network.aliases[name]
        layout = Layout.DENSE if network.values[root].dense else Layout.BLOCKED
        address = placement.move(scheduled.memory.address(root, layout))
        return TensorDescriptor(name, (batch, *tensor.shape[1:]), tensor.scale, tensor.zero_point, address)

    segment = Segment(
        tuple(placed), placement.program_address, (*scheduled.layer_of, -1),
        tuple(describe(name) for name in part.inputs), tuple(describe(name) for name in part.outputs),
    )
    contents = (
        (placement.program_address, np.frombuffer(encoded, np.uint8)), (placement.constants_at, scheduled.constants),
    )
    return Emitted(segment, contents, _records(graph, scheduled, plan.layers))


def emit_program(
    machine: Machine, graph: Graph, parts: Partition, emitted: Sequence[Emitted], placements: Sequence[Placement],
    batch: int, host: HostModel,
) -> CompiledProgram:
    """Put the segments together: one image of memory, and all nodes in order of execution."""
    contents = [piece for part in emitted for piece in part.contents]
    image = np.zeros(max((address + data.size for address, data in contents), default=0), np.uint8)
    for address, data in contents:
        image[address : address + data.size] = data
    nodes: list[NodeRecord] = []
    segments: list[Segment] = []
    for index, on_host in enumerate(parts.host):
        nodes += [_host_record(machine, graph, node, batch, host) for node in on_host]
        if index < len(emitted):
            first, segment = len(nodes), emitted[index].segment
            of = tuple(first + layer if layer >= 0 else -1 for layer in segment.instruction_nodes)
            segments.append(replace(segment, instruction_nodes=of))
            nodes += emitted[index].layers
    memory_bytes = placements[0].memory_bytes if placements else 0
    return CompiledProgram(machine, tuple(segments), image, memory_bytes, tuple(nodes))


def _host_record(machine: Machine, graph: Graph, node: Node, batch: int, host: HostModel) -> NodeRecord:
    if node.op in CONVERSIONS:
        cycles = crossing_cycles(graph, machine, host, node.output, batch)
    else:
        cycles = host_cycles(graph, machine, host, node, batch)
    reason = str(node.attributes.get(REASON, ""))
    return NodeRecord(
        node.name, node.operator, "host", macs=batch * macs(graph, node), parameters=_parameters(graph, node),
        expected_cycles=cycles, reason=reason,
    )


def _records(graph: Graph, scheduled: Scheduled, plans: Sequence[LayerPlan]) -> tuple[NodeRecord, ...]:
    machine = scheduled.table.machine
    moved = [[0, 0] for _ in plans]
    vector = [0] * len(plans)
    for instruction, layer in zip(scheduled.instructions, scheduled.layer_of, strict=True):
        if instruction.engine is Engine.VECTOR:
            counts = (instruction[name] for name in ("blocks", "y_count", "x_count", "ky_count", "kx_count"))
            vector[layer] += math.prod(counts)
        for access in scheduled.table.of(instruction):
            if access.space is Space.MEMORY:
                moved[layer][access.write] += access.footprint.total
    nodes = {node.name: node for node in graph.nodes()}
    return tuple(
        _record(machine, graph, [nodes[name] for name in plan.layer.nodes if name in nodes], plan, read, written, reads)
        for plan, (read, written), reads in zip(plans, moved, vector, strict=True)
    )


def _record(
    machine: Machine, graph: Graph, nodes: Sequence[Node], plan: LayerPlan, read: int, written: int, vector: int
) -> NodeRecord:
    layer, tiling = plan.layer, plan.tiling
    rate = Fraction(machine.bus_bytes * machine.bus_rate_numerator, machine.bus_rate_denominator)
    on_array = layer.weight is not None and layer.weight.ndim == 4
    return NodeRecord(
        name=layer.name,
        operator="+".join(node.op.value for node in nodes) or str(layer.kernel),
        placement="accelerator",
        macs=layer.macs,
        parameters=sum(_parameters(graph, node) for node in nodes),
        matrix_cycles=ceil_div(layer.macs, machine.rows * machine.columns) if on_array else 0,
        vector_cycles=vector,
        read_cycles=int(read / rate),
        write_cycles=ceil_div(written, machine.bus_bytes),
        kernel=str(layer.kernel),
        tile=(tiling.height, tiling.width, tiling.planes),
        tiles=item_count(machine, layer, tiling),
        read_bytes=read,
        write_bytes=written,
        expected_cycles=plan.cycles,
    )


def _parameters(graph: Graph, node: Node) -> int:
    """Return the elements of a node's constants."""
    constants = (graph.tensors[name] for name in node.inputs)
    return sum(math.prod(tensor.shape) for tensor in constants if tensor.is_constant)
