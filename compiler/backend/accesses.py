"""What an instruction reads and writes, derived from its fields alone (docs/isa.md, docs/units/*.md).

Addresses are exact to the unit of their space: scratchpad granules, accumulator rows, parameter and table words, memory
bytes. A look-up may read any entry, so it reads all words of its table.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from machine.config import ADDRESS_BITS, TABLE_BYTES, Machine
from machine.isa import Instruction, LoadSpace, Opcode, VectorReduce, VectorSource

IntArray = npt.NDArray[np.int64]
Dimensions = tuple[tuple[int, int], ...]
"""Nested loops as (count, stride) pairs."""


class Space(IntEnum):
    """An address space of the machine."""

    SCRATCHPAD = 0
    ACCUMULATOR = 1
    PARAMETER = 2
    MEMORY = 3
    TABLE = 4


@dataclass(frozen=True, slots=True, eq=False)
class Footprint:
    """Half-open ranges `[starts[i], stops[i])`, ascending and disjoint, relative to a base address."""

    starts: IntArray
    stops: IntArray
    low: int
    high: int
    total: int
    """Number of addresses."""

    @staticmethod
    def of(starts: IntArray, stops: IntArray) -> Footprint:
        """Return the footprint of ranges that are ascending and disjoint."""
        return Footprint(starts, stops, int(starts[0]), int(stops[-1]), int((stops - starts).sum()))


@dataclass(frozen=True, slots=True, eq=False)
class Access:
    """Addresses that an instruction reads or writes: a footprint (shared by many accesses) at a base address."""

    space: Space
    write: bool
    base: int
    footprint: Footprint

    @property
    def starts(self) -> IntArray:
        """First address of each range."""
        return self.footprint.starts + self.base

    @property
    def stops(self) -> IntArray:
        """One more than the last address of each range."""
        return self.footprint.stops + self.base

    @property
    def low(self) -> int:
        """Smallest address."""
        return self.base + self.footprint.low

    @property
    def high(self) -> int:
        """One more than the largest address."""
        return self.base + self.footprint.high


@dataclass
class AccessTable:
    """The accesses of instruction objects, each derived once (the stages share most of theirs)."""

    machine: Machine
    _known: dict[int, tuple[Instruction, tuple[Access, ...]]] = field(default_factory=dict)

    def of(self, instruction: Instruction) -> tuple[Access, ...]:
        """Return what an instruction reads and writes."""
        entry = self._known.get(id(instruction))
        if entry is None:
            entry = self._known[id(instruction)] = instruction, accesses(self.machine, instruction)
        return entry[1]


def accesses(machine: Machine, instruction: Instruction) -> tuple[Access, ...]:
    """Return everything that an instruction reads and writes."""
    return _ACCESSES[instruction.opcode](machine, instruction)


@lru_cache(maxsize=1 << 14)
def _footprint(dimensions: Dimensions, length: int, align: int, offset: int) -> Footprint:
    """Merged ranges of `length` from all sums of the loops and `offset`, each rounded down to `align`."""
    if offset or any(stride % align for _, stride in dimensions):
        starts = np.unique(_addresses(offset, dimensions) // align * align)
        return Footprint.of(*_merge(starts, starts + length))
    offsets = np.zeros(1, np.int64)
    for count, stride in sorted(dimensions, key=lambda pair: pair[1]):
        if stride == length and len(offsets) == 1:
            length *= count
        else:
            offsets = np.unique(offsets[:, None] + np.arange(count, dtype=np.int64) * stride)
    return Footprint.of(*_merge(offsets, offsets + length))


def _merge(starts: IntArray, stops: IntArray) -> tuple[IntArray, IntArray]:
    """Merge ranges that are sorted by start and of non-decreasing stop."""
    breaks = np.flatnonzero(starts[1:] > stops[:-1]) + 1
    return starts[np.r_[0, breaks]], stops[np.r_[breaks - 1, len(stops) - 1]]


def _access(
    space: Space, write: bool, base: int, dimensions: Dimensions, length: int, align: int = 1, skip: int = 0
) -> Access:
    """Return ranges of `length` from each address of the loops, rounded down to `align`, plus `skip`."""
    loops = tuple([pair for pair in dimensions if pair[0] > 1])
    offset = base % align
    footprint = _footprint(loops, length, align, offset)
    base += skip - offset
    if base + footprint.high > _MODULUS[space]:
        footprint = Footprint.of(*_wrap(footprint.starts + base, footprint.stops + base, _MODULUS[space]))
        base = 0
    return Access(space, write, base, footprint)


def _addresses(base: int, loops: Dimensions) -> IntArray:
    """All addresses of the loops, ascending."""
    found = np.full(1, base, np.int64)
    for count, stride in loops:
        found = np.unique(found[:, None] + np.arange(count, dtype=np.int64) * stride)
    return found


_MODULUS = {Space.SCRATCHPAD: 1 << ADDRESS_BITS, Space.ACCUMULATOR: 1 << 16,
            Space.PARAMETER: 1 << ADDRESS_BITS, Space.MEMORY: 1 << 32, Space.TABLE: 1 << ADDRESS_BITS}


def _wrap(starts: IntArray, stops: IntArray, modulus: int) -> tuple[IntArray, IntArray]:
    """Reduce ranges modulo the address space; a range that passes the end is cut in two."""
    first, last = starts % modulus, starts % modulus + stops - starts
    over = last > modulus
    starts = np.r_[first, np.zeros(int(over.sum()), np.int64)]
    stops = np.r_[np.minimum(last, modulus), last[over] - modulus]
    order = np.argsort(starts, kind="stable")
    return _merge(starts[order], np.maximum.accumulate(stops[order]))


def _lanes(machine: Machine, window_bytes: int, lane_offset: int) -> tuple[int, int]:
    """First granule in the word and number of granules that a window of bytes touches."""
    first = lane_offset // machine.granule_bytes
    return first, -(-(lane_offset + window_bytes) // machine.granule_bytes) - first


def _outer(instruction: Instruction, name: str) -> Dimensions:
    return tuple((instruction[f"count{i}"], instruction[f"{name}_stride{i}"]) for i in (1, 2, 3))


def _load(machine: Machine, load: Instruction) -> tuple[Access, ...]:
    if load["space"] != LoadSpace.SCRATCHPAD:
        space = Space.PARAMETER if load["space"] == LoadSpace.PARAMETERS else Space.TABLE
        target = _access(space, True, load["destination"], _outer(load, "destination"), load["words"])
    else:
        word = machine.granules_per_word
        first, length = _lanes(machine, load["window_bytes"], load["lane_offset"])
        target = _access(
            Space.SCRATCHPAD, True, load["destination"],
            ((load["words"], word), *_outer(load, "destination")), length, word, first,
        )
    if load["line_bytes"] == 0:
        return (target,)
    lines = _outer(load, "memory")
    return (_access(Space.MEMORY, False, load["memory_address"], lines, load["line_bytes"]), target)


def _weights(machine: Machine, weights: Instruction) -> tuple[Access, ...]:
    length = weights["tiles"] * machine.tile_bytes
    return (_access(Space.MEMORY, False, weights["memory_address"], (), length, machine.bus_bytes),)


def _matrix(machine: Machine, matrix: Instruction) -> tuple[Access, ...]:
    length = machine.rows // machine.granule_bytes
    loops = [(matrix[f"{kind}_count{i}"], matrix[f"{kind}_stride{i}"]) for kind in ("row", "tap") for i in (0, 1, 2)]
    loops.append((matrix["blocks"], matrix["block_stride"]))
    rows = matrix["row_count0"] * matrix["row_count1"] * matrix["row_count2"]
    blocks = ((matrix["blocks"], matrix["accumulator_stride"]),)
    return (
        _access(Space.SCRATCHPAD, False, matrix["a"], tuple(loops), length, length),
        _access(Space.ACCUMULATOR, True, matrix["accumulator"], blocks, rows),
    )


def _vector(machine: Machine, vector: Instruction) -> tuple[Access, ...]:
    lanes = machine.columns // machine.granule_bytes
    results = ("block", "y", "x")
    counts = {name: vector[f"{name}_count"] for name in ("y", "x", "ky", "kx")} | {"block": vector["blocks"]}

    def loops(operand: str, names: tuple[str, ...]) -> Dimensions:
        return tuple((counts[name], vector[f"{operand}_{name}_stride"]) for name in names)

    taps = (*results, "ky", "kx")
    if vector["source"] == VectorSource.ACCUMULATOR:
        found = [_access(Space.ACCUMULATOR, False, vector["a"], loops("a", taps), 1)]
    else:
        found = [_access(Space.SCRATCHPAD, False, vector["a"], loops("a", taps), lanes, lanes)]
    if vector["reduce"] == VectorReduce.MAC or vector["use_residual"]:
        found.append(_access(Space.SCRATCHPAD, False, vector["b"], loops("b", taps), lanes, lanes))
    section = machine.parameter_words_per_section
    if vector["rescale"]:
        entries = ((vector["blocks"], 4 * section),)
        found.append(_access(Space.PARAMETER, False, vector["parameters"] * 4 * section, entries, 3 * section))
    if vector["use_residual"]:
        found.append(_access(Space.PARAMETER, False, vector["record"] * 4 * section, (), 3 * section))
    if vector["table"]:
        words = TABLE_BYTES // machine.block_bytes
        found.append(_access(Space.TABLE, False, (vector["table"] - 1) * words, (), words))
    found.append(_access(Space.SCRATCHPAD, True, vector["d"], loops("d", results), lanes, lanes))
    return tuple(found)


def _store(machine: Machine, store: Instruction) -> tuple[Access, ...]:
    word = machine.granules_per_word
    first, length = _lanes(machine, store["window_bytes"], store["lane_offset"])
    loops = ((store["words"], store["word_stride"]), *_outer(store, "source"))
    line_bytes = store["words"] * store["window_bytes"]
    return (
        _access(Space.SCRATCHPAD, False, store["source"], loops, length, word, first),
        _access(Space.MEMORY, True, store["memory_address"], _outer(store, "memory"), line_bytes),
    )


def _nothing(machine: Machine, halt: Instruction) -> tuple[Access, ...]:
    return ()


_ACCESSES: dict[Opcode, Callable[[Machine, Instruction], tuple[Access, ...]]] = {
    Opcode.HALT: _nothing,
    Opcode.LOAD: _load,
    Opcode.WEIGHTS: _weights,
    Opcode.MATRIX: _matrix,
    Opcode.VECTOR: _vector,
    Opcode.STORE: _store,
}
