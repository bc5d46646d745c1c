"""Finish: instructions in order get their tokens and final addresses, and the program is put together and verified."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from compiler.backend.accesses import Space, accesses
from compiler.backend.allocate import LayerPlan, Plan
from compiler.backend.emit import Emitter
from compiler.backend.geometry import ceil_div, round_up
from compiler.backend.layers import Layout, Network
from compiler.backend.memory import ACTIVATION_BASE, MemoryMap, map_memory
from compiler.backend.partition import Partition
from compiler.backend.program import CompiledProgram, HostOperator, LayerReport, TensorDescriptor
from compiler.backend.schedule import schedule
from compiler.backend.tile import items
from compiler.backend.tokens import insert_tokens
from compiler.graph import Graph, Node, Op
from machine.config import Machine
from machine.errors import CompileError
from machine.isa import INSTRUCTION_BYTES, Engine, Instruction, Opcode, encode, make

ALIGNMENT = 4096


def finish(machine: Machine, graph: Graph, parts: Partition, network: Network, plan: Plan) -> CompiledProgram:
    """Emit, order, synchronise and place a planned network.

    Raises:
        CompileError: the program does not fit the machine's 32-bit memory.
    """
    memory = map_memory(machine, network, plan)
    emitter = Emitter(machine, network, plan, memory)
    steps = list(emitter.steps())
    ordered, layer_of = schedule(machine, steps)
    synchronised = [*insert_tokens(machine, ordered), make(Opcode.HALT)]
    image = emitter.constants.image()
    constants_at = round_up(len(synchronised) * INSTRUCTION_BYTES, ALIGNMENT)
    activations_at = round_up(constants_at + len(image), ALIGNMENT)
    memory_bytes = round_up(activations_at + memory.size, 64)
    if memory_bytes >= ACTIVATION_BASE:
        raise CompileError(f"the network needs {memory_bytes} bytes of memory; legal are {ACTIVATION_BASE}")
    placed = [_move(instruction, constants_at, activations_at) for instruction in synchronised]
    data = np.zeros(constants_at + len(image), np.uint8)
    encoded = b"".join(encode(instruction) for instruction in placed)
    data[: len(encoded)] = np.frombuffer(encoded, np.uint8)
    data[constants_at:] = image
    shift = activations_at - ACTIVATION_BASE
    return CompiledProgram(
        machine, tuple(placed), (*layer_of, -1), data, memory_bytes,
        tuple(_describe(machine, graph, network, memory, name, shift) for name in parts.inputs),
        tuple(_describe(machine, graph, network, memory, name, shift) for name in parts.outputs),
        _reports(machine, plan.layers, ordered, layer_of),
        tuple(_host_operator(graph, node) for node in parts.before),
        tuple(_host_operator(graph, node) for node in parts.after),
    )


def _move(instruction: Instruction, constants_at: int, activations_at: int) -> Instruction:
    """Add the final base to a relative memory address."""
    if "memory_address" not in instruction.values:
        return instruction
    if instruction.opcode is Opcode.LOAD and instruction["line_bytes"] == 0:
        return instruction
    address = instruction["memory_address"]
    moved = address - ACTIVATION_BASE + activations_at if address >= ACTIVATION_BASE else address + constants_at
    return Instruction(instruction.opcode, {**instruction.values, "memory_address": moved})


def _describe(
    machine: Machine, graph: Graph, network: Network, memory: MemoryMap, name: str, shift: int
) -> TensorDescriptor:
    tensor = graph.tensors[name]
    producer = graph.producer(name)
    if producer is not None and producer.op is Op.QUANTIZE:
        host_name = producer.inputs[0]
    else:
        readers = [node.output for node in graph.consumers(name) if node.op is Op.DEQUANTIZE]
        host_name = readers[0] if readers else ""
    root = network.aliases[name]
    layout = Layout.DENSE if network.values[root].dense else Layout.BLOCKED
    blocked_bytes = network.values[root].geometry.blocked_bytes(machine)
    return TensorDescriptor(
        name, host_name, tensor.shape, tensor.scale, tensor.zero_point,
        memory.address(root, layout) + shift,
        int(np.prod(tensor.shape)) if layout is Layout.DENSE else blocked_bytes, str(layout),
    )


def _host_operator(graph: Graph, node: Node) -> HostOperator:
    scale, zero_point = 1.0, 0
    if node.op in (Op.QUANTIZE, Op.DEQUANTIZE):
        tensor = graph.tensors[node.output if node.op is Op.QUANTIZE else node.inputs[0]]
        scale, zero_point = tensor.scale, tensor.zero_point
    attributes = tuple(sorted(node.attributes.items()))
    return HostOperator(node.name, str(node.op), node.inputs, node.outputs, attributes, scale, zero_point)


def _reports(
    machine: Machine, plans: Sequence[LayerPlan], instructions: Sequence[Instruction], layer_of: Sequence[int]
) -> tuple[LayerReport, ...]:
    moved = [[0, 0] for _ in plans]
    vector = [0] * len(plans)
    for instruction, layer in zip(instructions, layer_of, strict=True):
        if instruction.engine is Engine.VECTOR:
            counts = (instruction[name] for name in ("blocks", "y_count", "x_count", "ky_count", "kx_count"))
            vector[layer] += int(np.prod(list(counts)))
        for access in accesses(machine, instruction):
            if access.space is Space.MEMORY:
                moved[layer][access.write] += int((access.stops - access.starts).sum())
    return tuple(
        _report(machine, plan, moved[i][0], moved[i][1], vector[i]) for i, plan in enumerate(plans)
    )


def _report(machine: Machine, plan: LayerPlan, read: int, written: int, vector: int) -> LayerReport:
    layer, tiling = plan.layer, plan.tiling
    rate = Fraction(machine.bus_bytes * machine.bus_rate_numerator, machine.bus_rate_denominator)
    bound = max(
        ceil_div(layer.macs, machine.rows * machine.columns) if layer.weight is not None and layer.weight.ndim == 4
        else 0,
        vector, int(read / rate), ceil_div(written, machine.bus_bytes),
    )
    return LayerReport(
        layer.name, layer.nodes, str(layer.kernel), (tiling.height, tiling.width, tiling.planes),
        sum(1 for _ in items(machine, layer, tiling)), layer.macs, vector, read, written, bound, plan.cycles,
        layer.source.value, layer.output,
    )
