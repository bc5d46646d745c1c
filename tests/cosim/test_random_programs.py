"""Seeded random legal programs: simulator and Verilated RTL agree in every byte, instruction and counter."""

from __future__ import annotations

import pytest

from machine.config import Machine, load_machine
from machine.isa import Instruction
from machine.program import Program
from runtime.cosim import cosimulate
from runtime.fuzz.random_images import random_image
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program
from runtime.session import Session


def program_of(machine: Machine, instructions: list[Instruction], seed: int) -> Program:
    image = random_image(machine, instructions, seed)
    return Program.kernel(machine, instructions, image, MEMORY_BYTES, source=f"random {seed}")


@pytest.mark.parametrize(
    ("name", "programs"),
    [("nano4", 40), ("edge4x8", 20), ("edge8x4", 20), ("edge8", 10)],
)
def test_simulator_equals_rtl(name: str, programs: int) -> None:
    machine = load_machine(name)
    for seed in range(programs):
        program = program_of(machine, random_program(machine, seed, 30), seed)
        result = cosimulate(Session(program))
        assert result.equal and result.status_sim == "done", (seed, result.differences)
        assert result.bytes_compared == MEMORY_BYTES and result.instructions >= 30
