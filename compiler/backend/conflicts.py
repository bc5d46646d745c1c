"""Which earlier instructions an instruction conflicts with: same address, at least one of the two writes it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt

from compiler.backend.accesses import Access, Footprint, Space
from machine.isa import ENGINE_COUNT, Instruction

Indices = npt.NDArray[np.int32]
Integers = npt.NDArray[np.int64]
_Function = TypeVar("_Function", bound=Callable[..., Any])


def _kept(function: _Function) -> _Function:
    """Compile a function, and keep the machine code on disk for the next process."""
    return cast(_Function, numba.njit(cache=True, nogil=True)(function))


def latest_conflicts(
    actors: Sequence[int], found: Sequence[Sequence[Access]], groups: Sequence[int] | None = None
) -> Indices:
    """Return int32[instructions, actors]: of each other actor the latest earlier instruction that each conflicts with.

    -1 stands for none. `actors` has an instruction's engine, or any other number below `ENGINE_COUNT` for what works
    in its own order (so that its latest conflicting instruction stands for all earlier ones); -1: it conflicts with
    nothing. `found` holds the accesses of each instruction. `groups` are lengths of runs of instructions of one
    actor; conflicts within a run are not looked for.
    """
    actor_of = np.asarray(actors, np.int64)
    ends = np.arange(1, len(actor_of) + 1) if groups is None else np.cumsum(np.asarray(groups, np.int64))
    table = flatten(found)
    windows, tables = _tables(table, actor_of)
    return _latest(
        actor_of, ends.astype(np.int64), table.offsets, table.fields, table.shape_offsets, table.starts, table.stops,
        windows, tables, np.full(max(1, int(tables.max(initial=-1)) + _longest(windows)), -1, np.int32),
    )


def engines_of(instructions: Sequence[Instruction]) -> list[int]:
    """Return the engine of each instruction, -1 for halt."""
    return [-1 if each.engine is None else int(each.engine) for each in instructions]


@dataclass(frozen=True, slots=True)
class FlatAccesses:
    """All accesses in arrays.

    `fields` is int64[accesses, 4]: space, write, base, footprint; instruction i has those in `offsets[i:i + 2]`.
    Footprint f has the ranges in `shape_offsets[f:f + 2]`.
    """

    offsets: Integers
    fields: Integers
    shape_offsets: Integers
    starts: Integers
    stops: Integers


def flatten(found: Sequence[Sequence[Access]]) -> FlatAccesses:
    """Put the accesses of each instruction into arrays; what shares a footprint goes on sharing it."""
    known: dict[int, int] = {}
    shapes: list[Footprint] = []
    fields: list[tuple[int, bool, int, int]] = []
    for each in found:
        for access in each:
            shape = known.setdefault(id(access.footprint), len(shapes))
            if shape == len(shapes):
                shapes.append(access.footprint)
            fields.append((access.space, access.write, access.base, shape))
    empty = np.zeros(0, np.int64)
    return FlatAccesses(
        np.cumsum([0, *map(len, found)]).astype(np.int64), np.array(fields, np.int64).reshape(-1, 4),
        np.cumsum([0, *(len(shape.starts) for shape in shapes)]).astype(np.int64),
        np.concatenate([empty, *(shape.starts for shape in shapes)]),
        np.concatenate([empty, *(shape.stops for shape in shapes)]),
    )


def _tables(flat: FlatAccesses, actors: Integers) -> tuple[Integers, Integers]:
    """Return the written windows, and where each table of latest instructions begins (-1: there is none).

    A window is the part of an address space that anything writes, (first, last, unit), in units of `unit` addresses:
    the rest cannot conflict. Every written range starts and ends at a multiple of the unit from `first`, so rounding a
    read outwards loses no exactness. A space that nothing writes has unit 0.
    """
    windows = np.zeros((len(Space), 3), np.int64)
    tables = np.full((len(Space), ENGINE_COUNT, 2), -1, np.int64)
    actor_of = np.repeat(actors, np.diff(flat.offsets))
    size = 0
    for space in Space:
        here = flat.fields[:, 0] == space
        written = flat.fields[here & (flat.fields[:, 1] == 1)]
        if not len(written):
            continue
        first, last = _bounds(written, flat.shape_offsets, flat.starts, flat.stops)
        unit = 0
        for shape in np.unique(written[:, 3]):
            ranges = slice(flat.shape_offsets[shape], flat.shape_offsets[shape + 1])
            bases = written[written[:, 3] == shape, 2]
            origin = int(flat.starts[ranges][0])
            unit = math.gcd(unit, int(np.gcd.reduce(bases + origin - first)))
            unit = math.gcd(unit, int(np.gcd.reduce(flat.starts[ranges] - origin)))
            unit = math.gcd(unit, int(np.gcd.reduce(flat.stops[ranges] - origin)))
        windows[space] = first, last, max(unit, 1)
        for actor in range(ENGINE_COUNT):
            for write in (0, 1):
                if (here & (actor_of == actor) & (flat.fields[:, 1] == write)).any():
                    tables[space, actor, write] = size
                    size += -(-(last - first) // max(unit, 1))
    return windows, tables


def _longest(windows: Integers) -> int:
    """Return the most units of a window."""
    return max(-(-(int(last) - int(first)) // int(unit)) if unit else 0 for first, last, unit in windows)


def _bounds(written: Integers, offsets: Integers, starts: Integers, stops: Integers) -> tuple[int, int]:
    """Return the first address of some accesses, and one more than their last."""
    shapes = written[:, 3]
    low, high = written[:, 2] + starts[offsets[shapes]], written[:, 2] + stops[offsets[shapes + 1] - 1]
    return int(low.min()), int(high.max())


@_kept
def _latest(
    actors: Integers, ends: Integers, offsets: Integers, fields: Integers, shape_offsets: Integers,
    starts: Integers, stops: Integers, windows: Integers, tables: Integers, memory: Indices,
) -> Indices:
    """Run over the instructions: look up, in each unit that one touches, who touched it last; then note it there.

    `memory` holds the tables: for each space, actor and direction the latest instruction of each unit.
    """
    latest = np.full((len(actors), tables.shape[1]), -1, np.int32)
    begin = 0
    for end in ends:
        for looking in (True, False):
            for index in range(begin, end):
                actor = actors[index]
                if actor < 0:
                    continue
                for access in range(offsets[index], offsets[index + 1]):
                    space, write = fields[access, 0], fields[access, 1]
                    base, shape = fields[access, 2], fields[access, 3]
                    first, last, unit = windows[space, 0], windows[space, 1], windows[space, 2]
                    if unit == 0:
                        continue
                    for piece in range(shape_offsets[shape], shape_offsets[shape + 1]):
                        low = (max(starts[piece] + base, first) - first) // unit
                        high = -((first - min(stops[piece] + base, last)) // unit)
                        if low >= high:
                            continue
                        if not looking:
                            at = tables[space, actor, write]
                            memory[at + low : at + high] = index
                            continue
                        for other in range(tables.shape[1]):
                            if other == actor:
                                continue
                            for kind in range(2):
                                at = tables[space, other, kind]
                                if at >= 0 and (write or kind):
                                    best = latest[index, other]
                                    for unit_index in range(at + low, at + high):
                                        best = max(best, memory[unit_index])
                                    latest[index, other] = best
        begin = end
    return latest
