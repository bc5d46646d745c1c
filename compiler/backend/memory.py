"""The memory map: instructions, constants, then activations; addresses are relative until `MemoryMap.move`."""

from __future__ import annotations

from dataclasses import dataclass, field

from compiler.backend.allocate import Plan
from compiler.backend.geometry import round_up
from compiler.backend.layers import Layout, Network
from machine.config import Machine

ALIGNMENT = 256
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


def map_memory(machine: Machine, network: Network, plan: Plan) -> MemoryMap:
    """Reserve memory for inputs, for outputs and what is read through a reshape, and for what is not resident."""
    memory = MemoryMap()
    for value in network.values.values():
        blocked_bytes = value.geometry.blocked_bytes(machine)
        if value.dense:
            is_vector = value.geometry.height * value.geometry.width == 1
            memory.reserve(value.name, Layout.DENSE, blocked_bytes if is_vector else value.geometry.elements)
        blocked = value.blocked
        blocked |= value.name not in plan.residents and any(
            source.value == value.name and source.layout is Layout.BLOCKED
            for layer in network.layers for source in layer.reads
        )
        if blocked:
            memory.reserve(value.name, Layout.BLOCKED, blocked_bytes)
    return memory
