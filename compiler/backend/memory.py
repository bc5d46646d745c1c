"""The memory map: instructions, constants, then activations; addresses are relative until the sizes are known."""

from __future__ import annotations

from dataclasses import dataclass, field

from compiler.backend.geometry import round_up
from compiler.backend.layers import Layout, Network, Value
from compiler.backend.plan import Plan
from machine.config import Machine
from machine.errors import CompileError
from machine.isa import INSTRUCTION_BYTES

ALIGNMENT = 256
PART_ALIGNMENT = 4096
ACTIVATION_BASE = 1 << 31
"""Activations lie here until the sizes of instructions and constants are known."""


@dataclass
class MemoryMap:
    """Addresses of the activations that go through memory, by name and layout."""

    places: dict[tuple[str, Layout], int] = field(default_factory=dict)
    size: int = 0

    def reserve(self, name: str, layout: Layout, length: int) -> None:
        """Give an activation memory of its own."""
        self.places[name, layout] = ACTIVATION_BASE + self.size
        self.size += round_up(length, ALIGNMENT)

    def holds(self, name: str, layout: Layout) -> bool:
        """Whether memory holds an activation in a layout."""
        return (name, layout) in self.places

    def address(self, name: str, layout: Layout) -> int:
        """Address of an activation."""
        return self.places[name, layout]


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the parts of memory begin, and where it ends."""

    constants_at: int
    activations_at: int
    memory_bytes: int

    def move(self, address: int) -> int:
        """Return the final form of a relative address."""
        if address >= ACTIVATION_BASE:
            return address - ACTIVATION_BASE + self.activations_at
        return address + self.constants_at


def allocate(instructions: int, constant_bytes: int, memory: MemoryMap) -> Placement:
    """Place instructions, constants and activations one after the other.

    Raises:
        CompileError: they need more memory than addresses reach.
    """
    constants_at = round_up(instructions * INSTRUCTION_BYTES, PART_ALIGNMENT)
    activations_at = round_up(constants_at + constant_bytes, PART_ALIGNMENT)
    memory_bytes = round_up(activations_at + memory.size, 64)
    if memory_bytes >= ACTIVATION_BASE:
        raise CompileError(f"the network needs {memory_bytes} bytes of memory; legal are {ACTIVATION_BASE}")
    return Placement(constants_at, activations_at, memory_bytes)


def map_memory(machine: Machine, network: Network, plan: Plan) -> MemoryMap:
    """Reserve memory for inputs, for outputs and what is read through a reshape, and for what is not resident."""
    memory = MemoryMap()
    for value in network.values.values():
        if value.home is not None and not value.dense:
            continue
        blocked_bytes = value.geometry.blocked_bytes(machine)
        if value.dense:
            is_vector = value.geometry.height * value.geometry.width == 1
            memory.reserve(value.name, Layout.DENSE, blocked_bytes if is_vector else value.geometry.elements)
        if value.home is not None:
            continue
        blocked = value.blocked
        blocked |= any(
            source.value == value.name and source.layout is Layout.BLOCKED
            for layer in network.layers
            for source in (layer.copied if value.name in plan.residents else layer.reads)
        )
        if blocked:
            memory.reserve(value.name, Layout.BLOCKED, blocked_bytes)
    for value in network.values.values():
        if value.home is not None:
            memory.places[value.name, Layout.BLOCKED] = _home(machine, network, memory, value)
    return memory


def _home(machine: Machine, network: Network, memory: MemoryMap, value: Value) -> int:
    """Return the address of a value inside the joined concat that it is a part of (which may be a part itself)."""
    offset = 0
    while value.home is not None:
        name, plane = value.home
        offset += plane * value.geometry.height * value.geometry.width * machine.block_bytes
        value = network.values[name]
    return memory.address(value.name, Layout.BLOCKED) + offset
