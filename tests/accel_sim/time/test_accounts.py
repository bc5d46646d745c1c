"""Random programs: the causes of each state add up to its counter, and each group has its own instructions' reads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accel_sim.time import ACCOUNTED, Cause
from machine.config import load_machine
from machine.isa import Engine
from machine.registers import EngineState
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program
from tests.accel_sim.both_clocks import simulate_both

READS = {
    Engine.MATRIX: ("row_count0", "row_count1", "row_count2", "tap_count0", "tap_count1", "tap_count2", "blocks"),
    Engine.VECTOR: ("blocks", "y_count", "x_count", "ky_count", "kx_count"),
}
GROUPS = 3


@pytest.mark.parametrize("name", ["nano4", "edge4x8", "edge16"])
@given(seed=st.integers(0, 2**32), length=st.integers(1, 60))
@settings(max_examples=25, deadline=None)
def test_accounts_refine_the_counters(name: str, seed: int, length: int) -> None:
    machine = load_machine(name)
    program = random_program(machine, seed, length)
    groups = [index % (GROUPS + 1) - 1 for index in range(len(program))]
    timing = simulate_both(machine, program, memory_limit=MEMORY_BYTES, max_cycles=1_000_000, groups=groups)
    for engine in ACCOUNTED:
        charged = timing.accounts[engine]
        assert charged.sum() == timing.cycles and len(charged) == max(groups) + 2
        for state in EngineState:
            causes = [cause for cause in Cause if cause.state is state]
            assert charged[:, causes].sum() == timing.counters[engine, state]
        reads = np.zeros(len(charged), np.int64)
        for instruction, group in zip(program, groups, strict=True):
            if instruction.engine is engine:
                reads[group] += int(np.prod([instruction[field] for field in READS[engine]]))
        np.testing.assert_array_equal(charged[:, Cause.BUSY], reads)
