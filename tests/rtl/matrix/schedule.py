"""What docs/timing.md and docs/units/matrix.md say the matrix engine does, computed from their formulas.

Nothing here steps through cycles as the Verilog does: the cycle of every event follows from the events before it, and
what is seen in a cycle is looked up in the sets that result.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from machine.registers import EngineState


@dataclass(frozen=True)
class Matrix:
    """One matrix instruction: fields as in docs/isa.md, counts as they are meant (not minus one)."""

    a: int
    a_span: int
    row_counts: tuple[int, int, int]
    row_strides: tuple[int, int, int]
    tap_counts: tuple[int, int, int]
    tap_strides: tuple[int, int, int]
    blocks: int
    block_stride: int
    accumulator: int
    accumulator_stride: int
    accumulate: int
    zero_point: int
    send: int

    @property
    def rows(self) -> int:
        """Rows of a pass."""
        return self.row_counts[0] * self.row_counts[1] * self.row_counts[2]

    def passes(self) -> list[tuple[int, int, bool]]:
        """Return first granule, accumulator row and "overwrites" of each pass."""
        result = []
        for block in range(self.blocks):
            for t2 in range(self.tap_counts[2]):
                for t1 in range(self.tap_counts[1]):
                    for t0 in range(self.tap_counts[0]):
                        taps = np.dot((t0, t1, t2), self.tap_strides)
                        first = (self.a + block * self.block_stride + int(taps)) % 2**18
                        row = (self.accumulator + block * self.accumulator_stride) % 2**16
                        result.append((first, row, t0 == t1 == t2 == 0 and not self.accumulate))
        return result

    def row_addresses(self, first: int) -> list[int]:
        """Return the granule of each row of a pass."""
        return [
            (first + int(np.dot((r0, r1, r2), self.row_strides))) % 2**18
            for r2 in range(self.row_counts[2])
            for r1 in range(self.row_counts[1])
            for r0 in range(self.row_counts[0])
        ]


@dataclass
class Schedule:
    """Events by cycle."""

    issue: dict[int, int] = field(default_factory=dict)
    """Cycle -> instruction."""
    requests: dict[int, tuple[int, int, int]] = field(default_factory=dict)
    """Cycle -> first granule, last granule, accumulator row of the pass presented."""
    grants: set[int] = field(default_factory=set)
    shift_starts: dict[int, int] = field(default_factory=dict)
    """Cycle -> tile."""
    shifting: set[int] = field(default_factory=set)
    shadow_full: set[int] = field(default_factory=set)
    active: set[int] = field(default_factory=set)
    in_flight: set[int] = field(default_factory=set)
    under_way: set[int] = field(default_factory=set)
    """Cycles from the grant of a pass to the write of its last row."""
    accepting: set[int] = field(default_factory=set)
    """The last pass is granted in this cycle."""
    reads: dict[int, int] = field(default_factory=dict)
    """Cycle -> granule."""
    accumulator_reads: dict[int, int] = field(default_factory=dict)
    """Cycle -> row."""
    writes: dict[int, tuple[int, list[int]]] = field(default_factory=dict)
    """Cycle -> row, values."""
    hold_read: dict[int, tuple[int, int]] = field(default_factory=dict)
    """Cycle -> first and last granule of the pass."""
    hold_accumulator: dict[int, set[int]] = field(default_factory=dict)
    """Cycle -> accumulator rows (one of each pass)."""
    retire: dict[int, int] = field(default_factory=dict)
    """Cycle -> send mask."""
    hazard: bool = False
    """A row is read before its last write is visible: the page excludes that."""

    @property
    def end(self) -> int:
        """Last cycle of interest."""
        return max([*self.retire, *self.shifting]) + 4

    def state(self, cycle: int, denial: str) -> EngineState:
        """Return the engine's state by the table of docs/timing.md, without wait_token."""
        if cycle in self.reads:
            return EngineState.BUSY
        if cycle in self.grants or cycle in self.issue:
            return EngineState.START
        if cycle in self.active and cycle not in self.shadow_full:
            return EngineState.WAIT_SHIFT if cycle in self.shifting else EngineState.WAIT_WEIGHTS
        if cycle in self.requests:
            return EngineState.WAIT_BANK if denial == "bank" else EngineState.WAIT_ACCUMULATOR
        return EngineState.DRAIN if cycle in self.in_flight else EngineState.IDLE

    def quiet(self, cycle: int) -> bool:
        """Say whether matrix lets the cycle be quiet."""
        events = (self.issue, self.grants, self.shifting, self.under_way)
        return not any(cycle in event for event in events)


