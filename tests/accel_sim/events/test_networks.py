"""Whole compiled programs: the event-skipping kernel is equal to the stepper in everything."""

from __future__ import annotations

import pytest

from benchmarks.golden_cycles import programs
from benchmarks.networks import NETWORKS, compile_random
from machine.config import load_machine
from machine.program import Program
from tests.accel_sim.both_clocks import simulate_both


def compare(program: Program) -> None:
    for segment in program.segments:
        simulate_both(
            program.machine, program.code(segment), program_address=segment.program_address,
            memory_limit=program.memory_bytes, groups=segment.instruction_nodes, marks=[1000, 10_000],
        )


def test_golden_programs() -> None:
    for kind in programs().values():
        for program in kind.values():
            compare(program)


@pytest.mark.slow
@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name: str) -> None:
    compare(compile_random(load_machine("edge16"), NETWORKS[name](), name))
