"""A program on both models of time: whatever a test asks of one, it asks of their equality too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from accel_sim.time import Clock, TimeResult
from machine.config import Machine
from machine.errors import SimulationError
from machine.isa import Instruction, encode
from machine.registers import Status
from runtime.fuzz.differences import both_times, differences


def simulate_both(machine: Machine, program: bytes | Sequence[Instruction], **options: Any) -> TimeResult:
    """Return what `accel_sim.time.simulate_time` gives on both models, with history; they are equal in everything.

    Raises:
        SimulationError: the program has not ended; what happened until then is equal.
        ProgramError: as `simulate_time`.
    """
    data = program if isinstance(program, bytes) else b"".join(map(encode, program))
    times = both_times(machine, data, **options)
    different = differences(times[Clock.EVENTS], times[Clock.STEPPER])
    assert not different, "\n".join(different)
    if times[Clock.STEPPER].status is Status.RUNNING:
        raise SimulationError(f"the program has not ended after {times[Clock.STEPPER].cycles} cycles")
    return times[Clock.STEPPER]
