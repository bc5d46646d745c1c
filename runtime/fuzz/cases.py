"""One case of the fuzzer: a machine and the code that it runs, drawn by number, kept as a program file."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
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
from runtime.fuzz.random_machines import random_machine, with_other_timing
from runtime.fuzz.random_programs import MEMORY_BYTES, random_program

LENGTHS = (3, 10, 30, 60)
"""Least instructions of a program, each as often as the others."""
VARIANTS = 8
"""Cases that are made of one drawn program: drawing takes longer than running."""
LARGEST = (8, 32, 256)
"""Bounds of a random machine's rows and columns, likewise; small machines reach their edges sooner."""

BUILT = (8,)
"""The same for machines that the RTL is built for, in seconds."""


@dataclass(frozen=True)
class Case:
    """What is compared.

    Attributes:
        machine: the machine.
        code: encoded instructions from address 0 of memory, legal or not.
        data: uint8[MEMORY_BYTES] as bytes, the memory before the run; the code lies over its beginning. Empty where
            only time is wanted.
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

    def refusal(self) -> str | None:
        """Return why the program is not proved legal; None where it is: then the bytes that it leaves are defined."""
        instructions = self.decoded()
        known = [instruction for instruction in instructions if instruction is not None]
        if len(known) < len(instructions):
            return "an instruction that no machine knows"
        try:
            verify_program(self.machine, known, MEMORY_BYTES)
        except ProgramError as error:
            return str(error)
        return None

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


@dataclass(frozen=True)
class Draws:
    """A row of cases; the same row gives the same ones.

    Attributes:
        seed: of the whole row.
        illegal: damage the programs, which are legal otherwise.
        machine: the machine; None for random ones.
        largest: bounds of a random machine's rows and columns, each as often as the others.
        programs_per_machine: cases that have the same random machine, each a program of its own; None for another
            machine for each program, and `VARIANTS` cases of each: other damage, or a machine with other timing.
    """

    seed: int
    illegal: bool
    machine: Machine | None = None
    largest: tuple[int, ...] = LARGEST
    programs_per_machine: int | None = None

    def case(self, number: int, with_memory: bool = True) -> Case:
        """Return a case by its number, from 0."""
        if self.programs_per_machine is not None:
            drawn = _draw_program(self._key(number), self._machine(number // self.programs_per_machine), ())
        else:
            alone = self.machine is not None and not self.illegal  # nothing can be varied
            drawn = _draw_program(self._key(number if alone else number // VARIANTS), self.machine, self.largest)
        random = Random(f"{self.seed}/{number}/variant")
        machine, code = drawn.machine, drawn.code
        if self.programs_per_machine is None and self.machine is None and number % (2 if self.illegal else VARIANTS):
            machine = with_other_timing(machine, random)
        if self.illegal:
            # Damage may leave nothing, and repeats 260 instructions up to 16 times; both fit no program file.
            code = damaged(code, random.getrandbits(32))[:MEMORY_BYTES] or encode(drawn.instructions[-1])
        kind = "damaged program" if self.illegal else "program"
        data = drawn.image().tobytes() if with_memory else b""
        return Case(machine, code, data, f"{kind} {number} of fuzz seed {self.seed}")

    def _key(self, number: int) -> str:
        return f"{self.seed}/{number}"

    def _machine(self, number: int) -> Machine:
        if self.machine is not None:
            return self.machine
        random = Random(f"{self.seed}/machine/{number}")
        return random_machine(random.getrandbits(32), random.choice(self.largest))


@dataclass(frozen=True)
class _Drawn:
    """A legal program before it becomes cases."""

    machine: Machine
    instructions: tuple[Instruction, ...]
    code: bytes
    image_seed: int

    def image(self) -> npt.NDArray[np.uint8]:
        return random_image(self.machine, self.instructions, self.image_seed)


@lru_cache(maxsize=1)
def _draw_program(key: str, machine: Machine | None, largest: tuple[int, ...]) -> _Drawn:
    """Draw a legal program for a machine; where there is none, draw that too. The latest one is kept."""
    random = Random(key)
    chosen = machine or random_machine(random.getrandbits(32), random.choice(largest))
    instructions = random_program(chosen, random.getrandbits(32), random.choice(LENGTHS))
    code = b"".join(encode(instruction) for instruction in instructions)
    return _Drawn(chosen, tuple(instructions), code, random.getrandbits(32))


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

