"""The last stages: instructions in order, then with tokens and final addresses, and the program put together."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from compiler.backend.accesses import AccessTable, Space
from compiler.backend.emit import Emitter
from compiler.backend.geometry import ceil_div
from compiler.backend.instructions import build
from compiler.backend.layers import Layout, Network
from compiler.backend.memory import MemoryMap, Placement, map_memory
from compiler.backend.partition import Partition
from compiler.backend.plan import LayerPlan, Plan
from compiler.backend.program import CompiledProgram, HostOperator, LayerReport, TensorDescriptor
from compiler.backend.schedule import schedule
from compiler.backend.tile import items
from compiler.backend.tokens import insert_tokens
from compiler.graph import Graph, Node, Op
from machine.config import Machine
from machine.isa import Engine, Instruction, Opcode, encode


@dataclass(frozen=True, slots=True, eq=False)
class Scheduled:
    """All instructions but halt in program order, the layer of each, the constants, the memory and the accesses."""

    instructions: tuple[Instruction, ...]
    layer_of: tuple[int, ...]
    constants: npt.NDArray[np.uint8]
    memory: MemoryMap
    table: AccessTable


def schedule_network(machine: Machine, network: Network, plan: Plan) -> Scheduled:
    """Stage `schedule`: every layer's instructions in the order of dispatch, memory addresses still relative."""
    memory = map_memory(machine, network, plan)
    emitter = Emitter(machine, network, plan, memory)
    table = AccessTable(machine)
    ordered, layer_of = schedule(table, list(emitter.steps()))
    return Scheduled(tuple(ordered), tuple(layer_of), emitter.constants.image(), memory, table)


def emit_program(
    machine: Machine, graph: Graph, parts: Partition, network: Network, plan: Plan, scheduled: Scheduled,
    placement: Placement,
) -> CompiledProgram:
    """Stage `emit`: tokens, final addresses, the memory image and what a run and a profile need to know."""
    synchronised = [*insert_tokens(scheduled.table, scheduled.instructions), build(Opcode.HALT)]
    placed = [_move(instruction, placement) for instruction in synchronised]
    data = np.zeros(placement.constants_at + len(scheduled.constants), np.uint8)
    encoded = b"".join(encode(instruction) for instruction in placed)
    data[: len(encoded)] = np.frombuffer(encoded, np.uint8)
    data[placement.constants_at :] = scheduled.constants
    describe = _Edge(machine, graph, network, scheduled.memory, placement).describe
    return CompiledProgram(
        machine, tuple(placed), (*scheduled.layer_of, -1), data, placement.memory_bytes,
        tuple(describe(name) for name in parts.inputs),
        tuple(describe(name) for name in parts.outputs),
        _reports(scheduled, plan.layers),
        tuple(_host_operator(graph, node) for node in parts.before),
        tuple(_host_operator(graph, node) for node in parts.after),
    )


def _move(instruction: Instruction, placement: Placement) -> Instruction:
    """Give a relative memory address its final form."""
    if "memory_address" not in instruction.values:
        return instruction
    if instruction.opcode is Opcode.LOAD and instruction["line_bytes"] == 0:
        return instruction
    moved = placement.move(instruction["memory_address"])
    return Instruction(instruction.opcode, {**instruction.values, "memory_address": moved})


@dataclass(frozen=True, slots=True)
class _Edge:
    """Describes the tensors at the machine's edge."""

    machine: Machine
    graph: Graph
    network: Network
    memory: MemoryMap
    placement: Placement

    def describe(self, name: str) -> TensorDescriptor:
        """Return an input's or output's descriptor."""
        tensor, root = self.graph.tensors[name], self.network.aliases[name]
        value = self.network.values[root]
        layout = Layout.DENSE if value.dense else Layout.BLOCKED
        length = value.geometry.elements if value.dense else value.geometry.blocked_bytes(self.machine)
        return TensorDescriptor(
            name, self._host_name(name), tensor.shape, tensor.scale, tensor.zero_point,
            self.placement.move(self.memory.address(root, layout)), length, str(layout),
        )

    def _host_name(self, name: str) -> str:
        producer = self.graph.producer(name)
        if producer is not None and producer.op is Op.QUANTIZE:
            return producer.inputs[0]
        readers = [node.output for node in self.graph.consumers(name) if node.op is Op.DEQUANTIZE]
        return readers[0] if readers else ""


def _host_operator(graph: Graph, node: Node) -> HostOperator:
    scale, zero_point = 1.0, 0
    if node.op in (Op.QUANTIZE, Op.DEQUANTIZE):
        tensor = graph.tensors[node.output if node.op is Op.QUANTIZE else node.inputs[0]]
        scale, zero_point = tensor.scale, tensor.zero_point
    attributes = tuple(sorted(node.attributes.items()))
    return HostOperator(node.name, str(node.op), node.inputs, node.outputs, attributes, scale, zero_point)


def _reports(scheduled: Scheduled, plans: Sequence[LayerPlan]) -> tuple[LayerReport, ...]:
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
    return tuple(
        _report(machine, plan, moved[i][0], moved[i][1], vector[i]) for i, plan in enumerate(plans)
    )


def _report(machine: Machine, plan: LayerPlan, read: int, written: int, vector: int) -> LayerReport:
    layer, tiling = plan.layer, plan.tiling
    rate = Fraction(machine.bus_bytes * machine.bus_rate_numerator, machine.bus_rate_denominator)
    on_array = layer.weight is not None and layer.weight.ndim == 4
    return LayerReport(
        layer.name, layer.nodes, str(layer.kernel), (tiling.height, tiling.width, tiling.planes),
        sum(1 for _ in items(machine, layer, tiling)), layer.macs,
        ceil_div(layer.macs, machine.rows * machine.columns) if on_array else 0,
        vector, int(read / rate), ceil_div(written, machine.bus_bytes), plan.cycles, layer.source.value, layer.output,
    )
