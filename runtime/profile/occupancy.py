"""How full the scratchpad and the accumulators are in each cycle (docs/profile.md).

A granule of the scratchpad, or a row of the accumulators, is occupied while it holds a value that is still to be read:
from the cycle in which the instruction that writes it issues, since its place must be free from then on, to the cycle
in which the last instruction that reads it retires, since only then may another engine write there. A value that
nothing reads occupies nothing.

A write begins a new value, with two exceptions. A product that is added to what the accumulators hold reads the value
before. A load that fills a part of a granule only adds to a value that nothing has read yet. Nothing passes from one
segment to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from accel_sim.time import TimeResult
from accel_sim.timing.jit import compiled, compiled_and_kept
from compiler.backend.accesses import AccessTable, Space
from compiler.backend.conflicts import flatten
from machine.config import ACCUMULATOR_BYTES, Machine
from machine.isa import Instruction, LoadSpace, Opcode
from machine.program import Program

Int64Array = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Steps:
    """The bytes of one memory that are occupied, as a step function of the cycle.

    `occupied_bytes[i]` holds from `cycles[i]` to before `cycles[i + 1]`; the first entry is cycle 0, with no bytes, and
    the last one has no bytes either. Cycles are absolute: segments follow each other without a gap.
    """

    cycles: Int64Array
    occupied_bytes: Int64Array
    capacity_bytes: int

    @property
    def peak_bytes(self) -> int:
        """The most bytes that are ever occupied."""
        return int(self.occupied_bytes.max())

    def high_water_bytes(self, first_cycle: int, last_cycle: int) -> int:
        """Return the most bytes that are occupied in any of the cycles first to last (both included; 0 if none)."""
        if last_cycle < first_cycle:
            return 0
        begin = int(np.searchsorted(self.cycles, first_cycle, side="right")) - 1
        end = int(np.searchsorted(self.cycles, last_cycle, side="right"))
        return int(self.occupied_bytes[max(begin, 0) : end].max(initial=0))


@dataclass(frozen=True, eq=False)
class Occupancy:
    """How full the scratchpad and the accumulators are over a program's time."""

    scratchpad: Steps
    accumulators: Steps

    def high_water(self, first_cycle: int, last_cycle: int) -> tuple[int, int]:
        """Return the most bytes of scratchpad and of accumulators occupied in the cycles first to last."""
        return (
            self.scratchpad.high_water_bytes(first_cycle, last_cycle),
            self.accumulators.high_water_bytes(first_cycle, last_cycle),
        )


def occupancy(program: Program, times: Sequence[TimeResult]) -> Occupancy:
    """Return how full the memories are while a program runs; `times` are those of its segments, in order."""
    machine, table = program.machine, AccessTable(program.machine)
    ends = np.cumsum([0, *(time.cycles for time in times)]).tolist()
    changes = [
        _changes(machine, table, segment.instructions, time, start)
        for segment, time, start in zip(program.segments, times, ends[:-1], strict=True)
    ]
    sizes = {
        Space.SCRATCHPAD: (machine.granule_bytes, machine.scratchpad_bytes),
        Space.ACCUMULATOR: (machine.columns * ACCUMULATOR_BYTES, machine.accumulator_bytes),
    }
    scratchpad, accumulators = (
        _steps([cycles for cycles, _ in changes], [counts[space] * unit for _, counts in changes], capacity)
        for space, (unit, capacity) in sizes.items()
    )
    return Occupancy(scratchpad, accumulators)


def _changes(
    machine: Machine, table: AccessTable, instructions: Sequence[Instruction], time: TimeResult, start_cycle: int
) -> tuple[Int64Array, Int64Array]:
    """Return absolute cycles, and how many units more are occupied from each of them on: int64[spaces, cycles]."""
    issue, retire = issue_and_retire(time, len(instructions))
    retire = np.where((issue >= 0) & (retire < 0), time.cycles, retire)  # a program that an error ended
    flat = flatten([table.of(instruction) for instruction in instructions])
    taken, freed = _walk(
        issue, retire,
        np.array([_fills_part(machine, instruction) for instruction in instructions], np.bool_),
        np.array([_accumulates(instruction) for instruction in instructions], np.bool_),
        flat.offsets, flat.fields, flat.shape_offsets, flat.starts, flat.stops,
        np.array([machine.scratchpad_granules, machine.accumulator_rows]),
    )
    return np.concatenate([issue, retire + 1]) + start_cycle, np.concatenate([taken, -freed], axis=1)


