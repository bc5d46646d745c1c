"""The memory map: instructions, constants, then activations; addresses are relative until the sizes are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from compiler.backend.geometry import round_up
from compiler.backend.layers import Layout, Network, Value
from compiler.backend.plan import Plan
from machine.config import Machine
from machine.errors import CompileError
from machine.isa import ENGINE_COUNT, INSTRUCTION_BYTES, Instruction, Opcode

ALIGNMENT = 256
PART_ALIGNMENT = 4096
LAYERS_AT_ONCE = ENGINE_COUNT - 1
"""Neighbouring layers whose steps the schedule interleaves at most."""
ACTIVATION_BASE = 1 << 31
"""Activations lie here until the sizes of instructions and constants are known."""


@dataclass
class MemoryMap:
    """Addresses of the activations that go through memory, by name and layout."""

    places: dict[tuple[str, Layout], int] = field(default_factory=dict)
    size: int = 0
    _taken: list[tuple[int, int, int]] = field(default_factory=list)
    """(start, stop, last layer) of what is in use, ascending."""

    def reserve(self, name: str, layout: Layout, length: int, life: tuple[int, int]) -> None:
        """Give an activation the first room that is free from a layer on; in order of the first layer."""
        first, last = life
        start, length = 0, round_up(length, ALIGNMENT)
        self._taken = [entry for entry in self._taken if entry[2] >= first]
        for taken_start, taken_stop, _ in self._taken:
            if start + length <= taken_start:
                break
            start = max(start, taken_stop)
        self._taken = sorted([*self._taken, (start, start + length, last)])
        self.places[name, layout] = ACTIVATION_BASE + start
        self.size = max(self.size, start + length)

    def holds(self, name: str, layout: Layout) -> bool:
        """Whether memory holds an activation in a layout."""
        return (name, layout) in self.places

    def address(self, name: str, layout: Layout) -> int:
        """Address of an activation."""
        return self.places[name, layout]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the parts of a segment's memory begin, and where memory ends."""

    program_address: int
    constants_at: int
    activations_at: int
    memory_bytes: int

    def move(self, address: int) -> int:
        """Return the final form of a relative address."""
        if address >= ACTIVATION_BASE:
            return address - ACTIVATION_BASE + self.activations_at
        return address + self.constants_at

    def place(self, instruction: Instruction) -> Instruction:
        """Return an instruction with the final form of its relative memory address."""
        if "memory_address" not in instruction.values:
            return instruction
        if instruction.opcode is Opcode.LOAD and instruction["line_bytes"] == 0:
            return instruction
        moved = self.move(instruction["memory_address"])
        return Instruction(instruction.opcode, {**instruction.values, "memory_address": moved})


@dataclass(frozen=True, slots=True)
class Extent:
    """How much room a segment needs."""

    instructions: int
    constant_bytes: int
    activation_bytes: int


def allocate(extents: Sequence[Extent]) -> tuple[Placement, ...]:
    """Place the segments' instructions and constants one after the other, and behind them the activations.

    Segments run one after the other and nothing of an activation outlives its segment, so all share the same room.

    Raises:
        CompileError: they need more memory than addresses reach.
    """
    starts, end = [], 0
    for extent in extents:
        constants_at = round_up(end + extent.instructions * INSTRUCTION_BYTES, PART_ALIGNMENT)
        starts.append((end, constants_at))
        end = round_up(constants_at + extent.constant_bytes, PART_ALIGNMENT)
    memory_bytes = round_up(end + max((extent.activation_bytes for extent in extents), default=0), 64)
    if memory_bytes >= ACTIVATION_BASE:
        raise CompileError(f"the network needs {memory_bytes} bytes of memory; legal are {ACTIVATION_BASE}")
    return tuple(Placement(start, constants_at, end, memory_bytes) for start, constants_at in starts)


def map_memory(machine: Machine, network: Network, plan: Plan) -> MemoryMap:
    """Reserve memory for inputs, for outputs and what is read through a reshape, and for what is not resident.

    Inputs and outputs keep theirs. Others share what is free from `LAYERS_AT_ONCE` layers after its last reader on,
    so that no layer waits for one that it may overlap with. A joined concat lives as long as any of its parts.
    """
    memory, end = MemoryMap(), len(network.layers) + LAYERS_AT_ONCE
    made = _made(network)
    edges = [value.name for value in network.values.values() if value.is_input or value.is_output]
    kept = {name for edge in edges for name in (edge, *_holders(network, edge))}
    read: dict[str, int] = {}
    blocked_reads: set[str] = set()
    copied_reads: set[str] = set()
    for index, layer in enumerate(network.layers):
        for source in layer.reads:
            read |= dict.fromkeys((source.value, *_holders(network, source.value)), index)
            if source.layout is Layout.BLOCKED:
                (copied_reads if layer.copied else blocked_reads).add(source.value)
    for value in sorted(network.values.values(), key=lambda value: (value.name not in kept, made.get(value.name, -1))):
        if value.constant is not None:
            continue
        first = made.get(value.name, -1)
        life = (first, read.get(value.name, first) + LAYERS_AT_ONCE)
        if value.name in kept:
            life = (-1, end)
        blocked_bytes = value.geometry.blocked_bytes(machine)
        if value.dense and value.place is None:
            is_vector = value.geometry.height * value.geometry.width == 1
            length = blocked_bytes if is_vector else value.geometry.elements * value.geometry.images
            memory.reserve(value.name, Layout.DENSE, length, life)
        streamed = value.name not in plan.residents and value.name in blocked_reads
        if value.home is None and (value.blocked or streamed or value.name in copied_reads):
            memory.reserve(value.name, Layout.BLOCKED, blocked_bytes, life)
    for value in network.values.values():
        if value.home is not None:
            memory.places[value.name, Layout.BLOCKED] = _home(machine, network, memory, value)
        if value.place is not None:
            memory.places[value.name, Layout.DENSE] = _place(network, memory, value)
    return memory


def _made(network: Network) -> dict[str, int]:
    """Return the first layer that writes each activation."""
    made = {layer.output: index for index, layer in enumerate(network.layers)}
    for value in network.values.values():
        if value.pixels_of is not None:
            made[value.name] = made[value.pixels_of]
    for name, first in list(made.items()):
        place = network.values[name].place
        while place is not None:
            made[place[0]] = min(first, made.get(place[0], first))
            place = network.values[place[0]].place
    return made


def _holders(network: Network, name: str) -> list[str]:
    """Return the joined concats in whose memory a value's blocks or dense bytes lie, and those that these lie in."""
    found, value = [], network.values[name]
    for within in (value.home, value.place):
        if within is not None:
            found += [within[0], *_holders(network, within[0])]
    return found


def _place(network: Network, memory: MemoryMap, value: Value) -> int:
    """Return the address of dense bytes inside the joined concat that they are a part of (which may be a part itself).
    """
    offset = 0
    while value.place is not None:
        name, first = value.place
        offset += first
        value = network.values[name]
    return memory.address(value.name, Layout.DENSE) + offset


def _home(machine: Machine, network: Network, memory: MemoryMap, value: Value) -> int:
    """Return the address of a value inside the joined concat that it is a part of (which may be a part itself)."""
    offset = 0
    while value.home is not None:
        name, plane = value.home
        offset += plane * value.geometry.lines * value.geometry.width * machine.block_bytes
        value = network.values[name]
    return memory.address(value.name, Layout.BLOCKED) + offset