def build(
    instructions: list[Matrix],
    ready: list[int],
    arrivals: list[int],
    denied: Callable[[int], bool],
    tiles: list[np.ndarray],
    granules: np.ndarray,
    accumulators: np.ndarray,
) -> Schedule:
    """Compute the schedule and change `accumulators` as the program does.

    Args:
        instructions: the program.
        ready: first cycle in which each instruction is at the queue's head with its tokens.
        arrivals: first cycle in which each tile is present.
        denied: whether a claim is denied in a cycle.
        tiles: the weights, rows x columns each, one for each pass (more are shifted in as far as there is room).
        granules: the scratchpad, one granule a row.
        accumulators: rows x columns, int64 of values modulo 2**32.
    """
    rows, columns = tiles[0].shape
    lanes = max(1, rows // granules.shape[1])
    schedule = Schedule()
    tile = 0
    shift = arrivals[0]
    free = 0  # first cycle in which no rows of earlier passes but the last are being read
    accept = 0
    written: dict[int, int] = {}
    for number, instruction in enumerate(instructions):
        issue = max(accept, ready[number])
        schedule.issue[issue] = number
        m = instruction.rows
        grant = issue
        for first, row, overwrite in instruction.passes():
            schedule.shift_starts[shift] = tile
            full = shift + rows
            present = max(issue + 1, full, free)
            grant = present
            last = first + instruction.a_span
            while denied(grant):
                grant += 1
            schedule.requests |= dict.fromkeys(range(present, grant + 1), (first, last, row))
            schedule.grants.add(grant)
            schedule.shadow_full |= set(range(full, grant + 1))
            free = grant + m
            schedule.under_way |= set(range(grant, grant + m + rows + columns + 2 + 1))
            # Held until the access before the last one.
            schedule.hold_read |= dict.fromkeys(range(grant + 1, grant + m), (first, last))
            for cycle in range(grant + 1, grant + m + rows + columns + 1 + 1):
                schedule.hold_accumulator.setdefault(cycle, set()).add(row)
            for i, address in enumerate(instruction.row_addresses(first)):
                read = grant + 1 + i
                schedule.reads[read] = address
                aligned = address // lanes * lanes
                x = granules[aligned : aligned + lanes].reshape(-1).astype(np.int64)[:rows]
                sums = (x - instruction.zero_point) @ tiles[tile]
                accumulators[row + i] = ((0 if overwrite else accumulators[row + i]) + sums) % 2**32
                write = read + rows + columns + 2
                schedule.accumulator_reads[write - 2] = row + i
                schedule.hazard |= not overwrite and written.get(row + i, -1) >= write - 2
                written[row + i] = write
                schedule.writes[write] = row + i, [int(value) for value in accumulators[row + i]]
            tile += 1
            shift = max(shift + rows, arrivals[tile], grant)
        retire = grant + m + rows + columns + 2
        schedule.retire[retire] = instruction.send
        schedule.active |= set(range(issue + 1, grant + 1))
        schedule.accepting.add(grant)
        schedule.in_flight |= set(range(issue + 1, retire + 1))
        accept = grant
    # One more tile finds the shadow registers empty and waits there.
    schedule.shift_starts[shift] = tile
    for start in schedule.shift_starts:
        schedule.shifting |= set(range(start, start + rows))
    schedule.shadow_full |= set(range(shift + rows, schedule.end + rows + 1))
    return schedule
