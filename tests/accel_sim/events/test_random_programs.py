"""Random programs on random machines, legal ones and damaged ones: both models of time are equal in everything."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from random import Random

import pytest

from accel_sim.time import WHOLE_MEMORY_BYTES
from machine.config import Machine, load_machine
from machine.errors import SimulationError
from machine.isa import INSTRUCTION_BYTES, Instruction, encode
from runtime.fuzz.damage import damaged
from runtime.fuzz.random_machines import random_machine
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program
from tests.accel_sim.both_clocks import simulate_both

NAMED = ["nano4", "edge4x8", "edge8x4", "edge16", "edge32"]
PARTS = 12
DAMAGES = 11
"""Damaged programs made of each legal one: six for its machine, the others for any machine."""
GROUPS = 3


def encoded(program: Sequence[Instruction]) -> bytes:
    return b"".join(encode(instruction) for instruction in program)


def compare(machine: Machine, code: bytes, random: Random) -> None:
    """Run a program with random host registers, marks and groups on both."""
    with suppress(SimulationError):  # neither has ended
        simulate_both(
            machine, code,
            program_address=random.choice([0, 0, 0, 256, 1 << 14]),
            memory_limit=random.choice([MEMORY_BYTES, MEMORY_BYTES, MEMORY_BYTES // 2, WHOLE_MEMORY_BYTES]),
            max_cycles=random.choice([30_000, 3_000]),
            marks=sorted(random.sample(range(1, 3_000), 5)),
            groups=[index % (GROUPS + 1) - 1 for index in range(len(code) // INSTRUCTION_BYTES)],
        )


@pytest.mark.parametrize("part", range(PARTS))
def test_random_machines(part: int) -> None:
    for number in range(18):
        seed = 1000 * part + number
        random = Random(seed)
        machine = random_machine(seed, random.choice([8, 32, 256]))
        code = encoded(random_program(machine, seed, random.choice([3, 10, 30, 60])))
        compare(machine, code, random)
        for damage in range(DAMAGES):
            other = machine if damage < 6 else random_machine(100 * seed + damage, random.choice([8, 32, 256]))
            compare(other, damaged(code, 100 * seed + damage), random)


@pytest.mark.parametrize("name", NAMED)
def test_named_machines(name: str) -> None:
    machine = load_machine(name)
    for seed in range(60):
        program = random_program(machine, seed, 1 + seed)
        simulate_both(machine, program, memory_limit=MEMORY_BYTES, groups=[0] * len(program))
