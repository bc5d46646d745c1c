"""The time that a program takes on the simulator, segment by segment."""

from __future__ import annotations

import functools
from collections.abc import Iterator

from accel_sim.time import Clock, TimeResult, simulate_time
from machine.config import load_machine
from machine.isa import Opcode, make
from machine.program import Program, Segment

MAX_CYCLES = 1_000_000_000
"""A program that runs longer is given up, where nothing else is asked for."""


@functools.cache
def prepare_simulator(clock: Clock = Clock.EVENTS) -> None:
    """Compile a model of time, or load it from the cache, so that measured runs do not begin with that."""
    simulate_time(load_machine("nano4"), [make(Opcode.HALT)], clock=clock)


def segment_time(
    program: Program, segment: Segment, clock: Clock = Clock.EVENTS, with_history: bool = False,
    max_cycles: int = MAX_CYCLES,
) -> TimeResult:
    """Simulate one segment's time, its cycles charged to the program's nodes; options as for `simulate_time`.

    Raises:
        SimulationError: it runs too long.
    """
    return simulate_time(
        program.machine, program.code(segment), program_address=segment.program_address,
        memory_limit=program.memory_bytes, groups=segment.instruction_nodes, clock=clock, with_history=with_history,
        max_cycles=max_cycles,
    )


def program_times(program: Program) -> Iterator[TimeResult]:
    """Yield the time of each segment, in order.

    Raises:
        SimulationError: one runs too long.
    """
    for segment in program.segments:
        yield segment_time(program, segment)
