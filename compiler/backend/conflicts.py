"""Which earlier instructions an instruction conflicts with: same address, at least one of the two writes it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from compiler.backend.accesses import Access, Space, accesses
from machine.config import Machine
from machine.isa import Engine, Instruction

IndexArray = npt.NDArray[np.int32]
Latest = dict[Engine, int]
"""For each engine, the index of its latest instruction that something depends on."""
_FEW_RANGES = 8


@dataclass(frozen=True)
class Window:
    """The part of an address space that anything writes, in units of `unit` addresses: the rest cannot conflict.

    Every written range starts and ends at a multiple of the unit, so rounding a read outwards loses no exactness.
    """

    first: int
    last: int
    unit: int

    def clip(self, access: Access) -> tuple[IndexArray, IndexArray]:
        """Return an access's ranges in units from the window's start; empty if it lies outside."""
        starts = (np.maximum(access.starts, self.first) - self.first) // self.unit
        stops = -((self.first - np.minimum(access.stops, self.last)) // self.unit)
        keep = starts < stops
        return starts[keep].astype(np.int32), stops[keep].astype(np.int32)


def written_windows(found: Sequence[Sequence[Access]]) -> dict[Space, Window]:
    """Return the written part of each address space."""
    windows: dict[Space, Window] = {}
    for space in Space:
        writes = [access for each in found for access in each if access.space is space and access.write]
        if writes:
            first, last = min(access.low for access in writes), max(access.high for access in writes)
            unit = 0
            for access in writes:
                for bounds in (access.starts, access.stops):
                    unit = math.gcd(unit, int(np.gcd.reduce(bounds - first)))
            windows[space] = Window(first, last, max(unit, 1))
    return windows


@dataclass
class Conflicts:
    """Runs over instructions in program order and finds the latest conflicting one of each other engine.

    An engine works in its own order, so its latest conflicting instruction stands for all earlier ones.
    """

    machine: Machine
    instructions: Sequence[Instruction]
    own: bool = False
    """Whether conflicts with earlier instructions of the same engine are found too."""
    found: list[tuple[Access, ...]] = field(init=False)
    windows: dict[Space, Window] = field(init=False)
    _last: dict[tuple[Space, Engine, bool], IndexArray] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        """Derive every instruction's accesses."""
        self.found = [accesses(self.machine, instruction) for instruction in self.instructions]
        self.windows = written_windows(self.found)

    def step(self, index: int) -> Latest:
        """Return what instruction `index` depends on, and remember its own accesses. Call in program order."""
        latest = self.find(index)
        self.mark(index)
        return latest

    def find(self, index: int) -> Latest:
        """Return what instruction `index` depends on among those that were marked."""
        latest: Latest = {}
        engine = self.instructions[index].engine
        if engine is not None:
            for access, starts, stops in self._ranges(index):
                self._find(engine, access, starts, stops, latest)
        return latest

    def mark(self, index: int) -> None:
        """Remember an instruction's accesses."""
        engine = self.instructions[index].engine
        if engine is not None:
            for access, starts, stops in self._ranges(index):
                _mark(self._table(access.space, engine, access.write), starts, stops, index)

    def _ranges(self, index: int) -> list[tuple[Access, IndexArray, IndexArray]]:
        return [
            (access, *self.windows[access.space].clip(access))
            for access in self.found[index]
            if access.space in self.windows
        ]

    def _find(self, engine: Engine, access: Access, starts: IndexArray, stops: IndexArray, latest: Latest) -> None:
        for (space, other, write), table in self._last.items():
            if space is access.space and (self.own or other is not engine) and (write or access.write):
                index = _maximum(table, starts, stops)
                if index > latest.get(other, -1):
                    latest[other] = index

    def _table(self, space: Space, engine: Engine, write: bool) -> IndexArray:
        key = (space, engine, write)
        if key not in self._last:
            window = self.windows[space]
            self._last[key] = np.full(-(-(window.last - window.first) // window.unit), -1, np.int32)
        return self._last[key]


def _indices(starts: IndexArray, stops: IndexArray) -> IndexArray:
    lengths = stops - starts
    offsets = np.arange(int(lengths.sum()), dtype=np.int32) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    result: IndexArray = (np.repeat(starts, lengths) + offsets).astype(np.int32)
    return result


def _maximum(table: IndexArray, starts: IndexArray, stops: IndexArray) -> int:
    if len(starts) == 0:
        return -1
    if len(starts) <= _FEW_RANGES:
        return max(int(table[start:stop].max()) for start, stop in zip(starts, stops, strict=True))
    return int(table[_indices(starts, stops)].max())


def _mark(table: IndexArray, starts: IndexArray, stops: IndexArray, index: int) -> None:
    if len(starts) <= _FEW_RANGES:
        for start, stop in zip(starts, stops, strict=True):
            table[start:stop] = index
    else:
        table[_indices(starts, stops)] = index
