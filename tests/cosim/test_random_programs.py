"""Seeded random legal programs: simulator and Verilated RTL agree in every byte, instruction and counter."""

from __future__ import annotations

import numpy as np
import pytest

from accel_sim.function import execute
from compiler.verify_program import verify_program
from machine.config import Machine, load_machine
from machine.isa import Instruction, encode
from machine.program import Program
from runtime.cosim import cosimulate
from tests.accel_sim.function.literal import LiteralMachine
from tests.accel_sim.random_programs import MEMORY_BYTES, random_program


def program_of(machine: Machine, instructions: list[Instruction], seed: int) -> Program:
    image = np.random.default_rng(seed).integers(0, 256, MEMORY_BYTES, dtype=np.uint8)
    code = b"".join(encode(instruction) for instruction in instructions)
    image[: len(code)] = np.frombuffer(code, np.uint8)
    return Program(machine, tuple(instructions), image, MEMORY_BYTES, source=f"random {seed}")


@pytest.mark.parametrize(
    ("name", "programs"),
    [("nano4", 40), ("edge4x8", 20), ("edge8x4", 20), ("edge8", 10)],
)
def test_simulator_equals_rtl(name: str, programs: int) -> None:
    machine = load_machine(name)
    for seed in range(programs):
        program = program_of(machine, random_program(machine, seed, 30), seed)
        result = cosimulate(program, np.array(program.image))
        assert result.equal and result.status_sim == "done", (seed, result.differences)
        assert result.bytes_compared == MEMORY_BYTES and result.instructions >= 30


@pytest.mark.parametrize("name", ["nano4", "edge4x8", "edge8x4"])
def test_function_equals_the_literal_interpreter_and_the_verifier_accepts(name: str) -> None:
    machine = load_machine(name)
    for seed in range(100, 106):
        instructions = random_program(machine, seed, 16)
        verify_program(machine, instructions, MEMORY_BYTES)
        program = program_of(machine, instructions, seed)
        memory, literal = program.image[None].copy(), bytearray(program.image.tobytes())
        execute(machine, instructions, memory)
        LiteralMachine(machine, literal).run(instructions)
        assert memory[0].tobytes() == bytes(literal), seed
