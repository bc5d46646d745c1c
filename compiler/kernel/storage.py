"""Where a kernel's values lie: arrays in the memory image, results, and room in the machine's own memories."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, SupportsIndex

import numpy as np
import numpy.typing as npt

from compiler.backend.accesses import Space
from compiler.backend.constants import Constants
from compiler.backend.geometry import round_up
from compiler.backend.memory import ACTIVATION_BASE, ALIGNMENT
from compiler.kernel import layouts
from compiler.kernel.regions import UNITS, Allocator, Region, integer, scratchpad_start, whole_words
from machine.config import TABLE_BYTES, TABLE_COUNT, Machine
from machine.errors import KernelError
from machine.numerics import AddRescale, Int8Array, Rescale

AnyArray = npt.NDArray[Any]
MEMORY_BYTES = 1 << 30
"""The most that a kernel's results and other memory may take."""


@dataclass
class Result:
    """A named result: where it lies in memory, what it holds, and what is expected of it (None: nothing)."""

    name: str
    region: Region
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    expected: AnyArray | None = None


@dataclass
class Storage:
    """All that a kernel keeps. Every method returns a `Region`, an operand of instructions."""

    machine: Machine
    results: dict[str, Result] = field(default_factory=dict, init=False)
    _constants: Constants = field(default_factory=Constants, init=False)
    _memory_bytes: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        """Begin with everything free."""
        machine, half = self.machine, self.machine.accumulator_half_rows
        self._scratchpad = Allocator(Space.SCRATCHPAD, machine.scratchpad_granules)
        self._accumulators = Allocator(Space.ACCUMULATOR, machine.accumulator_rows)
        self._parameters = Allocator(Space.PARAMETER, machine.parameter_entries)
        self._tables = Allocator(Space.TABLE, TABLE_COUNT)
        self._half_rows = half

    def data(self, array: AnyArray, name: str = "data") -> Region:
        """Put an array of integers into the memory image as it is, little endian. It can be read only.

        Raises:
            KernelError: it is empty, or not of integers.
        """
        values = np.ascontiguousarray(array)
        if values.size == 0 or not np.issubdtype(values.dtype, np.integer):
            raise KernelError(f"data {name!r} must be integers, one or more, received {values.dtype}"
                              f"{list(values.shape)}")
        encoded = values.astype(values.dtype.newbyteorder("<")).tobytes()
        return Region(Space.MEMORY, self._constants.add(encoded), len(encoded), name)

    def activations(self, array: Int8Array, name: str = "activations") -> Region:
        """Put activations, int8[..., C], into the memory image in channel blocks (`blocked`)."""
        return self.data(self.blocked(array), name)

    def weight_tiles(self, weights: Int8Array, name: str = "weights") -> Region:
        """Put weights, int8[taps.., K, N], into the memory image as tiles: int8[N / columns, K / rows, taps..].

        That is the order in which one matrix instruction takes them whose blocks are of output channels, whose
        outermost taps are of input channels, and whose other taps are those of the array.
        """
        return self.data(layouts.weight_tiles(self.machine, weights), name)

    def channel_parameters(
        self, bias: npt.ArrayLike, rescale: Rescale | Sequence[Rescale], name: str = "parameters"
    ) -> Region:
        """Put the parameter entries of channels into the memory image: bias, int32[C], and requantization."""
        return self.data(layouts.channel_parameters(self.machine, bias, rescale), name)

    def addition_record(
        self, rescale: AddRescale, zero_point: int = 0, low: int = -128, high: int = 127, name: str = "record"
    ) -> Region:
        """Put the parameter entry of a residual addition into the memory image; zero point and clamp of its result."""
        return self.data(layouts.addition_record(self.machine, rescale, zero_point, low, high), name)

    def table_data(self, table: Int8Array, name: str = "table") -> Region:
        """Put a table, int8[256] by value modulo 256, into the memory image.

        Raises:
            KernelError: it is not int8[256].
        """
        if table.dtype != np.int8 or table.shape != (TABLE_BYTES,):
            raise KernelError(f"a table is int8[{TABLE_BYTES}], received {table.dtype}{list(table.shape)}")
        return self.data(table, name)

    def blocked(self, array: Int8Array) -> Int8Array:
        """Return int8[..., C] in channel blocks, int8[C / B, ..., B], B being `machine.block_bytes`.

        Channels of the last block that do not exist are 0.
        """
        return layouts.blocked(self.machine, array)

    def memory(self, size_bytes: int, name: str = "memory") -> Region:
        """Take bytes of memory, zero before the run, that can be written and read.

        Raises:
            KernelError: not one byte, or more than a kernel may have.
        """
        size_bytes = integer(size_bytes, "bytes", name)
        if not 1 <= size_bytes <= MEMORY_BYTES - self._memory_bytes:
            raise KernelError(f"{size_bytes} bytes of memory for {name!r}; legal are 1 to "
                              f"{MEMORY_BYTES - self._memory_bytes}")
        base = ACTIVATION_BASE + self._memory_bytes
        self._memory_bytes += round_up(size_bytes, ALIGNMENT)
        return Region(Space.MEMORY, base, size_bytes, name)

    def output(self, name: str, shape: Sequence[int], dtype: npt.DTypeLike = np.int8) -> Region:
        """Take memory for a named result of a shape and type.

        Raises:
            KernelError: there is one of this name, it is called "memory", the shape is not one of positive integers, or
                the type not one of integers.
        """
        if name in (*self.results, "memory"):
            raise KernelError(f"an output cannot be called {name!r}: there is one of that name")
        if not all(isinstance(extent, SupportsIndex) and extent > 0 for extent in shape):
            raise KernelError(f"output {name!r}: its shape must be positive integers, received {tuple(shape)}")
        kind = np.dtype(dtype).newbyteorder("<")
        if not np.issubdtype(kind, np.integer):
            raise KernelError(f"output {name!r}: its type must be one of integers, received {kind}")
        region = self.memory(math.prod(shape) * kind.itemsize, name)
        self.results[name] = Result(name, region, tuple(shape), kind)
        return region

    def expect(self, output: Region, array: AnyArray) -> None:
        """Say what an output must hold at the end; `tpukit kernel` compares every byte.

        Raises:
            KernelError: the region is no output, or the array has another shape or type.
        """
        result = next((entry for entry in self.results.values() if entry.region == output), None)
        if result is None:
            raise KernelError(f"{output} is no output; legal are {', '.join(self.results) or 'none'}")
        if array.shape != result.shape or array.dtype != result.dtype:
            raise KernelError(f"output {result.name!r} is {result.dtype}{list(result.shape)}, expected of it is "
                              f"{array.dtype}{list(array.shape)}")
        result.expected = array

    def scratchpad(self, granules: int, name: str = "scratchpad", bank: int | None = None) -> Region:
        """Take granules of scratchpad (on a square machine, words), rounded up to whole words.

        `bank` is the one in which they begin; without it they lie in the first room that is free.

        Raises:
            KernelError: there is no room, or no such bank.
        """
        start, end = scratchpad_start(self.machine, bank)
        words = whole_words(self.machine, integer(granules, UNITS[Space.SCRATCHPAD], name))
        return self._scratchpad.take(words, name, start, end)

    def accumulators(self, rows: int, half: int = 0, name: str = "accumulators") -> Region:
        """Take rows of one half, 0 or 1, of the accumulators.

        Raises:
            KernelError: there is no such half, or no room in it.
        """
        if half not in (0, 1):
            raise KernelError(f"half {half} of the accumulators; legal are 0 and 1")
        first = half * self._half_rows
        if rows > self._half_rows:
            raise KernelError(f"{rows} rows of accumulators for {name!r}; a half of {self.machine.name} has "
                              f"{self._half_rows}")
        region = self._accumulators.take(rows, name, first, first + self._half_rows)
        if region.base + rows > first + self._half_rows:
            raise KernelError(f"no room for the {rows} rows of {name!r} in half {half} of the accumulators")
        return region

    def parameters(self, entries: int, name: str = "parameters") -> Region:
        """Take entries of parameter memory: each holds the parameters of `columns` channels, or a record.

        Raises:
            KernelError: there is no room.
        """
        return self._parameters.take(entries, name)

    def table(self, name: str = "table") -> Region:
        """Take one of the vector engine's tables.

        Raises:
            KernelError: all are taken.
        """
        return self._tables.take(1, name)
