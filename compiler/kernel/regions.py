"""Regions: named ranges of the machine's memories, which a kernel's instructions take as operands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from operator import index
from typing import SupportsIndex

from compiler.backend.accesses import Space
from compiler.backend.geometry import round_up
from machine.config import Machine
from machine.errors import KernelError

UNITS = {
    Space.MEMORY: "bytes", Space.SCRATCHPAD: "granules", Space.ACCUMULATOR: "rows", Space.PARAMETER: "entries",
    Space.TABLE: "tables",
}
"""What each space is counted in."""


@dataclass(frozen=True, slots=True)
class Region:
    """A range of one of the machine's memories; `region[first:last]` is a part of it.

    Attributes:
        space: which memory.
        base: address of its first unit; in memory relative until the kernel is built.
        size: bytes of memory, granules of scratchpad, rows of accumulators, entries of parameter memory, or tables.
        name: what errors call it.
    """

    space: Space
    base: int
    size: int
    name: str

    def __getitem__(self, part: slice) -> Region:
        """Return the part `first:last`, both counted from the region's start.

        Raises:
            KernelError: the part does not lie inside, has a step, or is no range of integers.
        """
        if not isinstance(part, slice) or any(
            not isinstance(end, SupportsIndex) for end in (part.start, part.stop) if end is not None
        ):
            raise KernelError(f"a part of {self} is a range of integers, such as [0:1], received {part!r}")
        first = 0 if part.start is None else part.start
        last = self.size if part.stop is None else part.stop
        if part.step is not None or not 0 <= first < last <= self.size:
            raise KernelError(f"[{first}:{last}] is no part of {self}")
        return replace(self, base=self.base + first, size=last - first)

    def __str__(self) -> str:
        """Say what it is."""
        return f"{self.name!r} ({self.size} {UNITS[self.space]} of {self.space.name.lower()})"


def operand(what: str, region: Region, space: Space, reach: int) -> int:
    """Return the address of an operand that reaches over `reach` units of a region.

    Raises:
        KernelError: the region is in another memory, or too small.
    """
    if region.space is not space:
        raise KernelError(f"{what} must lie in {space.name.lower()}, received {region}")
    if reach > region.size:
        raise KernelError(f"{what} reaches over {reach} {UNITS[space]}, received {region}")
    return region.base


def integer(size: SupportsIndex, unit: str, name: str) -> int:
    """Return a size as an integer of Python.

    Raises:
        KernelError: it is no integer.
    """
    if not isinstance(size, SupportsIndex):
        raise KernelError(f"{name!r} must be a whole number of {unit}, received {size!r}")
    return index(size)


class Allocator:
    """Room in one of the machine's own memories, given out once, the lowest first."""

    def __init__(self, space: Space, size: int) -> None:
        """Begin with all of `size` units free."""
        self._space, self._size = space, size
        self._taken: list[tuple[int, int]] = []

    def take(self, size: int, name: str, start: int = 0, end: int | None = None) -> Region:
        """Return the first room for `size` units that begins in `[start, end)` and is free.

        Raises:
            KernelError: there is none.
        """
        size = integer(size, UNITS[self._space], name)
        if size < 1:
            raise KernelError(f"{name!r} must be of at least 1 of the {UNITS[self._space]}, received {size}")
        base = start
        for first, last in self._taken:
            if first < base + size and base < last:
                base = last
        if base + size > self._size or (end is not None and base >= end):
            free = self._size - sum(last - first for first, last in self._taken)
            where = f" from {start} on" if end is None else f" that begins at {start} to {end - 1}"
            raise KernelError(
                f"no room for the {size} {UNITS[self._space]} of {name!r} in {self._space.name.lower()}{where}; "
                f"{free} of {self._size} are free"
            )
        self._taken = sorted([*self._taken, (base, base + size)])
        return Region(self._space, base, size, name)


def scratchpad_start(machine: Machine, bank: int | None) -> tuple[int, int | None]:
    """Return where a region of scratchpad may begin: the first address, and the one after the last (None: any).

    Raises:
        KernelError: the machine has no such bank.
    """
    if bank is None:
        return 0, None
    if not 0 <= bank < machine.scratchpad_banks:
        raise KernelError(f"bank {bank}: {machine.name} has banks 0 to {machine.scratchpad_banks - 1}")
    return bank * machine.bank_granules, (bank + 1) * machine.bank_granules


def whole_words(machine: Machine, granules: int) -> int:
    """Return granules rounded up to whole words, which load and store move."""
    return round_up(granules, machine.granules_per_word)
