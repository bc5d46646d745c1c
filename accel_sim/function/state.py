"""What the machine remembers between instructions, for all samples side by side."""

from __future__ import annotations

import functools
from collections import deque
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from machine.config import ADDRESS_BITS, TABLE_BYTES, Machine
from machine.isa import Instruction
from machine.numerics import Int8Array

IndexArray = npt.NDArray[np.int64]
KEPT_LOOPS = 64
"""Loop nests whose offsets are kept: neighbouring instructions differ in their addresses, and seldom in their loops."""
_ADDRESS_MASK = (1 << ADDRESS_BITS) - 1


@dataclass
class State:
    """Memories of the machine.

    Attributes:
        machine: the configuration.
        memory: uint8[samples, bytes], the caller's array, changed in place.
        scratchpad: uint8[samples, words, block bytes].
        accumulators: int32[samples, rows, columns].
        parameters: uint8[parameter words, block bytes] (docs/units/scratchpad.md), shared by all samples.
        tables: uint8[table words, block bytes], the tables one behind the other, shared by all samples.
        weight_tiles: int16[rows, columns] tiles in the weight FIFO, zero point subtracted, oldest first.
    """

    machine: Machine
    memory: npt.NDArray[np.uint8]
    scratchpad: npt.NDArray[np.uint8]
    accumulators: npt.NDArray[np.int32]
    parameters: npt.NDArray[np.uint8]
    tables: npt.NDArray[np.uint8]
    weight_tiles: deque[npt.NDArray[np.int16]] = field(default_factory=deque)

    @classmethod
    def create(cls, machine: Machine, memory: npt.NDArray[np.uint8]) -> State:
        """Return the state after reset, with zeroed memories, over `memory: uint8[samples, bytes]`."""
        samples = memory.shape[0]
        parameter_words = machine.parameter_entries * 4 * machine.parameter_words_per_section
        return cls(
            machine=machine,
            memory=memory,
            scratchpad=np.zeros((samples, machine.scratchpad_words, machine.block_bytes), np.uint8),
            accumulators=np.zeros((samples, machine.accumulator_rows, machine.columns), np.int32),
            parameters=np.zeros((parameter_words, machine.block_bytes), np.uint8),
            tables=np.zeros((machine.table_words, machine.block_bytes), np.uint8),
        )

    def table(self, number: int) -> Int8Array:
        """Return a table of the vector engine, counted from 0: int8[256], entry `v mod 256` for the value v."""
        entries: Int8Array = self.tables.view(np.int8).reshape(-1, TABLE_BYTES)[number]
        return entries

    def read_granules(self, addresses: IndexArray, width_bytes: int) -> npt.NDArray[np.int8]:
        """Read `width_bytes` (rows or columns) at granule addresses of any shape: int8[samples, *shape, width]."""
        step = width_bytes // self.machine.granule_bytes
        units = self.scratchpad.view(np.int8).reshape(self.scratchpad.shape[0], -1, width_bytes)
        return units.take(addresses // step, axis=1)

    def write_granules(self, addresses: IndexArray, values: npt.NDArray[np.int8]) -> None:
        """Write int8[samples, *shape, columns] at granule addresses of that shape."""
        width = values.shape[-1]
        step = width // self.machine.granule_bytes
        units = self.scratchpad.view(np.int8).reshape(self.scratchpad.shape[0], -1, width)
        units[:, addresses // step] = values


@functools.lru_cache(KEPT_LOOPS)
def nested_offsets(*dimensions: tuple[int, int]) -> IndexArray:
    """Return the offsets of a loop nest, outer first, each dimension a (count, stride) pair: int64[counts...].

    The array is kept for the next instruction with the same loops, so it is read-only.
    """
    total = np.zeros((1,) * len(dimensions), np.int64)
    for axis, (count, stride) in enumerate(dimensions):
        shape = [1] * len(dimensions)
        shape[axis] = count
        total = total + (np.arange(count, dtype=np.int64) * stride).reshape(shape)
    total.flags.writeable = False
    return total


def scratchpad_addresses(base: int, offsets: IndexArray) -> IndexArray:
    """Add offsets to a scratchpad address modulo the width of an address."""
    return (base + offsets) & _ADDRESS_MASK


def line_offsets(instruction: Instruction, side: str) -> tuple[IndexArray, IndexArray]:
    """Return (memory offsets, scratchpad offsets) of a load's or store's lines in order: int64[lines] each.

    `side` is the prefix of the scratchpad strides, `destination` or `source`.
    """
    counts = [instruction[f"count{dimension}"] for dimension in (3, 2, 1)]
    memory = [(count, instruction[f"memory_stride{d}"]) for count, d in zip(counts, (3, 2, 1), strict=True)]
    local = [(count, instruction[f"{side}_stride{d}"]) for count, d in zip(counts, (3, 2, 1), strict=True)]
    return nested_offsets(*memory).reshape(-1), nested_offsets(*local).reshape(-1)
