"""What the driver needs of a bus: the registers, a block of the memory, and a way to wait."""

from __future__ import annotations

from typing import Protocol


class Bus(Protocol):
    """A way to the registers of the hardware and to the block of memory that it works on.

    Attributes:
        memory_base: address of the block's first byte on the hardware's memory bus, a multiple of `BASE_UNIT_BYTES`.
        memory_bytes: size of the block.
    """

    @property
    def memory_base(self) -> int: ...  # noqa: D102
    @property
    def memory_bytes(self) -> int: ...  # noqa: D102

    def read32(self, offset: int) -> int:
        """Return the register at a byte offset."""

    def write32(self, offset: int, value: int) -> None:
        """Write the register at a byte offset; returns when the write is answered."""

    def read_memory(self, address: int, size_bytes: int) -> bytes:
        """Return bytes of the block from `address` on, counted from the block's first byte."""

    def write_memory(self, address: int, data: bytes) -> None:
        """Write bytes of the block from `address` on; they are in memory when it returns."""

    def wait(self, seconds: float) -> None:
        """Return when the interrupt line is high, or after at most `seconds`; a bus without interrupts only pauses."""
