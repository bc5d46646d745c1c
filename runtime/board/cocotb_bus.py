"""A bus in simulation: the driver, unchanged, against the Verilog under cocotb.

The driver is called in a thread of its own (`cocotb.task.bridge`), in which each of the bus's methods lets the
simulation go on until it is done:

```python
bus = CocotbBus(AxiLiteMaster(...), AxiRam(...), dut.irq, memory_bytes=1 << 16)
result = await bridge(session.run_on_board)(Driver(bus), inputs)
```
"""

from __future__ import annotations

from typing import Any, Protocol

from cocotb.task import resume
from cocotb.triggers import First, RisingEdge, Timer


class RegisterMaster(Protocol):
    """What is used of cocotbext-axi's `AxiLiteMaster`."""

    async def read_dword(self, address: int) -> int:
        """Read 32 bits."""

    async def write_dword(self, address: int, data: int) -> None:
        """Write 32 bits; returns when the write is answered."""


class MemoryModel(Protocol):
    """What is used of cocotbext-axi's `AxiRam`."""

    def read(self, address: int, length: int) -> bytes:
        """Return bytes."""

    def write(self, address: int, data: bytes) -> None:
        """Write bytes."""


class CocotbBus:
    """Registers through an AXI4-Lite master, memory through the back door of the simulated memory."""

    def __init__(
        self, registers: RegisterMaster, memory: MemoryModel, irq: Any, memory_bytes: int, memory_base: int = 0
    ) -> None:
        """Take the models and the interrupt line; the block begins at `memory_base` of the simulated memory."""
        self.memory_base = memory_base
        self.memory_bytes = memory_bytes
        self._registers = registers
        self._memory = memory
        self._irq = irq

    def read32(self, offset: int) -> int:
        """Return the register at a byte offset."""
        return int(resume(self._registers.read_dword)(offset))

    def write32(self, offset: int, value: int) -> None:
        """Write the register at a byte offset."""
        resume(self._registers.write_dword)(offset, value)

    def read_memory(self, address: int, size_bytes: int) -> bytes:
        """Return bytes of the block."""
        return bytes(self._memory.read(self.memory_base + address, size_bytes))

    def write_memory(self, address: int, data: bytes) -> None:
        """Write bytes of the block."""
        self._memory.write(self.memory_base + address, data)

    def wait(self, seconds: float) -> None:
        """Let the simulation go on until the interrupt, or for `seconds` of its time."""
        resume(self._wait)(seconds)

    async def _wait(self, seconds: float) -> None:
        if not int(self._irq.value):
            await First(RisingEdge(self._irq), Timer(round(seconds * 1e9), "ns"))
