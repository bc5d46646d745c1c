"""Time, cycle by cycle: the law of `docs/timing.md` and `docs/units/` made readable.

One module for each unit; `cycle.py` is the order of things within a cycle. Values never affect time, so the stepper
needs instructions only. It is what co-simulation compares with the Verilog, and what the event-skipping kernel
(`accel_sim.events`) is compared with.
"""

from __future__ import annotations

from accel_sim.stepper.cycle import run_kept
from accel_sim.stepper.state import initial_state
from accel_sim.timing.decode import Program
from accel_sim.timing.trace import Ending, Start, Trace
from machine.config import Machine

__all__ = ["run"]


def run(machine: Machine, program: Program, start: Start, trace: Trace) -> Ending:
    """Step a decoded program through the machine and fill its trace."""
    state = initial_state(machine, start.program_address, start.program_length, start.memory_limit)
    status, cycles = run_kept(state, program, trace, start.max_cycles)
    return Ending(status, cycles, int(state[0].memory.read_beats), int(state[0].memory.write_beats))
