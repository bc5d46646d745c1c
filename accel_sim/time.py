"""The time of a program: when each instruction issues and retires, and what every engine does in every cycle.

Two models give it, and they are equal in everything: the stepper goes from cycle to cycle and is the law made readable;
the events kernel goes from event to event and is a hundred times as fast. Values never affect time, so both need
instructions only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from accel_sim import events, stepper
from accel_sim.timing.accounts import ACCOUNTED, CAUSE_COUNT, Cause
from accel_sim.timing.decode import HALT, ILLEGAL, Program, decode_program
from accel_sim.timing.history import FIRST_CAPACITY, History, finish_history
from accel_sim.timing.trace import Ending, Start, Trace, open_trace
from machine.config import BURST_BYTES, Machine
from machine.errors import ProgramError, SimulationError
from machine.isa import INSTRUCTION_BYTES, Engine, Instruction, encode
from machine.registers import Status

__all__ = [
    "ACCOUNTED", "CAUSE_COUNT", "HALT", "ILLEGAL", "WHOLE_MEMORY_BYTES", "Cause", "Clock", "History", "Program",
    "TimeResult", "decode_program", "simulate_time", "start_of", "time_decoded",
]

WHOLE_MEMORY_BYTES = (1 << 32) - 64
"""Largest MEMORY_LIMIT."""

Int64Array = npt.NDArray[np.int64]


class Clock(StrEnum):
    """The models of time."""

    EVENTS = "events"
    STEPPER = "stepper"


_RUNS: dict[Clock, Callable[[Machine, Program, Start, Trace], Ending]] = {
    Clock.EVENTS: events.run,
    Clock.STEPPER: stepper.run,
}


@dataclass(frozen=True, eq=False)
class TimeResult:
    """When everything happened.

    Attributes:
        status: how the program ended.
        cycles: the program's last cycle; cycles 1 to `cycles` are counted.
        indices: int64[n] of each engine, the places of its instructions in the program (illegal ones left out).
        issue: int64[n], issue cycle of each of them, -1 if it was not issued.
        retire: int64[n], retire cycle, -1 if it did not retire.
        counters: int64[5, 11] (Engine x EngineState), cycles in each state.
        read_beats: bus beats received, the program's own included.
        write_beats: bus beats sent.
        seconds: `cycles` at the machine's clock.
        snapshots: int64[k, 5, 11], the counters at the end of each of the cycles that the caller marked.
        accounts: int64[groups + 1, causes] of each engine in `ACCOUNTED`, cycles by group and `Cause`; the last group
            has what belongs to no other.
        history: what each engine did in its order, empty unless it was asked for; the runs of a cause add up to the
            engine's counters and accounts.
    """

    status: Status
    cycles: int
    indices: dict[Engine, Int64Array]
    issue: dict[Engine, Int64Array]
    retire: dict[Engine, Int64Array]
    counters: Int64Array
    read_beats: int
    write_beats: int
    seconds: float
    snapshots: Int64Array
    accounts: dict[Engine, Int64Array]
    history: dict[Engine, History]


def simulate_time(
    machine: Machine,
    program: bytes | Sequence[Instruction],
    program_address: int = 0,
    memory_limit: int = WHOLE_MEMORY_BYTES,
    max_cycles: int = 1_000_000_000,
    marks: Sequence[int] = (),
    groups: Sequence[int] = (),
    clock: Clock = Clock.EVENTS,
    with_history: bool = False,
) -> TimeResult:
    """Run a program through the machine's time, from the write of the start register (cycle 0).

    Args:
        machine: the machine.
        program: encoded instructions (n x 64 bytes, legal or not), or instructions.
        program_address: byte address of the program, below 2**32; bits below 256 are ignored, as by the machine.
        memory_limit: bytes of memory that the program may address, a multiple of 64 below 2**32.
        max_cycles: give up after this many cycles.
        marks: cycles in ascending order, none after the program's end, at whose end the counters are copied.
        groups: the group (a layer) of each instruction from 0, negative for none, to which cycles are charged.
        clock: the model; the result is the same.
        with_history: record what each engine does in its order; 32 bytes for each change.

    Raises:
        SimulationError: the program runs longer than `max_cycles`.
        ProgramError: the program is not a multiple of 64 bytes, an address is outside its range, or `groups` is
            neither empty nor as long as the program.
    """
    data = program if isinstance(program, bytes) else b"".join(encode(instruction) for instruction in program)
    start = start_of(len(data) // INSTRUCTION_BYTES, program_address, memory_limit, max_cycles)
    result = time_decoded(machine, decode_program(machine, data), start, marks, groups, clock, with_history)
    if result.status is Status.RUNNING:
        raise SimulationError(f"the program has not ended after {max_cycles} cycles")
    return result


def start_of(program_length: int, program_address: int, memory_limit: int, max_cycles: int) -> Start:
    """Return the host registers of a run; the arguments are those of `simulate_time`.

    Raises:
        ProgramError: an address is outside its range.
    """
    if not 0 <= program_address < 1 << 32:
        raise ProgramError(f"program_address = {program_address}: legal are 0 to 2**32 - 1")
    if not 0 <= memory_limit <= WHOLE_MEMORY_BYTES or memory_limit % 64:
        raise ProgramError(f"memory_limit = {memory_limit}: legal are multiples of 64 up to {WHOLE_MEMORY_BYTES}")
    return Start(program_address // BURST_BYTES * BURST_BYTES, program_length, memory_limit, max_cycles)


def time_decoded(
    machine: Machine, program: Program, start: Start, marks: Sequence[int] = (), groups: Sequence[int] = (),
    clock: Clock = Clock.EVENTS, with_history: bool = False,
) -> TimeResult:
    """Run a decoded program; the arguments are those of `simulate_time`.

    A program that has not ended after `start.max_cycles` gives what happened until the end of that cycle, its status
    RUNNING.

    Raises:
        ProgramError: `groups` is neither empty nor as long as the program.
    """
    trace, ending = _run(clock, machine, program, start, marks, groups, FIRST_CAPACITY if with_history else 0)
    indices = {engine: np.flatnonzero(program.engine == engine) for engine in Engine}
    issue = {engine: trace.issue[engine, : len(indices[engine])] for engine in Engine}
    return TimeResult(
        status=Status(ending.status),
        cycles=ending.cycles,
        indices=indices,
        issue=issue,
        retire={engine: trace.retire[engine, : len(indices[engine])] for engine in Engine},
        counters=trace.counters,
        read_beats=ending.read_beats,
        write_beats=ending.write_beats,
        seconds=ending.cycles / machine.clock_hz,
        snapshots=trace.snapshots,
        accounts={engine: trace.account.cycles[engine] for engine in ACCOUNTED},
        history=finish_history(machine, trace.runs, ending.cycles, issue) if with_history else {},
    )


def _run(
    clock: Clock, machine: Machine, program: Program, start: Start, marks: Sequence[int], groups: Sequence[int],
    capacity: int,
) -> tuple[Trace, Ending]:
    """Run a program, and again if it has more runs of cycles than there was room for."""
    trace = open_trace(program, marks, groups, capacity)
    ending = _RUNS[clock](machine, program, start, trace)
    if capacity and trace.runs.written[0] > capacity:
        return _run(clock, machine, program, start, marks, groups, int(trace.runs.written[0]))
    return trace, ending