def issue_and_retire(time: TimeResult, instructions: int) -> tuple[Int64Array, Int64Array]:
    """Return the issue and the retire cycle of each of a segment's instructions, -1 where it did not."""
    issue, retire = np.full((2, instructions), -1, np.int64)
    for engine, indices in time.indices.items():
        issue[indices], retire[indices] = time.issue[engine], time.retire[engine]
    return issue, retire


def _fills_part(machine: Machine, instruction: Instruction) -> bool:
    """Whether an instruction writes granules of the scratchpad of which it leaves some bytes as they are."""
    if instruction.opcode is not Opcode.LOAD or instruction["space"] != LoadSpace.SCRATCHPAD:
        return False
    first = instruction["lane_offset"]
    return bool(first % machine.granule_bytes or (first + instruction["window_bytes"]) % machine.granule_bytes)


def _accumulates(instruction: Instruction) -> bool:
    return instruction.opcode is Opcode.MATRIX and bool(instruction["accumulate"])


def _steps(cycles: Sequence[Int64Array], changes: Sequence[Int64Array], capacity_bytes: int) -> Steps:
    """Sum up changes of bytes, in any order of cycles."""
    every = np.concatenate([np.zeros(1, np.int64), *cycles])
    change = np.concatenate([np.zeros(1, np.int64), *changes])
    needed = change != 0
    needed[0] = True
    at, place = np.unique(every[needed], return_inverse=True)
    sums = np.zeros(len(at), np.int64)
    np.add.at(sums, place, change[needed])
    kept = sums != 0
    kept[0] = True
    return Steps(at[kept], np.cumsum(sums[kept]), capacity_bytes)


@compiled
def _end_value(
    space: int, unit: int, issue: Int64Array, retire: Int64Array, writer: Int64Array, reader: Int64Array,
    freer: Int64Array, taken: Int64Array, freed: Int64Array,
) -> None:
    """Count a unit's value, which is over, if anything read it.

    Within one engine an instruction may issue before an earlier one has read what it overwrites: then its value counts
    from the end of the other's.
    """
    last = reader[space, unit]
    if last < 0:
        return
    before = freer[space, unit]
    if before < 0 or retire[before] < issue[writer[space, unit]]:
        taken[space, writer[space, unit]] += 1
    elif retire[before] < retire[last]:
        freed[space, before] -= 1
    else:
        return
    freed[space, last] += 1
    freer[space, unit] = last


@compiled_and_kept
def _walk(
    issue: Int64Array, retire: Int64Array, fills_part: Flags, accumulates: Flags, offsets: Int64Array,
    fields: Int64Array, shape_offsets: Int64Array, starts: Int64Array, stops: Int64Array, sizes: Int64Array,
) -> tuple[Int64Array, Int64Array]:
    """Run over the instructions in program order, which is the order in which they meet at an address.

    Returns how many units of each space are taken at an instruction's issue, and how many are free after its
    retirement: int64[spaces, instructions] each. `sizes` are the units of the spaces that are looked at, which are
    those with the first numbers. Of a unit's value `writer` holds the instruction that wrote it, `reader` the one of
    its readers that retires last; `freer` is the last reader of the value before; -1: there is none.
    """
    taken = np.zeros((len(sizes), len(issue)), np.int64)
    freed = np.zeros((len(sizes), len(issue)), np.int64)
    writer = np.full((len(sizes), sizes.max()), -1, np.int64)
    reader = np.full((len(sizes), sizes.max()), -1, np.int64)
    freer = np.full((len(sizes), sizes.max()), -1, np.int64)
    for index in range(len(issue)):
        if issue[index] < 0:
            continue
        for writes in range(2):
            for access in range(offsets[index], offsets[index + 1]):
                space, base, shape = fields[access, 0], fields[access, 2], fields[access, 3]
                if space >= len(sizes) or fields[access, 1] != writes:
                    continue
                for piece in range(shape_offsets[shape], shape_offsets[shape + 1]):
                    for unit in range(starts[piece] + base, min(stops[piece] + base, sizes[space])):
                        if not writes or accumulates[index]:
                            last = reader[space, unit]
                            if writer[space, unit] >= 0 and (last < 0 or retire[last] < retire[index]):
                                reader[space, unit] = index
                        if not writes or (fills_part[index] and writer[space, unit] >= 0 and reader[space, unit] < 0):
                            continue
                        _end_value(space, unit, issue, retire, writer, reader, freer, taken, freed)
                        writer[space, unit] = index
                        reader[space, unit] = -1
    for space in range(len(sizes)):
        for unit in range(sizes[space]):
            _end_value(space, unit, issue, retire, writer, reader, freer, taken, freed)
    return taken, freed
