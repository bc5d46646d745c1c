"""Time, from event to event: the law of `docs/timing.md` and `docs/units/` in work that does not grow with cycles.

One module for each unit; `kernel.py` is the order of things within a cycle and the way to the next one. The law is
implemented here a second time: the stepper (`accel_sim.stepper`) goes through every cycle, this kernel computes when
the next thing happens (docs/events.md).
"""

from __future__ import annotations

import numpy as np

from accel_sim.events.kernel import run_kept
from accel_sim.events.state import initial_state
from accel_sim.events.tables import LOAD_BURST, address_of, fill_tables
from accel_sim.timing.decode import Program
from accel_sim.timing.trace import Ending, Start, Trace
from machine.config import Machine

__all__ = ["run"]


def run(machine: Machine, program: Program, start: Start, trace: Trace) -> Ending:
    """Take a decoded program through the machine's events and fill its trace."""
    state = initial_state(machine, start.program_address, start.program_length, start.memory_limit)
    bursts = np.zeros(machine.load_buffer_beats + 1, dtype=LOAD_BURST)
    fill_tables(state[0].tables, program, trace, bursts)
    history = state[0].history
    history.rows, history.capacity = address_of(trace.runs.rows), len(trace.runs.rows)
    snapshots = np.zeros((len(trace.marks) + 1, *trace.counters.shape), dtype=np.int64)
    ending = run_kept(state, trace.marks, snapshots, start.max_cycles)
    trace.snapshots[:] = snapshots[:-1]
    trace.counters[:] = snapshots[-1]
    trace.runs.written[0] = history.count
    return Ending(*ending)
