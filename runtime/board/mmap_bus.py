"""A bus of files that are mapped into memory: Linux's `/dev/uio0`, `/dev/mem`, `/dev/udmabuf0`."""

from __future__ import annotations

import mmap
import os
import select
import time
from pathlib import Path
from types import TracebackType

import numpy as np
import numpy.typing as npt

from machine.errors import ToolError
from machine.registers import REGISTER_SPACE_BYTES


class MmapBus:
    """Registers in one file, the block of memory in another or in the same, at offsets that are multiples of a page.

    Close it, or use it in a `with` statement.
    """

    def __init__(
        self,
        registers: str | Path,
        memory: str | Path,
        memory_bytes: int,
        memory_base: int,
        *,
        registers_offset: int = 0,
        memory_offset: int = 0,
        interrupts: bool = False,
    ) -> None:
        """Map both.

        Args:
            registers: file of the registers: `/dev/uio0`, or `/dev/mem`.
            memory: file of the memory block: `/dev/udmabuf0`, or `/dev/mem`. It is opened for uncached access (O_SYNC).
            memory_bytes: size of the block.
            memory_base: address of its first byte on the hardware's memory bus, mostly its physical address.
            registers_offset: where the registers begin in their file: in `/dev/mem` their physical address.
            memory_offset: where the block begins in its file: in `/dev/mem` its physical address.
            interrupts: `registers` is a UIO device with an interrupt, so waiting need not poll.

        Raises:
            ToolError: a file cannot be opened or mapped.
        """
        self.memory_base = memory_base
        self.memory_bytes = memory_bytes
        self._interrupts = interrupts
        self._descriptors: list[int] = []
        self._maps: list[mmap.mmap] = []
        try:
            register_map = self._map(registers, REGISTER_SPACE_BYTES, registers_offset)
            self._memory = self._map(memory, memory_bytes, memory_offset)
        except BaseException:
            self.close()
            raise
        # An element of a uint32 array is read and written in one access of 32 bits.
        self._registers: npt.NDArray[np.uint32] = np.frombuffer(register_map, np.uint32)

    def _map(self, path: str | Path, size: int, offset: int) -> mmap.mmap:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_SYNC)
            self._descriptors.append(descriptor)
            mapped = mmap.mmap(descriptor, size, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE, offset=offset)
        except (OSError, ValueError, OverflowError) as error:
            reason = error.strerror if isinstance(error, OSError) and error.strerror else error
            raise ToolError(f"cannot map {size} bytes of {path} at {offset:#x}: {reason}") from None
        self._maps.append(mapped)
        return mapped

    def __enter__(self) -> MmapBus:
        """Return the bus."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the bus."""
        self.close()

    def close(self) -> None:
        """Unmap and close the files; the bus cannot be used afterwards."""
        self._registers = np.zeros(0, np.uint32)  # A map cannot be closed while an array looks at it.
        for mapped in self._maps:
            mapped.close()
        for descriptor in self._descriptors:
            os.close(descriptor)
        self._maps, self._descriptors = [], []

    def read32(self, offset: int) -> int:
        """Return the register at a byte offset."""
        return int(self._registers[offset // 4])

    def write32(self, offset: int, value: int) -> None:
        """Write the register at a byte offset."""
        self._registers[offset // 4] = value

    def read_memory(self, address: int, size_bytes: int) -> bytes:
        """Return bytes of the block."""
        return self._memory[address : address + size_bytes]

    def write_memory(self, address: int, data: bytes) -> None:
        """Write bytes of the block."""
        self._memory[address : address + len(data)] = data

    def wait(self, seconds: float) -> None:
        """Wait for the interrupt, or without interrupts for `seconds`."""
        if not self._interrupts:
            time.sleep(seconds)
            return
        # UIO: a write of 1 enables the interrupt, which the kernel disables when it comes; a read then gives its count.
        device = self._descriptors[0]
        os.write(device, (1).to_bytes(4, "little"))
        if select.select([device], [], [], seconds)[0]:
            os.read(device, 4)
