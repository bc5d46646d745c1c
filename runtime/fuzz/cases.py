"""One case of the fuzzer: a machine and the code that it runs, drawn by number, kept as a program file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import numpy.typing as npt

from compiler.verify_program import verify_program
from machine.config import Machine
from machine.errors import ProgramError
from machine.isa import INSTRUCTION_BYTES, Instruction, decode, encode
from machine.program import Program, Segment, load_program
from runtime.fuzz.damage import damaged
from runtime.fuzz.random_images import random_image
from runtime.fuzz.random_machines import random_machine
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program

LENGTHS = (3, 10, 30, 60)
"""Least instructions of a program, each as often as the others."""
LARGEST = (8, 32, 256)
"""Bounds of a random machine's rows and columns, likewise; small machines reach their edges sooner."""


@dataclass(frozen=True)
class Case:
    """What is compared.

    Attributes:
        machine: the machine.
        code: encoded instructions from address 0 of memory, legal or not.
        data: uint8[MEMORY_BYTES] as bytes, the memory before the run; the code lies over its beginning.
        source: where it came from, in words.
    """

    machine: Machine
    code: bytes
    data: bytes
    source: str

    @property
    def words(self) -> list[bytes]:
        """The encoded instructions, one by one."""
        return [self.code[first : first + INSTRUCTION_BYTES] for first in range(0, len(self.code), INSTRUCTION_BYTES)]

    def decoded(self) -> list[Instruction | None]:
        """Return the instructions; None for those that no machine knows."""
        return [_decoded(word) for word in self.words]

    def memory(self) -> npt.NDArray[np.uint8]:
        """Return the memory before the run, uint8[MEMORY_BYTES]."""
        return np.frombuffer(self.code + self.data[len(self.code) :], np.uint8)

    def is_legal(self) -> bool:
        """Whether the program is proved legal: then the bytes that it leaves are defined."""
        instructions = self.decoded()
        known = [instruction for instruction in instructions if instruction is not None]
        if len(known) < len(instructions):
            return False
        try:
            verify_program(self.machine, known, MEMORY_BYTES)
        except ProgramError:
            return False
        return True

    def with_code(self, code: bytes) -> Case:
        """Return a case that differs in its code only."""
        return Case(self.machine, code, self.data, self.source)

    def program(self) -> Program:
        """Return it as a program file holds it: a kernel without layers.

        Instructions that no machine knows have no place in one; then it has no segments, and its image is the code.
        """
        instructions = [instruction for instruction in self.decoded() if instruction is not None]
        if len(instructions) * INSTRUCTION_BYTES < len(self.code):
            return Program(self.machine, (), np.frombuffer(self.code, np.uint8), MEMORY_BYTES, source=self.source)
        segment = Segment(tuple(instructions))
        return Program(self.machine, (segment,), self.memory(), MEMORY_BYTES, source=self.source)


def _decoded(word: bytes) -> Instruction | None:
    try:
        return decode(word)
    except ProgramError:
        return None


def draw_case(seed: int, number: int, machine: Machine | None, illegal: bool) -> Case:
    """Return a case; the same arguments give the same.

    Args:
        seed: of the whole row of cases.
        number: of the case in it, from 0.
        machine: the machine; None for a random one, another for each case.
        illegal: damage the program, which is legal otherwise.
    """
    random = Random(f"{seed}/{number}")
    chosen = machine or random_machine(random.getrandbits(32), random.choice(LARGEST))
    instructions = random_program(chosen, random.getrandbits(32), random.choice(LENGTHS))
    image = random_image(chosen, instructions, random.getrandbits(32))
    code = b"".join(encode(instruction) for instruction in instructions)
    if illegal:
        # Damage may leave nothing, and repeats 260 instructions up to 16 times; both fit no program file.
        code = damaged(code, random.getrandbits(32))[:MEMORY_BYTES] or encode(instructions[-1])
    kind = "damaged program" if illegal else "program"
    return Case(chosen, code, image.tobytes(), f"{kind} {number} of fuzz seed {seed}")


def load_case(path: str | Path) -> Case:
    """Read a case that was saved as a program file; any kernel with as large a memory is one.

    Raises:
        ProgramError: it cannot be read, or is a program of another kind.
    """
    program = load_program(path)
    if not program.segments:
        size = program.image.size
        if not size or size % INSTRUCTION_BYTES or size > MEMORY_BYTES or program.nodes:
            raise ProgramError(f"{str(path)!r} holds no instructions, not even such as no machine knows")
        return Case(program.machine, program.image.tobytes(), bytes(MEMORY_BYTES), program.source)
    (segment, *others) = program.segments
    takes = program.inputs or program.outputs
    if others or takes or segment.program_address or program.memory_bytes != MEMORY_BYTES:
        raise ProgramError(f"{str(path)!r} is no kernel with a memory of {MEMORY_BYTES} bytes, as fuzz saves it")
    data = program.image.tobytes()
    return Case(program.machine, program.code(segment), data + bytes(MEMORY_BYTES - len(data)), program.source)

