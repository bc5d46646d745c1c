"""A memory behind AXI4 for the benches: it answers with an error outside its block, and where it is told to."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any

from cocotbext.axi import AxiBus, AxiLiteMaster, AxiSlave


class Memory:
    """A block of memory at `base` of the bus."""

    def __init__(self, dut: Any, size_bytes: int, base: int) -> None:
        self.block, self.base = bytearray(size_bytes), base
        self.fault: range = range(0)
        self.slave = AxiSlave(
            AxiBus.from_prefix(dut, "m_axi"), dut.aclk, dut.aresetn, target=_Target(self), reset_active_level=False
        )

    def _place(self, address: int, length: int) -> slice:
        at = address - self.base
        if not 0 <= at <= len(self.block) - length:
            raise IndexError(f"{address:#x} lies outside the memory")
        return slice(at, at + length)

    def read(self, address: int, length: int) -> bytes:
        return bytes(self.block[self._place(address, length)])

    def write(self, address: int, data: bytes) -> None:
        self.block[self._place(address, len(data))] = data


class _Target:
    """The block as the bus sees it, with its faults."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory

    def _check(self, address: int) -> None:
        if address - self.memory.base in self.memory.fault:
            raise IndexError("a fault, as asked for")

    async def read(self, address: int, length: int) -> bytes:
        self._check(address)
        return self.memory.read(address, length)

    async def write(self, address: int, data: bytes) -> None:
        self._check(address)
        self.memory.write(address, data)


def pauses(pace: float) -> Iterator[bool]:
    """Yield whether a channel pauses in a cycle: bursts of pauses, and bursts of none."""
    for _ in itertools.count():
        pause = random.random() > pace
        yield from itertools.repeat(pause, random.randrange(1, 6))


def slow(master: AxiLiteMaster, memory: Memory, pace: float) -> None:
    """Let each channel of both buses move at its own pace: valid and ready come and go."""
    for side in (master, memory.slave):
        for interface, channels in ((side.write_if, ("aw", "w", "b")), (side.read_if, ("ar", "r"))):
            for name in channels:
                getattr(interface, f"{name}_channel").set_pause_generator(pauses(pace))
