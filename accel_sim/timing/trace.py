"""What a model of time writes down while it runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from accel_sim.timing.accounts import Account, open_account
from accel_sim.timing.decode import Program
from accel_sim.timing.history import Runs, open_runs
from machine.isa import ENGINE_COUNT
from machine.registers import STATE_COUNT

Int64Array = npt.NDArray[np.int64]


class Trace(NamedTuple):
    """What is recorded of a run; -1 where it has not happened.

    Attributes:
        issue: int64[5, most], issue cycle of each engine's instructions.
        retire: int64[5, most], retire cycle.
        counters: int64[5, 11], cycles that each engine spent in each state.
        marks: int64[k], cycles at whose end `counters` is copied, in ascending order.
        snapshots: int64[k, 5, 11], those copies.
        account: to whom the cycles of the matrix and the vector engine are charged.
        runs: what every engine did, in order.
    """

    issue: Int64Array
    retire: Int64Array
    counters: Int64Array
    marks: Int64Array
    snapshots: Int64Array
    account: Account
    runs: Runs


def open_trace(program: Program, marks: Sequence[int], groups: Sequence[int], run_capacity: int = 0) -> Trace:
    """Return an empty trace of a program; `marks` and `groups` as in `accel_sim.time.simulate_time`.

    `run_capacity` is for how many runs there is room, 0 where they are not wanted.

    Raises:
        ProgramError: `groups` is neither empty nor as long as the program.
    """
    shape = program.wait.shape
    counters = np.zeros((ENGINE_COUNT, STATE_COUNT), dtype=np.int64)
    return Trace(
        issue=np.full(shape, -1, dtype=np.int64),
        retire=np.full(shape, -1, dtype=np.int64),
        counters=counters,
        marks=np.asarray(marks, dtype=np.int64).reshape(-1),
        snapshots=np.zeros((len(marks), *counters.shape), dtype=np.int64),
        account=open_account(program.engine, shape[1], groups),
        runs=open_runs(run_capacity),
    )


class Start(NamedTuple):
    """The host registers at the start, and when to give up.

    Attributes:
        program_address: byte address of the program, a multiple of 256.
        program_length: instructions.
        memory_limit: bytes of memory that the program may address.
        max_cycles: cycles after which a run is given up.
    """

    program_address: int
    program_length: int
    memory_limit: int
    max_cycles: int


class Ending(NamedTuple):
    """How a run ended.

    Attributes:
        status: a value of `machine.registers.Status`; RUNNING if it was given up.
        cycles: the last cycle.
        read_beats: bus beats received.
        write_beats: bus beats sent.
    """

    status: int
    cycles: int
    read_beats: int
    write_beats: int
